"""Measure the boxes of a picture: their texts, their ports, and the size that these need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vflow.graph.graph import Graph, GraphLink
from vflow.graph.link_facts import bins_of, unread_outputs
from vflow.picture.layered import Layout
from vflow.picture.text_width import shortened, text_width

NAME, SMALL, TINY = 14.0, 11.5, 10.5
"""Sizes of text in pixels: for a node's name, for its kind, for ports and labels."""
LINE = 14.0
"""Distance from one line of small text to the next."""
BETWEEN = 14.0
"""Distance between the names of two ports."""
PAD = 10.0
"""Margin inside a box, left and right."""
WIDEST = 300.0
"""A text in a box or label wider than this, in pixels, is shortened; pointing at it shows all of it."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The ports on the upper and the lower side of a node, from left to right."""

    above: tuple[str, ...]
    below: tuple[str, ...]


def sides_of(name: str, links: Sequence[GraphLink], turned: Sequence[bool]) -> Sides:
    above: dict[str, None] = {}
    below: dict[str, None] = {}
    for link, back in zip(links, turned, strict=True):
        if link.source == name:
            (above if back else below)[link.out] = None
        if link.target == name:
            (below if back else above)[link.into] = None
    return Sides(tuple(above), tuple(below))


def ports_sorted(name: str, sides: Sides, links: Sequence[GraphLink], layout: Layout) -> Sides:
    """Return the ports of a node from left to right, in the order of their lines' other ends."""
    found: dict[str, list[float]] = {}
    for link, route, back in zip(links, layout.routes, layout.turned, strict=True):
        for node, port, upper in ((link.source, link.out, not back), (link.target, link.into, back)):
            if node == name:
                found.setdefault(port, []).append(route[1].x if upper else route[-2].x)

    def middle(port: str) -> float:
        return sum(found[port]) / len(found[port])

    return Sides(tuple(sorted(sides.above, key=middle)), tuple(sorted(sides.below, key=middle)))


def port_at(sides: Sides, port: str) -> float:
    """Return the place of a port, in pixels to the right of the box's middle."""
    ports = sides.above if port in sides.above else sides.below
    x = -_ports_width(ports) / 2
    for name in ports:
        width = text_width(name, TINY)
        if name == port:
            return x + width / 2
        x += width + BETWEEN
    raise ValueError(f"no port {port}")


def texts_of(graph: Graph, name: str, thread: int) -> list[str]:
    """Return the lines in a box: its name, its kind and its thread, and the outputs that nothing reads."""
    node = graph.nodes[name]
    what = f"{node.resolved} (inserted)" if node.converter else node.resolved
    title = name.removeprefix(f"{bins[-1]}.") if (bins := bins_of(graph, name)) else name
    notes = [f"{port}: not linked" for port in unread_outputs(graph, name)]
    notes += [f"{link.out} → {link.into}: itself" for link in graph.out_of(name) if link.target == name]
    return [shortened(text, SMALL, WIDEST) for text in (title, f"{what} · thread {thread}", *notes)]


def size_of(texts: Sequence[str], sides: Sides) -> tuple[float, float]:
    widths = [text_width(texts[0], NAME, bold=True), *(text_width(text, SMALL) for text in texts[1:])]
    widths += [_ports_width(sides.above), _ports_width(sides.below)]
    ports = LINE * (bool(sides.above) + bool(sides.below))
    return max(widths) + 2 * PAD, ports + NAME + 4 + LINE * (len(texts) - 1) + 8


def _ports_width(ports: Sequence[str]) -> float:
    return sum(text_width(port, TINY) for port in ports) + BETWEEN * max(0, len(ports) - 1)
