"""Work out the picture of a graph before it is drawn: boxes with ports, lines with labels, frames of bins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vflow.graph.graph import Graph, GraphLink
from vflow.graph.latency_budget import path_latencies
from vflow.graph.link_facts import bins_of, flushed, held, leads_back
from vflow.node import Sink, is_source
from vflow.picture.box_shapes import (
    LINE,
    TINY,
    WIDEST,
    Sides,
    port_at,
    ports_sorted,
    sides_of,
    size_of,
    texts_of,
)
from vflow.picture.layered import Layout, Rect, Stretch, laid_out
from vflow.picture.slots import Edge
from vflow.picture.text_width import shortened, text_width
from vflow.ports import queue_text
from vflow.props import duration_text, props_of, value_text

MARGIN = 20.0
HELD = "held until the turn ends"
MOST_PATHS = 5
"""Most paths whose latency is shown."""
BUSY = "busy 100 %", "p50 99.9 · p99 99.9 ms"
WAITING = "100 % · 99.9 s old", "999.9/s · 9,999 lost"
FILL = ("100 %",)
"""The widest figures that a page writes: the last lines of a box; the label of a link between threads, all of
it and its fill alone."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port at which a line ends, by the middle of its name; `above`: on the box's upper side."""

    name: str
    x: float
    above: bool


@dataclass(frozen=True, slots=True)
class Box:
    """A node. `kind` is source, sink, generator, inserted or node."""

    name: str
    title: str
    what: str
    thread: int
    kind: str
    rect: Rect
    ports: tuple[Port, ...]
    notes: tuple[str, ...]
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A link. Its stretches run downwards; a line that leads `back` has its arrow at the upper end.

    crosses: it crosses threads. flushed: an interruption makes its packets stale. held: packets made in
    advance wait in it for the end of the turn.
    """

    name: str
    source: str
    target: str
    out: str
    into: str
    caps: str
    queue: str
    crosses: bool
    back: bool
    flushed: bool
    held: bool
    label: tuple[str, ...]
    label_rect: Rect
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A bin, with the node that it resolved to."""

    name: str
    resolved: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, in pixels."""

    title: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    frames: tuple[Frame, ...]
    latencies: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for a program or a page."""
        return asdict(self)


def scene(graph: Graph, busy: Sequence[str] = (), waiting: Sequence[str] = ()) -> Scene:
    """Lay out a graph. Takes 0.1 s for 60 nodes.

    With room for figures, each as wide as the one given: the last notes of a box are empty then, `busy`, and
    so is the label of a link that crosses threads, `waiting`.
    """
    order = graph.in_order()
    links = [link for link in graph.links if link.source != link.target]
    back = leads_back(graph)
    turned = [link.name in back for link in links]
    threads = {name: n for n, names in enumerate(graph.segments(), 1) for name in names}
    texts = {name: texts_of(graph, name, threads[name]) for name in order}
    delayed, stale = held(graph), flushed(graph)
    written = {link.name for link in links if waiting and graph.is_boundary(link)}
    labels = [
        ("",) * len(waiting) if link.name in written else _label(graph, link, link.name in delayed)
        for link in links
    ]
    rooms = [waiting if link.name in written else label for link, label in zip(links, labels, strict=True)]
    sizes = [(max(text_width(text, TINY) for text in room) + 8, LINE * len(room)) for room in rooms]
    groups = {name: bins_of(graph, name) for name in order}
    sides = {name: sides_of(name, links, turned) for name in order}
    for last in (False, True):
        boxes = {name: size_of([*texts[name], *busy], sides[name]) for name in order}
        edges = [
            Edge(
                link.source,
                link.target,
                size,
                port_at(sides[link.source], link.out),
                port_at(sides[link.target], link.into),
            )
            for link, size in zip(links, sizes, strict=True)
        ]
        layout = laid_out(boxes, edges, groups)
        if not last:  # put ports in the order of their lines, so that lines do not cross
            sides = {name: ports_sorted(name, sides[name], links, layout) for name in order}
    empty = [""] * len(busy)
    drawn = {
        name: _box(
            graph, name, [*texts[name], *empty], sides[name], _moved(layout.boxes[name]), threads[name]
        )
        for name in graph.nodes
    }
    return Scene(
        title=os.path.basename(graph.file) or graph.file,
        width=layout.width + 2 * MARGIN,
        height=layout.height + 2 * MARGIN,
        boxes=tuple(drawn.values()),
        lines=tuple(
            _line(
                graph,
                link,
                labels[at],
                layout,
                drawn,
                at,
                link.name in stale,
                link.name in delayed,
            )
            for at, link in enumerate(links)
        ),
        frames=tuple(
            Frame(group[-1], graph.aliases[group[-1]], _moved(rect)) for group, rect in layout.frames.items()
        ),
        latencies=_latencies(graph),
    )


