"""Lay out boxes in rows, with data running down and a slot of its own for each label and each passing line.

Source: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system structures" (1981).

Boxes are in even rows, labels in odd ones. A line runs straight down through its slot in each row, and bends
only between rows, so that no line crosses a box or another line's label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vflow.picture.row_order import order
from vflow.picture.row_spread import FRAME, part, sides_of, spread
from vflow.picture.slots import Edge, Item, chain_of, hold_place, rows_of, span_of, table_of

GAP_Y = 16.0
"""Distance between rows, in pixels."""
TITLE = 20.0
"""Height of a frame's title."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A box, in pixels, from its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def overlaps(self, other: Rect) -> bool:
        beside = self.right <= other.x or other.right <= self.x
        return not (beside or self.bottom <= other.y or other.bottom <= self.y)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a line: straight down at `x` from `top` to `bottom`."""

    x: float
    top: float
    bottom: float


@dataclass(slots=True)
class Layout:
    """The place of everything. `routes` and `labels` are in the order of the edges. A route always runs
    downwards; `turned` tells whether its edge leads up."""

    width: float
    height: float
    boxes: dict[str, Rect]
    routes: list[list[Stretch]]
    labels: list[Rect]
    turned: list[bool]
    frames: dict[tuple[str, ...], Rect]


def laid_out(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    groups: Mapping[str, tuple[str, ...]] | None = None,
) -> Layout:
    """Lay out boxes, given by name and size in an order in which data runs; an edge against it is turned.

    `groups` names the frames around each box, the outermost first. Edges from a box to itself are not
    allowed.
    """
    groups = groups or {}
    places = {name: index for index, name in enumerate(sizes)}
    turned = [places[edge.source] > places[edge.target] for edge in edges]
    ends = [
        (e.target, e.source) if back else (e.source, e.target) for e, back in zip(edges, turned, strict=True)
    ]
    rows = rows_of(list(sizes), ends)
    boxes = {
        name: Item(*sizes[name], row=2 * rows[name], group=groups.get(name, ()), box=name) for name in sizes
    }
    chains = [chain_of(index, edge, boxes, ends[index]) for index, edge in enumerate(edges)]
    table = table_of([*boxes.values(), *(item for chain in chains for item in chain[1:-1])])
    framed = sorted(
        {group[: at + 1] for group in groups.values() for at in range(len(group))},
        key=lambda frame: (len(frame), frame),
    )
    hold_place(table, framed)
    order(table)
    spread(table)
    part(table, framed)
    tops = _tops(table, framed)
    return _placed(table, tops, boxes, chains, turned, framed)


def _tops(table: Sequence[Sequence[Item]], framed: Iterable[tuple[str, ...]]) -> list[float]:
    """Return the top of each row, and last the bottom of the picture."""
    above, below = [0.0] * len(table), [0.0] * len(table)
    for frame in framed:
        span = span_of(table, frame)
        above[span[0]] += TITLE + FRAME / 2
        below[span[-1]] += FRAME
    tops, top = [], 0.0
    for row, items in enumerate(table):
        top += above[row]
        tops.append(top)
        top += max(item.height for item in items) + below[row] + GAP_Y
    return [*tops, top]


def _placed(
    table: Sequence[Sequence[Item]],
    tops: Sequence[float],
    boxes: Mapping[str, Item],
    chains: Sequence[Sequence[Item]],
    turned: list[bool],
    framed: Sequence[tuple[str, ...]],
) -> Layout:
    heights = [max(item.height for item in row) for row in table]
    frames = {}
    for frame in framed:
        span, (left, right) = span_of(table, frame), sides_of(table, frame)
        inner = [f for f in framed if len(f) > len(frame) and f[: len(frame)] == frame]
        first = sum(span_of(table, f)[0] == span[0] for f in inner)
        last = sum(span_of(table, f)[-1] == span[-1] for f in inner)
        top = tops[span[0]] - (TITLE + FRAME / 2) * (first + 1)
        bottom = tops[span[-1]] + heights[span[-1]] + FRAME * (last + 1)
        frames[frame] = Rect(left, top, right - left, bottom - top)
    items = [item for row in table for item in row]
    left = min(
        [item.x - item.width / 2 for item in items] + [frame.x for frame in frames.values()], default=0.0
    )

    def rect(item: Item) -> Rect:
        return Rect(item.x - item.width / 2 - left, tops[item.row], item.width, item.height)

    def stretch(item: Item) -> Stretch:
        return Stretch(item.x - left, tops[item.row], tops[item.row] + heights[item.row])

    frames = {name: Rect(f.x - left, f.y, f.width, f.height) for name, f in frames.items()}
    rects = [rect(item) for item in items] + list(frames.values())
    return Layout(
        width=max((r.right for r in rects), default=0.0),
        height=max((r.bottom for r in rects), default=0.0),
        boxes={name: rect(item) for name, item in boxes.items()},
        routes=[[stretch(item) for item in chain] for chain in chains],
        labels=[rect(chain[1]) for chain in chains],
        turned=turned,
        frames=frames,
    )
