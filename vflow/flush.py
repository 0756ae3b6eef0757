"""Flush: which turns a flush cancels, and what had been played when it came."""

from __future__ import annotations

from dataclasses import dataclass, field

UNHEARD_WORDS = 4
"""Most heard words of a reply that still counts as unheard when it is taken back. Hardly more are said within
the grace of a `turn` (0.7 s), and nobody has answered to them by then."""


@dataclass(frozen=True, slots=True)
class Played:
    """How much of a turn's reply a sink had played: `samples` at its `rate`; the words heard in full or to
    more than half (`heard`), and their number; `ended` if it was played to its end."""

    turn: int
    samples: int
    rate: int
    heard: str = ""
    words: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Flush:
    """One flush. `number` counts the flushes of a pipeline from 1.

    `turn` is the last turn that it cancels. It starts from the outputs of the nodes `origins`; `nodes` are
    all nodes downstream of them. `played` has what the `sinks` among those had played; `sinks` is their
    number.

    With `retracts`, the user spoke on after a pause. Only work that was done on `turn` in advance is stale;
    the turn itself goes on. Nothing of that work was played.

    With `takes_back`, the end of `turn` was false. A reply counts as `unheard` if at most UNHEARD_WORDS of it
    were heard.
    """

    number: int
    turn: int
    origins: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    played: tuple[Played, ...] = field(default=())
    sinks: int = 0
    retracts: bool = False
    takes_back: bool = False

    def cancels(self, turn: int) -> bool:
        """Return whether a reply to `turn` is no longer wanted."""
        return turn == self.turn if self.retracts else turn <= self.turn

    def concerns(self, turn: int) -> bool:
        """Return whether what a node in `nodes` holds of `turn` is stale."""
        return turn == self.turn or not self.retracts

    def joined(self, later: Flush) -> Flush | None:
        """Return both as one, for a thread that has applied neither; None if they differ in kind."""
        if self.retracts or later.retracts or self.takes_back or later.takes_back:
            return None
        return Flush(
            later.number,
            max(self.turn, later.turn),
            self.origins | later.origins,
            self.nodes | later.nodes,
            self.played + later.played,
            max(self.sinks, later.sinks),
        )

    def heard(self, turn: int) -> str:
        """Return the heard text of the reply of `turn`, for the history; '' if it counts as unheard."""
        return "" if self.unheard(turn) else self.sounded(turn)

    def sounded(self, turn: int) -> str:
        """Return the heard text of the reply of `turn`, even if it counts as unheard. Of several sinks, the
        one that has played most counts, among those that have not ended if there are any."""
        record = self._record(turn)
        return record.heard if record is not None else ""

    def unheard(self, turn: int) -> bool:
        """Return whether the reply of `turn` is taken back and so little of it was heard that it counts as
        nothing. Of replies played to their end, only that of the turn whose end was false can count so."""
        if not self.takes_back or turn > self.turn or not self.sinks:
            return False
        record = self._record(turn)
        return record is None or (record.words <= UNHEARD_WORDS and (turn == self.turn or not record.ended))

    def _record(self, turn: int) -> Played | None:
        records = [p for p in self.played if p.turn == turn]
        playing = [p for p in records if not p.ended] or records
        return max(playing, key=lambda p: p.words, default=None)
