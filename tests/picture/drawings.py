"""Draw random graphs to lay out, and check the pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from hypothesis import strategies as st

from vflow.picture.layered import Layout, Rect
from vflow.picture.slots import Edge

Drawing = tuple[dict[str, tuple[float, float]], list[Edge], dict[str, tuple[str, ...]]]
STEPS = 16
"""How many points of a curve are checked."""


@st.composite
def drawings(draw: st.DrawFn) -> Drawing:
    """Draw boxes, edges in any direction, and frames around neighbours, up to two deep."""
    count = draw(st.integers(1, 14))
    names = [f"n{at}" for at in range(count)]
    size = st.tuples(st.floats(20, 250), st.floats(20, 90))
    sizes = {name: draw(size) for name in names}
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(
        lambda pair: pair[0] != pair[1]
    )
    label = st.tuples(st.floats(2, 200), st.floats(0, 42))
    edges = [
        Edge(names[one], names[other], draw(label), draw(st.floats(-9, 9)), draw(st.floats(-9, 9)))
        for one, other in (draw(st.lists(ends, max_size=20)) if count > 1 else [])
    ]
    groups: dict[str, tuple[str, ...]] = {}
    for number in range(draw(st.integers(0, 3))):
        first, many = draw(st.integers(0, count - 1)), draw(st.integers(1, 5))
        for name in names[first : first + many]:
            groups.setdefault(name, (f"g{number}", *([f"h{number}"] if draw(st.booleans()) else [])))
    return sizes, edges, groups


def faults(layout: Layout, edges: list[Edge], groups: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield a line for each thing that overlaps, crosses or sticks out."""
    boxes = layout.boxes
    for (one, box), (other, second) in itertools.combinations(boxes.items(), 2):
        if box.overlaps(second):
            yield f"{one} overlaps {other}"
    for at, label in enumerate(layout.labels):
        yield from (f"label {at} overlaps {name}" for name, box in boxes.items() if label.overlaps(box))
        yield from (
            f"label {at} overlaps {other}"
            for other, second in enumerate(layout.labels)
            if other > at and label.overlaps(second)
        )
    for at, edge in enumerate(edges):
        own = {edge.source, edge.target}
        for x, y in points(layout, at, edge):
            yield from (
                f"line {at} crosses {name}"
                for name, box in boxes.items()
                if name not in own and holds(box, x, y)
            )
            yield from (
                f"line {at} crosses label {other}"
                for other, label in enumerate(layout.labels)
                if other != at and holds(label, x, y)
            )
    for frame, rect in layout.frames.items():
        for name, box in boxes.items():
            inside = groups.get(name, ())[: len(frame)] == frame
            if inside and not (rect.x <= box.x and box.right <= rect.right):
                yield f"{name} sticks out of {frame}"
            if inside and not (rect.y <= box.y and box.bottom <= rect.bottom):
                yield f"{name} sticks out of {frame}"
            if not inside and rect.overlaps(box):
                yield f"{frame} holds {name}"
        for beside, second in layout.frames.items():
            nested = beside[: len(frame)] == frame or frame[: len(beside)] == beside
            if not nested and rect.overlaps(second):
                yield f"{frame} overlaps {beside}"
    for rect in (*boxes.values(), *layout.labels, *layout.frames.values()):
        if (
            rect.x < -0.01
            or rect.y < -0.01
            or rect.right > layout.width + 0.01
            or rect.bottom > layout.height + 0.01
        ):
            yield f"{rect} is outside of the picture"


def points(layout: Layout, at: int, edge: Edge) -> Iterator[tuple[float, float]]:
    """Yield points of a line as it is drawn: straight down in its slots, curved between rows."""
    route = layout.routes[at]
    for above, below in itertools.pairwise(route):
        for step in range(STEPS + 1):
            part = step / STEPS
            bend = 3 * part**2 - 2 * part**3  # a cubic with its middle points at half of the height
            y = above.bottom + (below.top - above.bottom) * _height(part)
            yield above.x + (below.x - above.x) * bend, y
    for stretch in route[1:-1]:
        for step in range(STEPS + 1):
            yield stretch.x, stretch.top + (stretch.bottom - stretch.top) * step / STEPS


def _height(part: float) -> float:
    return 1.5 * part * (1 - part) ** 2 + 1.5 * part**2 * (1 - part) + part**3


def holds(rect: Rect, x: float, y: float) -> bool:
    """Return whether a point lies inside a box, not only on its edge."""
    return rect.x + 0.01 < x < rect.right - 0.01 and rect.y + 0.01 < y < rect.bottom - 0.01
