"""Flush: what a flush says, and what was played when it came."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Played:
    """How much of a turn's reply a sink had played: `samples` at its `rate`, the words heard in full
    or to more than half (`heard`), and their number; `ended` where it was played to its end."""

    turn: int
    samples: int
    rate: int
    heard: str = ""
    words: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Flush:
    """One flush. `number` counts the flushes of a pipeline from 1.

    `turn` is the last turn that it cancels. `origins` are the nodes whose outputs it starts from,
    `nodes` those reachable from there. `played` has what the sinks had played.
    """

    number: int
    turn: int
    origins: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    played: tuple[Played, ...] = field(default=())

    def heard(self, turn: int) -> str:
        """What was heard of the reply of `turn`."""
        return " ".join(p.heard for p in self.played if p.turn == turn and p.heard)
