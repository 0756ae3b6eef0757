"""Track how much of each reply a client has heard: by its reports, or by the clock if it makes none.

Callers pass the time, in seconds; nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

GRACE_S = 1.0
"""How long to wait for the first report of a client that has promised some, before the clock counts."""
SLACK_S = 0.4
"""How far a report may be ahead of the time since the reply began."""
KEPT = 16
"""How many of the newest replies are remembered."""


@dataclass(slots=True)
class _Sounding:
    """One reply, in seconds: when it began to be sent, and how much of it was sent, heard by the clock, and
    reported by `Playback.heard`."""

    turn: int
    began_s: float
    sent_s: float = 0.0
    heard_s: float = 0.0
    told_s: float = 0.0


class Playback:
    """The loudspeaker of one client, as far as the server knows it."""

    def __init__(self, promised: bool) -> None:
        """`promised` says that the client has promised reports of what it plays."""
        self._promised, self._reported = promised, False
        self._replies: list[_Sounding] = []
        self._held = self._away = False
        self._at_s = 0.0
        self._begun_s: float | None = None  # when audio was sent first

    def sent(self, turn: int, seconds: float, now_s: float) -> None:
        """Count audio of a reply that was sent."""
        self._advance(now_s)
        if self._begun_s is None:
            self._begun_s = now_s
        if not self._replies or self._replies[-1].turn != turn:
            self._replies.append(_Sounding(turn, now_s))
            del self._replies[:-KEPT]
        self._replies[-1].sent_s += seconds

    def hold(self, held: bool, now_s: float) -> None:
        """Stop or start the clock: the client was told to pause, or to play on."""
        self._advance(now_s)
        self._held = held

    def pause(self, away: bool, now_s: float) -> None:
        """Stop or start the clock: the client's connection was lost, or is back."""
        self._advance(now_s)
        self._away = away

    def cut(self, turn: int, now_s: float) -> None:
        """Count nothing more of the replies up to `turn`: they were cut."""
        self._advance(now_s)
        self._held = False
        for reply in self._replies:
            if reply.turn <= turn:
                reply.sent_s = reply.heard_s

    def report(self, turn: int, seconds: float, now_s: float) -> float | None:
        """Take a client's report of how much of a reply it has played. Return that, limited to what can have
        sounded by now; None for an unknown reply."""
        for reply in self._replies:
            if reply.turn == turn:
                self._reported = True
                return min(seconds, now_s - reply.began_s + SLACK_S)
        return None

    @property
    def sounding(self) -> bool:
        """Whether, by the clock, some audio that was sent has not been heard yet."""
        return any(reply.heard_s < reply.sent_s for reply in self._replies)

    def heard(self, now_s: float) -> list[tuple[int, float]]:
        """Return `(turn, seconds heard by the clock)` of each reply for which it grew since the last call.
        Return nothing for a client that reports."""
        self._advance(now_s)
        if self._reported or (self._promised and now_s - (self._begun_s or now_s) < GRACE_S):
            return []
        more = [reply for reply in self._replies if reply.heard_s > reply.told_s]
        for reply in more:
            reply.told_s = reply.heard_s
        return [(reply.turn, reply.heard_s) for reply in more]

    def _advance(self, now_s: float) -> None:
        """Advance what was heard to now, one reply after the other."""
        left_s, self._at_s = max(0.0, now_s - self._at_s), now_s
        if self._held or self._away:
            return
        for reply in self._replies:
            step_s = min(left_s, max(0.0, reply.sent_s - reply.heard_s))
            reply.heard_s += step_s
            left_s -= step_s
