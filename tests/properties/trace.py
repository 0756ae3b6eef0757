"""Record a run packet by packet: the nodes of `traced` fill the record, `laws` judges it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vflow import Flush


@dataclass(frozen=True, slots=True)
class Hop:
    """One emission: the `number`th of `node`, at this tick of the run."""

    node: str
    number: int
    turn: int
    pts_ns: int
    tick: int


Trail = tuple[Hop, ...]
"""All emissions that led to a packet, from the source's on."""


@dataclass(frozen=True, slots=True)
class FlushRecord:
    """A flush as its caller saw it: packets made before `begun` are stale after `done`."""

    flush: Flush
    begun: int
    done: int


@dataclass(slots=True)
class Ahead:
    """A turn that was speculative, from tick to tick; and its retractions, each from tick to tick."""

    turn: int
    begun: int
    committed: int | None = None
    retracted: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Trace:
    """The record of a run. Any thread; each entry is one atomic append."""

    ticks: Iterator[int] = field(default_factory=itertools.count)
    made: dict[str, list[Hop]] = field(default_factory=lambda: defaultdict(list))
    got: dict[tuple[str, str], list[tuple[int, Trail]]] = field(default_factory=lambda: defaultdict(list))
    played: dict[str, list[tuple[int, Trail]]] = field(default_factory=lambda: defaultdict(list))
    marks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    taken: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    flushes: list[FlushRecord] = field(default_factory=list)
    ahead: list[Ahead] = field(default_factory=list)
    raised: set[str] = field(default_factory=set)

    def signature(self) -> list[Any]:
        """Return all facts that must be equal in two runs of the same plan and seed."""
        got = {pair: [(tick, trail[-1]) for tick, trail in entries] for pair, entries in self.got.items()}
        return [dict(self.made), got, dict(self.played), dict(self.marks)]
