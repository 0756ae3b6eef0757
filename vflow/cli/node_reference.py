"""The text of `vflow inspect`: a reference of nodes and roles, made from their classes."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vflow.cli import offers
from vflow.errors import PropertyError, Unavailable, VflowError, describe, nearest, pass_on_ctrl_c
from vflow.graph.registry import NodeClass, Registry, UnknownNode
from vflow.graph.resolver import Resolved, Resolver
from vflow.graph.roles import ROLES, Role
from vflow.node import Bin, Node, is_source
from vflow.ports import In, Out, ports_of, queue_text
from vflow.props import Prop, default_of, props_of, type_text, value_text

WIDTH = 100
TRAITS = (
    ("live", "paced by the world"),
    ("heavy", "has a thread of its own"),
    ("effect", "reaches the world outside the graph"),
    ("generates", "its outputs are replies: an interruption flushes from there"),
    ("sparse", "may be silent for long"),
)


class NodeReference:
    """Describes the contents of a registry, as lines of text."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.resolver = registry, Resolver(registry)

    def overview(self) -> Iterator[str]:
        """Yield roles with their candidates, the best first; then the other nodes."""
        names = self.registry.names()
        width = max(map(len, names), default=0)
        yield "roles: 'use: ROLE' takes the first candidate that is available"
        for role in ROLES.values():
            yield f"  {role.name}: {role.doc}"
            for candidate in self.resolver.candidates(role.name):
                yield from self._entry(candidate.name, width)
        yield "nodes:"
        for name in names:
            if name.partition(".")[0] not in ROLES:
                yield from self._entry(name, width)
        yield "'vflow inspect NAME' describes one"

    def _entry(self, name: str, width: int) -> Iterator[str]:
        problem = self.resolver.problem(name)
        try:
            yield f"    {name:<{width}}  {_headline(self.registry.load(name))}"
        except Unavailable:
            yield f"    {name}"
        if problem:
            yield f"    {'':<{width}}  not available: {problem}"

    def about(self, name: str) -> Iterator[str]:
        """Yield everything about a node, a bin or a role.

        Raises: UnknownNode; Unavailable if its module cannot be imported.
        """
        if name in ROLES:
            yield from self._role(ROLES[name])
            return
        if name not in self.registry.names() and nearest(name, ROLES):
            raise UnknownNode(name, [*ROLES, *self.registry.names()])
        cls = self.registry.load(name)
        kind = "bin" if issubclass(cls, Bin) else "source" if is_source(cls) else "node"
        yield f"{name} ({kind})"
        yield from textwrap.indent(inspect.cleandoc(cls.__doc__ or "no description"), "  ").splitlines()
        yield from self._standing(name, cls)
        yield from _devices(cls)
        yield from _voices(cls)
        if issubclass(cls, Bin):
            yield from self._bin(name, cls)
        else:
            yield from self._node(cls)
        if cls.example:
            yield "example:"
            yield from textwrap.indent(cls.example, "  ").splitlines()

    def asked(self, name: str | None, given: dict[str, Any]) -> Iterator[str]:
        """Yield what a node with these properties can be set to use.

        Raises: UnknownNode; PropertyError; Unavailable, also for a server that does not answer.
        """
        if name is None or name in ROLES:
            roles = f"a candidate of it: {', '.join(self.registry.candidates(name))}" if name else "a node"
            raise PropertyError("--set is for a node", f"name {roles}")
        yield from offers.asked(name, self.registry.load(name), given, self.resolver)

    def _standing(self, name: str, cls: NodeClass) -> Iterator[str]:
        role = name.partition(".")[0]
        if role in ROLES:
            yield f"role: {role}, rank {cls.rank} (the available candidate of the highest rank plays a role)"
        problem = self.resolver.problem(name)
        yield f"available: no: {problem}" if problem else "available: yes"

    def _node(self, cls: type[Node]) -> Iterator[str]:
        traits = [f"{word} ({text})" for word, text in TRAITS if getattr(cls, word)]
        if traits:
            yield f"traits: {', '.join(traits)}"
        yield "ports:"
        for port in ports_of(cls).values():
            yield from _port(port)
        yield from _properties({name: (declaration, "") for name, declaration in props_of(cls).items()})

    def _bin(self, name: str, cls: type[Bin]) -> Iterator[str]:
        try:
            yield from self._outside(name, cls)
        except VflowError:  # the line `available:` says why
            yield "ports and properties: unknown"
        yield "inside:"
        yield from textwrap.indent(textwrap.dedent(cls.graph).strip(), "  ").splitlines()

    def _outside(self, name: str, cls: type[Bin]) -> list[str]:
        document = Resolved(name, cls).document()
        lines = ["ports:", *(f"  {outer}: {e.node}.{e.port or outer}" for outer, e in document.ports.items())]
        owners: dict[str, str] = {}
        for inner in document.proxy:
            if inner in document.nodes:
                found = self.resolver.resolve(document.nodes[inner].use, Path())
                for property_ in self.resolver.accepts(found):
                    owners.setdefault(property_, inner)
        accepted = self.resolver.accepts(Resolved(name, cls))
        lines += _properties({key: (value, owners.get(key, "")) for key, value in accepted.items()})
        return lines

    def _role(self, role: Role) -> Iterator[str]:
        yield f"{role.name} (role): {role.doc}"
        yield "ports:"
        for direction, ports in (("in ", role.inputs), ("out", role.outputs)):
            for port, caps in ports.items():
                yield f"  {direction} {port}: {caps}{', need not be linked' if port in role.optional else ''}"
        yield f"properties that every candidate takes: {', '.join(role.properties)}"
        yield "candidates, the best first:"
        taken = False
        for candidate in self.resolver.candidates(role.name):
            state = f"not available: {candidate.problem}" if candidate.problem else "available"
            plays = not candidate.problem and not taken
            if plays:
                taken, state = True, "available: plays the role here"
            yield f"  {candidate.name}, rank {candidate.rank}: {state}"
            if plays:
                yield from (f"    {line}" for line in _devices(self.registry.load(candidate.name)))
            yield from (f"    {line}" for line in self._voices_of(candidate.name))
        if not taken:
            yield "nothing can play it here"

    def _voices_of(self, name: str) -> list[str]:
        try:
            return list(_voices(self.registry.load(name)))
        except Unavailable:  # the line above says why
            return []


