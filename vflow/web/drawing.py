"""Draw a graph for a page: the scene of `vflow.picture` as JSON, unless the graph is too large."""

from __future__ import annotations

from typing import Any

import msgspec

from vflow.graph.graph import Graph

MOST_NODES, MOST_LINKS = 150, 300
"""Largest graph to draw: a larger one takes seconds to lay out, and nobody could read it on a page."""
MOST_BYTES = 400_000


def drawing_of(graph: Graph, figures: bool = False, properties: bool = False) -> dict[str, Any] | None:
    """Return the scene as JSON; None if the graph is too large. Blocks, for 0.5 s at most.

    The scene leaves room for the fill of each queue; with `figures` for all figures. Leave `properties` off
    for clients: they may name files, addresses and prompts.
    """
    if len(graph.nodes) > MOST_NODES or len(graph.links) > MOST_LINKS:
        return None
    from vflow.picture.scene import BUSY, FILL, WAITING, scene  # importing networkx takes 250 ms

    room = (BUSY, WAITING) if figures else ((), FILL)
    found = scene(graph, *room).to_json()
    if not properties:
        for box in found["boxes"]:
            box["properties"] = {}
    drawn: dict[str, Any] = _rounded(found)
    return drawn if len(msgspec.json.encode(drawn)) <= MOST_BYTES else None


def _rounded(value: Any) -> Any:
    """Return a JSON value with all its floats rounded to a tenth of a pixel."""
    if isinstance(value, float):
        return round(value, 1)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
