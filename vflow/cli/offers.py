"""List what nodes can be set to use: voices on this machine, and models of a server (`inspect --set`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vflow.errors import (
    Diagnostic,
    GraphError,
    Place,
    PropertyError,
    Unavailable,
    VflowError,
    describe,
    pass_on_ctrl_c,
)
from vflow.graph.node_builder import plain_for
from vflow.graph.overrides import Overrides
from vflow.graph.registry import NodeClass
from vflow.graph.resolver import Resolved, Resolver
from vflow.node import Node
from vflow.props import props_of


def properties_of(texts: Sequence[str]) -> dict[str, Any]:
    """Return the values of `--set`, as they are read from text. Raises: GraphError."""
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            message = f"{text!r} is not a property"
            raise GraphError([Diagnostic(message, Place("--set"), "write --set property=value")])
        given[f"node.{name}"] = value
    return {name.partition(".")[2]: value for name, value in Overrides(given, None).overrides.items()}


def asked(name: str, cls: NodeClass, given: dict[str, Any], resolver: Resolver) -> Iterator[str]:
    """Yield what a node with these properties can be set to use, by its method `offers()`, and its voices.
    For a bin, do so for the inner nodes that take its properties.

    Raises: PropertyError; Unavailable if it cannot be found out.
    """
    classes = [cls] if issubclass(cls, Node) else list(_proxied(name, cls, resolver))
    known = [found for found in classes if given.keys() <= props_of(found).keys()]
    for found in known or classes[:1]:
        declared = props_of(found)
        node = found(**{n: plain_for(declared.get(n), value) for n, value in given.items()})
        offers = getattr(node, "offers", None)
        if offers is not None:
            yield from _lines(offers, found)
        yield from voices(node)
        if offers is None and getattr(node, "list_voices", None) is None:
            raise PropertyError(f"{name} lists nothing that depends on its properties", "leave --set out")


def _lines(offers: Callable[[], Iterable[object]], cls: type[Node]) -> list[str]:
    """Return the lines of a node's `offers`. Raises: Unavailable, whatever the node's own code raises."""
    try:
        return [str(line) for line in offers()]
    except VflowError:
        raise
    except BaseException as error:
        pass_on_ctrl_c(error)
        raise Unavailable(f"its offers() raised {describe(error, cls)}") from error


def _proxied(name: str, cls: NodeClass, resolver: Resolver) -> Iterator[type[Node]]:
    document = Resolved(name, cls).document()
    for inner in document.proxy:
        target = resolver.resolve(document.nodes[inner].use, Path()).target
        if isinstance(target, type) and issubclass(target, Node):
            yield target


def voices(node: Node) -> Iterator[str]:
    """Yield the voices that a node can be set to use, from its method `list_voices()`."""
    listing = getattr(node, "list_voices", None)
    if not callable(listing):
        return
    try:
        found = [str(line) for line in listing()]
    except Unavailable as error:
        yield f"voices: cannot be listed: {error}"
        return
    except BaseException as error:  # the node's own code may raise anything
        pass_on_ctrl_c(error)
        yield f"voices: cannot be listed: {describe(error)}"
        return
    yield "voices:" if found else "voices: none"
    yield from (f"  {line}" for line in found)
