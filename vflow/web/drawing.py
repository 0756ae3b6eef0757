"""The drawing of a graph as a page gets it: the scene of `vflow.picture`, within bounds."""

from __future__ import annotations

from typing import Any

import msgspec

from vflow.graph.graph import Graph

MOST_NODES, MOST_LINKS = 150, 300
"""A larger graph takes seconds to lay out, and nobody reads it on a page."""
MOST_BYTES = 400_000


def drawing_of(graph: Graph, figures: bool = False, properties: bool = False) -> dict[str, Any] | None:
    """The scene as JSON; None where the graph is too large. Blocks, for 0.5 s at most.

    It has room for how full each queue is, with `figures` for all of them. Without `properties` it has none:
    they may name files, addresses and prompts, which are not for clients.
    """
    if len(graph.nodes) > MOST_NODES or len(graph.links) > MOST_LINKS:
        return None
    from vflow.picture.scene import BUSY, FILL, WAITING, scene  # networkx takes a quarter of a second

    room = (BUSY, WAITING) if figures else ((), FILL)
    found = scene(graph, *room).to_json()
    if not properties:
        for box in found["boxes"]:
            box["properties"] = {}
    drawn: dict[str, Any] = _rounded(found)
    return drawn if len(msgspec.json.encode(drawn)) <= MOST_BYTES else None


def _rounded(value: Any) -> Any:
    """The value with its numbers to a tenth of a pixel."""
    if isinstance(value, float):
        return round(value, 1)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
