"""The slots of a layered layout: the items of each row, with their links above and below."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import networkx


@dataclass(frozen=True, slots=True)
class Edge:
    """A line to draw."""

    source: str
    target: str
    label: tuple[float, float] = (0.0, 0.0)
    """Width and height."""
    source_at: float = 0.0
    """Place where it leaves its source, in pixels to the right of the box's middle; `target_at`: where it
    ends."""
    target_at: float = 0.0


@dataclass(slots=True)
class Item:
    """An item in a slot of a row: a box, a label, or a passing line."""

    width: float
    height: float
    row: int
    group: tuple[str, ...] = ()
    box: str = ""
    edge: int = -1
    x: float = 0.0
    """The place of its middle."""
    above: list[Pull] = field(default_factory=list)
    below: list[Pull] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pull:
    """A neighbour in the row above or below: this item wants to be `to_right` of it."""

    other: Item
    weight: float
    to_right: float

    @property
    def wanted(self) -> float:
        return self.other.x + self.to_right


def rows_of(names: list[str], ends: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return the row of each box: below all that lead to it; for a source, right above its first target."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from(ends)
    rows = {name: row for row, layer in enumerate(networkx.topological_generations(graph)) for name in layer}
    for name in names:
        if not graph.in_degree(name) and graph.out_degree(name):
            rows[name] = min(rows[below] for below in graph.successors(name)) - 1
    return rows


def chain_of(index: int, edge: Edge, boxes: Mapping[str, Item], ends: tuple[str, str]) -> list[Item]:
    """Return the slots of an edge, one a row, from the upper box to the lower; the first has its label."""
    upper, lower = boxes[ends[0]], boxes[ends[1]]
    frame = shared(upper.group, lower.group)
    chain = [upper]
    for row in range(upper.row + 1, lower.row):
        label = row == upper.row + 1
        width, height = edge.label if label else (2.0, 0.0)
        chain.append(Item(width, height, row, frame, edge=index if label else -1))
    chain.append(lower)
    starts, lands = edge.source_at, edge.target_at
    if ends[0] != edge.source:
        starts, lands = lands, starts
    for above, below in itertools.pairwise(chain):
        weight = 1.0 + 2.0 * (not above.box) + 2.0 * (not below.box)
        to_right = (starts if above is upper else 0.0) - (lands if below is lower else 0.0)
        above.below.append(Pull(below, weight, -to_right))
        below.above.append(Pull(above, weight, to_right))
    return chain


def shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    return one[:same]


def table_of(items: Iterable[Item]) -> list[list[Item]]:
    table: list[list[Item]] = []
    for item in items:
        while len(table) <= item.row:
            table.append([])
        table[item.row].append(item)
    return table


def span_of(table: Sequence[Sequence[Item]], frame: tuple[str, ...]) -> range:
    rows = [row for row, items in enumerate(table) for item in items if item.group[: len(frame)] == frame]
    return range(min(rows), max(rows) + 1)


def hold_place(table: list[list[Item]], framed: Iterable[tuple[str, ...]]) -> None:
    """Give a frame a slot in each row that it passes, so that nothing else is put there."""
    for frame in framed:
        for row in span_of(table, frame):
            if not any(item.group[: len(frame)] == frame for item in table[row]):
                table[row].append(Item(2.0, 0.0, row, frame))