def _voices(cls: NodeClass) -> Iterator[str]:
    """Yield the voices of a node with its defaults; none if it has no voices, or requires a property."""
    if not issubclass(cls, Node) or not hasattr(cls, "list_voices"):
        return
    if not any(declaration.required for declaration in props_of(cls).values()):
        yield from offers.voices(cls())


def _devices(cls: NodeClass) -> Iterator[str]:
    """Yield the devices that a node of the class can be set to use, from its class method `devices()`."""
    devices: Callable[[], list[str]] | None = getattr(cls, "devices", None)
    if devices is None:
        return
    try:
        found = [str(line) for line in devices()]
    except Unavailable:  # the line `available:` says why
        return
    except BaseException as error:  # the node's own code may raise anything
        pass_on_ctrl_c(error)
        yield f"devices: cannot be listed: {describe(error)}"
        return
    yield "devices: an index, a name or a part of it is what 'device' takes" if found else "devices: none"
    yield from (f"  {line}" for line in found)


def _headline(cls: NodeClass) -> str:
    """Return the first sentence of a class's documentation, as far as it fits one line."""
    paragraph = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    sentence = paragraph.partition(". ")[0].rstrip(".")
    return textwrap.shorten(sentence, WIDTH - 30, placeholder=" ...")


def _port(port: In | Out) -> Iterator[str]:
    direction = "in " if isinstance(port, In) else "out"
    doc = f": {port.doc}" if port.doc else ""
    optional = ", need not be linked" if isinstance(port, In) and port.optional else ""
    yield f"  {direction} {port.name}: {port.caps}{optional}{doc}"
    if isinstance(port, In) and port.queue is not None:
        yield f"      queue by default: {queue_text(port.queue)}"
    if isinstance(port, Out) and port.bus:
        yield "      its packets are posted on the bus"


def _properties(properties: dict[str, tuple[Prop | object, str]]) -> Iterator[str]:
    """Yield a line for each property, its documentation below; an `object` is a bin's parameter's default."""
    yield "properties:" if properties else "properties: none"
    for name, (declaration, owner) in properties.items():
        given = f"  (given to {owner})" if owner else ""
        if not isinstance(declaration, Prop):
            yield f"  {name} = {declaration}{given}"
            continue
        yield f"  {name}: {', '.join(_facts(declaration))}{given}"
        if declaration.doc:
            yield from textwrap.wrap(
                declaration.doc, WIDTH, initial_indent="      ", subsequent_indent="      "
            )


def _facts(declaration: Prop) -> Iterator[str]:
    """Yield type, unit, default, bounds, and what the value or a change of it does to the running graph."""
    yield f"{type_text(declaration)} in {declaration.unit}" if declaration.unit else type_text(declaration)
    if declaration.required:
        yield "required"
    else:
        default = default_of(declaration)
        yield f"default {value_text(declaration, default)!s}" if default != "" else "default ''"
    for word, bound in (("at least", declaration.ge), ("at most", declaration.le)):
        if bound is not None:
            yield f"{word} {value_text(declaration, bound)}"
    if declaration.hot:
        yield "may change while it runs"
    if declaration.latency:
        before = (
            "before the end of an utterance is known" if declaration.latency == "endpoint" else "after that"
        )
        yield f"adds to the latency, {before}"
