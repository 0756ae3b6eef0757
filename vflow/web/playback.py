"""How much of each reply a client has heard: by its reports, and by the clock until it makes one.

Nothing here knows the time: it is given, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

GRACE_S = 1.0
"""How long the clock waits for the first report of a client that has promised some."""
SLACK_S = 0.4
"""How far a report may be ahead of what could have sounded by the clock."""
KEPT = 16
"""Replies that are remembered, the newest."""


@dataclass(slots=True)
class _Sounding:
    """A reply: how much was sent, when that began, how much was heard by the clock, and how much of that was
    told; in seconds."""

    turn: int
    began_s: float
    sent_s: float = 0.0
    heard_s: float = 0.0
    told_s: float = 0.0


class Playback:
    """One client's loudspeaker."""

    def __init__(self, promised: bool) -> None:
        """`promised` says that the client reports what it has played."""
        self._promised, self._reported = promised, False
        self._replies: list[_Sounding] = []
        self._held = self._away = False
        self._at_s = 0.0
        self._begun_s: float | None = None  # when audio was sent first

    def sent(self, turn: int, seconds: float, now_s: float) -> None:
        """Audio of a reply was sent."""
        self._advance(now_s)
        if self._begun_s is None:
            self._begun_s = now_s
        if not self._replies or self._replies[-1].turn != turn:
            self._replies.append(_Sounding(turn, now_s))
            del self._replies[:-KEPT]
        self._replies[-1].sent_s += seconds

    def hold(self, held: bool, now_s: float) -> None:
        """The client was told to pause, or to play on."""
        self._advance(now_s)
        self._held = held

    def pause(self, away: bool, now_s: float) -> None:
        """The client's connection was lost, or is there again."""
        self._advance(now_s)
        self._away = away

    def cut(self, turn: int, now_s: float) -> None:
        """The replies up to `turn` were cut: the client plays nothing more of them."""
        self._advance(now_s)
        self._held = False
        for reply in self._replies:
            if reply.turn <= turn:
                reply.sent_s = reply.heard_s

    def report(self, turn: int, seconds: float, now_s: float) -> float | None:
        """The client says how much of a reply it has played; returns how much of that can be, None for a
        reply that is not known."""
        for reply in self._replies:
            if reply.turn == turn:
                self._reported = True
                return min(seconds, now_s - reply.began_s + SLACK_S)
        return None

    @property
    def sounding(self) -> bool:
        """Whether something that was sent is not heard yet, by the clock."""
        return any(reply.heard_s < reply.sent_s for reply in self._replies)

    def heard(self, now_s: float) -> list[tuple[int, float]]:
        """Yield how much of each reply was heard by the clock, if that is more than at the last call. Yield
        nothing for a client that reports."""
        self._advance(now_s)
        if self._reported or (self._promised and now_s - (self._begun_s or now_s) < GRACE_S):
            return []
        more = [reply for reply in self._replies if reply.heard_s > reply.told_s]
        for reply in more:
            reply.told_s = reply.heard_s
        return [(reply.turn, reply.heard_s) for reply in more]

    def _advance(self, now_s: float) -> None:
        """Play on until now, one reply after the other."""
        left_s, self._at_s = max(0.0, now_s - self._at_s), now_s
        if self._held or self._away:
            return
        for reply in self._replies:
            step_s = min(left_s, max(0.0, reply.sent_s - reply.heard_s))
            reply.heard_s += step_s
            left_s -= step_s
