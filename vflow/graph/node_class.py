"""Find the class of a node by name, for a node that drives another node itself."""

from __future__ import annotations

from pathlib import Path

from vflow.errors import Unavailable
from vflow.graph.registry import Registry
from vflow.graph.resolver import Resolver
from vflow.node import Node


def node_class(use: str) -> type[Node]:
    """Return the class of an installed node, or of a role's best available candidate, as `use:` names it.

    Raises: UnknownNode; Unavailable if it cannot run here, or is a bin.
    """
    found = Resolver(Registry()).resolve(use, Path())
    if found.problem:
        raise Unavailable(found.problem)
    target = found.target
    if not (isinstance(target, type) and issubclass(target, Node)):
        raise Unavailable(f"{found.name} is a graph used as a node; name one node")
    return target
