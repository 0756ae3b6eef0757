"""What happened in one run, packet by packet: filled by the nodes of `traced`, judged by `laws`."""

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
"""All emissions that led to a packet, the source's first."""


@dataclass(frozen=True, slots=True)
class FlushRecord:
    """A flush as the one who asked for it saw it: what was made before `begun` is stale after `done`."""

    flush: Flush
    begun: int
    done: int


@dataclass(slots=True)
class Ahead:
    """A turn that was speculative, from tick to tick; its retractions, each from tick to tick."""

    turn: int
    begun: int
    committed: int | None = None
    retracted: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Trace:
    """What happened in one run. Any thread; each entry is one atomic append."""

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
        """All that two runs of the same plan and seed agree on."""
        got = {pair: [(tick, trail[-1]) for tick, trail in entries] for pair, entries in self.got.items()}
        return [dict(self.made), got, dict(self.played), dict(self.marks)]
