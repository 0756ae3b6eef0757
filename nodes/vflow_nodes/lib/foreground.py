"""Tell the user's voice from voices far below it, such as a television's, by the power of windows.

A voiced window is *near* if its power is at most `range_db` below the user's level. Voice is near while at
least NEAR of its last RECENT windows are. The user's level is

    outside an utterance: the median of the levels of the last TURNS turns
    in an utterance:      its own level so far

and the level of an utterance is the 95th percentile of its voiced windows' power. Before the first turn all
voice is near. A user may move away or turn down the microphone: after FORGET_AFTER_NS without a turn the
range grows by FORGET_DB_S, so that nobody is ignored for ever. See docs/measurements.md for the figures.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from statistics import median

from vflow import MS, SECOND

NEAR, RECENT = 2, 10
"""Windows: 2 of the last 10, of 32 ms each. A single one may be a knock, or a loud syllable of another."""
TURNS = 3
SHORTEST = 6
"""Fewest voiced windows of a turn that has a level."""
FAR_NS = 3500 * MS
"""An utterance ends this long after voice was near last: the user's own soft stretches are shorter."""
FORGET_AFTER_NS, FORGET_DB_S = 60 * SECOND, 0.1
REST_NS, REST_DB = 1000 * MS, 5.0
"""So soon after a turn the range is wider: people say the rest of a turn that was cut more softly."""
_LEVEL = 0.95
_MOST = 1000
"""Most voiced windows of an utterance that count: 32 s."""


class Foreground:
    """Follows the windows of one stream, in ns of the stream. One thread."""

    def __init__(self, range_db: float) -> None:
        """0 dB turns it off: then all voice is near."""
        self._range_db = range_db
        self._turns: deque[float] = deque(maxlen=TURNS)
        self._powers: list[float] = []
        """Those of the present utterance's voiced windows, rising."""
        self._recent: deque[float] = deque(maxlen=RECENT)
        """The powers of the last windows; 0 for those without voice."""
        self._ended_ns = 0
        self.near = True
        """Whether the voice of the last windows may be the user's."""
        self.near_ns = 0
        """When voice was near last."""

    def hear(self, power: float, voiced: bool, end_ns: int, inside: bool) -> None:
        """Take a window that ends at `end_ns`, and whether an utterance goes on."""
        self._recent.append(power if voiced else 0.0)
        if inside and voiced and len(self._powers) < _MOST:
            insort(self._powers, power)
        level = self._level() if inside else median(self._turns) if self._turns else 0.0
        least = level * 10 ** (-self._range(end_ns, inside) / 10)
        loud = sum(1 for each in self._recent if each and each >= least)
        self.near = not self._range_db or not level or loud >= NEAR
        if self.near:
            self.near_ns = end_ns

    def begin(self) -> None:
        """Note that an utterance begins; the voice of its onset counts."""
        self._powers = sorted(power for power in self._recent if power)

    def end(self, end_ns: int, is_turn: bool) -> None:
        """Note that the utterance is over. The level of one that is no turn is forgotten."""
        if is_turn and len(self._powers) >= SHORTEST:
            self._turns.append(self._level())
        if is_turn:
            self._ended_ns = end_ns
        self._powers.clear()

    def _level(self) -> float:
        return self._powers[int(_LEVEL * (len(self._powers) - 1))] if self._powers else 0.0

    def _range(self, now_ns: int, inside: bool) -> float:
        since_ns = now_ns - self._ended_ns
        if inside:
            return self._range_db
        if since_ns < REST_NS:
            return self._range_db + REST_DB
        return self._range_db + max(0, since_ns - FORGET_AFTER_NS) / SECOND * FORGET_DB_S
