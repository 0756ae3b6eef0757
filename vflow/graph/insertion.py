"""Make a node that a pass inserts. A caller may set its properties by name, as of a node in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vflow.caps import AnyCaps, Audio, Caps, Text, needs_converter
from vflow.errors import Place
from vflow.graph.document import NodeSpec
from vflow.graph.draft import Draft
from vflow.graph.graph import GraphNode
from vflow.graph.node_builder import NodeBuilder
from vflow.graph.yaml_reader import Value
from vflow.node import Node
from vflow.ports import outputs_of


def inserted(
    draft: Draft,
    name: str,
    use: str,
    cls: type[Node],
    caps: Mapping[str, Caps],
    place: Place | None,
    values: Mapping[str, Any] | None = None,
) -> GraphNode:
    """Return a node to insert; add it to the draft yourself. Note what is wrong with a caller's properties.

    caps: by port, the caps that the node must carry at its place.
    values: its properties, unless a caller sets others.
    """
    place = place or Place(draft.document.file)
    given = {key: Value(value, place) for key, value in (values or {}).items()}
    spec = NodeSpec(name, use, place, place, given, use_text=use)
    draft.overrides.override(spec, name)
    node = NodeBuilder(spec, name, cls, spec.values).make(use, draft)
    for port in outputs_of(cls):
        own, needed = node.caps.get(port), caps[port]
        if own is not None and not _alike(own, needed):
            message = f"{name}.{port} would carry {own}, but {needed} is needed here"
            draft.error(message, next(iter(spec.keys.values()), place), f"leave {name} as it is")
    return replace(node, caps=dict(caps), place=place, converter=True)


def _alike(own: Caps, needed: Caps) -> bool:
    """Return whether an output's caps are the needed ones, features aside."""
    if isinstance(own, Audio) and isinstance(needed, Audio):
        return not needs_converter(own, needed)
    if isinstance(own, Text) and isinstance(needed, Text):
        return own.kind in (None, needed.kind)
    return isinstance(own, AnyCaps)