def _moved(rect: Rect) -> Rect:
    return Rect(rect.x + MARGIN, rect.y + MARGIN, rect.width, rect.height)


def _label(graph: Graph, link: GraphLink, waits: bool) -> tuple[str, ...]:
    lines = [str(graph.nodes[link.source].caps.get(link.out, ""))]
    if graph.is_boundary(link):
        lines.append(queue_text(graph.queue(link)))
    return tuple(shortened(line, TINY, WIDEST) for line in [*lines, *([HELD] if waits else [])])


def _box(graph: Graph, name: str, texts: list[str], sides: Sides, rect: Rect, thread: int) -> Box:
    node, middle = graph.nodes[name], rect.x + rect.width / 2
    kinds = {
        "inserted": node.converter,
        "generator": node.cls.generates,
        "source": is_source(node.cls),
        "sink": issubclass(node.cls, Sink),
    }
    declared = props_of(node.cls)
    return Box(
        name=name,
        title=texts[0],
        what=texts[1],
        thread=thread,
        kind=next((kind for kind, found in kinds.items() if found), "node"),
        rect=rect,
        ports=(
            *(Port(port, middle + port_at(sides, port), True) for port in sides.above),
            *(Port(port, middle + port_at(sides, port), False) for port in sides.below),
        ),
        notes=tuple(texts[2:]),
        properties={
            prop: graph.secrets.hide(value_text(declared[prop], value)) for prop, value in node.values.items()
        },
    )


def _line(
    graph: Graph,
    link: GraphLink,
    label: tuple[str, ...],
    layout: Layout,
    boxes: Mapping[str, Box],
    at: int,
    stale: bool,
    waits: bool,
) -> Line:
    back = layout.turned[at]
    (top, leaving), (bottom, coming) = (link.source, link.out), (link.target, link.into)
    if back:
        (top, leaving), (bottom, coming) = (bottom, coming), (top, leaving)
    route = [Stretch(s.x + MARGIN, s.top + MARGIN, s.bottom + MARGIN) for s in layout.routes[at]]
    start = next(port.x for port in boxes[top].ports if port.name == leaving and not port.above)
    end = next(port.x for port in boxes[bottom].ports if port.name == coming and port.above)
    route[0] = Stretch(start, boxes[top].rect.bottom, route[0].bottom)
    route[-1] = Stretch(end, route[-1].top, boxes[bottom].rect.y)
    return Line(
        name=link.name,
        source=link.source,
        target=link.target,
        out=link.out,
        into=link.into,
        caps=str(graph.nodes[link.source].caps.get(link.out, "")),
        queue=queue_text(graph.queue(link)) if graph.is_boundary(link) else "",
        crosses=graph.is_boundary(link),
        back=back,
        flushed=stale,
        held=waits,
        label=label,
        label_rect=_moved(layout.labels[at]),
        stretches=tuple(route),
    )


def _latencies(graph: Graph) -> tuple[str, ...]:
    """Return the latency that properties fix, for each path that has one, and the budget."""
    found = {
        f"{path.nodes[0]} → {path.nodes[-1]}: {' + '.join(map(str, path.parts))}"
        f" = {duration_text(path.total_ns)}": None
        for path in path_latencies(graph)
        if path.parts
    }
    told = list(found)[:MOST_PATHS]
    if len(found) > MOST_PATHS:
        told.append(f"and {len(found) - MOST_PATHS} more paths, which are faster")
    if (budget := graph.budget) is not None:
        limit = duration_text(budget.limit_ns)
        told.append(f"budget: from {budget.start} to first_audio at most {limit}")
    return tuple(told)
