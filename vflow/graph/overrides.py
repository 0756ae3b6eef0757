"""A caller's changes to a file: properties (`--set`), and stand-ins for a role (`--input`, `--output`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from vflow.errors import Diagnostic, GraphError, Place, nearest
from vflow.graph.document import NodeSpec
from vflow.graph.resolver import use_role
from vflow.graph.values import ValueReader
from vflow.graph.yaml_reader import Value, parse, scalar


def _read(text: str, place: Place) -> Value:
    """Read the value after `--set name=`: a scalar, or a mapping or list in YAML's flow style."""
    if text.startswith(("{", "[")):
        with suppress(GraphError):  # not YAML: keep it as text, and let its property judge it
            return replace(parse(text, place.file), place=place, text=text)
    return Value(scalar(text), place, text=text)


StandIns = Mapping[str, tuple[str, Mapping[str, Any]]]
"""By role: the node to use, and its properties."""


@dataclass(frozen=True, slots=True)
class TextInput:
    """The node that hands in typed text, with its properties.

    alone: the user's voice is not heard; leave out the nodes that lead to the generator and nowhere else.
    silent: the reply is not spoken either; leave out the nodes that make and play audio.
    required: refuse a graph in which nothing takes text; if false, leave such a graph as it is.
    """

    use: str
    values: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False
    silent: bool = False
    required: bool = True


class Overrides:
    """Changes nodes one by one as they are added, and remembers which of the changes were used."""

    def __init__(
        self, overrides: Mapping[str, str] | None, stand_ins: StandIns | None, required: bool = True
    ) -> None:
        """Without `required`, a stand-in for a role that no node plays is ignored, not an error."""
        self.overrides = {
            name: _read(text, Place(f"--set {name}={text}")) for name, text in (overrides or {}).items()
        }
        self.stand_ins, self._required = stand_ins or {}, required
        self._used: set[str] = set()
        self._stood: dict[str, str] = {}

    def override(self, spec: NodeSpec, full: str) -> None:
        """Set the caller's properties of the node with this full name."""
        for name, value in self.overrides.items():
            node, _, prop = name.rpartition(".")
            if node == full:
                spec.values[prop] = value
                spec.keys[prop] = value.place
                self._used.add(name)

    def threads(self, nodes: Collection[str], diagnostics: list[Diagnostic]) -> dict[str, int]:
        """Return the values set of the graph's key `threads`, by library; a node of that name goes first."""
        names = [name for name in self.overrides if name.rpartition(".")[0] == "threads"]
        if not names or "threads" in nodes:
            return {}
        self._used.update(names)
        found = {name.rpartition(".")[2]: self.overrides[name] for name in names}
        places = {library: value.place for library, value in found.items()}
        return ValueReader(diagnostics).threads(Value(found, self.overrides[names[0]].place, keys=places))

    def stand_in(self, spec: NodeSpec, diagnostics: list[Diagnostic]) -> tuple[str, dict[str, Value]]:
        """Return the node to use, and if it is a stand-in, the properties that come with it."""
        role = use_role(spec.use)
        if role not in self.stand_ins:
            return spec.use, {}
        if role in self._stood:
            message = f"{self._stood[role]} and {spec.name} both play the role {role}"
            diagnostics.append(Diagnostic(message, spec.use_place))
        self._stood[role] = spec.name
        use, values = self.stand_ins[role]
        return use, {name: Value(value, spec.use_place) for name, value in values.items()}

    def unused(
        self,
        file: str,
        named: Collection[str],
        every: Collection[str],
        insertable: tuple[str, ...] = (),
        sure: bool = True,
    ) -> Iterator[Diagnostic]:
        """Yield an error for each change that no node took.

        named: the nodes of the file. every: all nodes of the graph.
        insertable: names of nodes that a pass may insert beside one of `every`.
        sure: whether those have been inserted; if not, a change that may be meant for one is let pass.
        """
        for name in self.overrides.keys() - self._used:
            node = name.rpartition(".")[0]
            beside, _, kind = node.rpartition(".")
            may_be_inserted = beside in every and kind.rstrip("0123456789_") in insertable
            if may_be_inserted and not sure:
                continue
            mend = nearest(node, [*named, *every]) or f"nodes: {', '.join(named)}"
            if may_be_inserted and node not in every:
                mend = f"no node {kind!r} is inserted at {beside!r} here: 'vflow check' prints those that are"
            message = f"no node {node!r} in {file}" if node else "write --set node.property=value"
            yield Diagnostic(message, self.overrides[name].place, mend)
        for role in self.stand_ins.keys() - self._stood.keys() if self._required else ():
            option = {"mic": "--input", "speaker": "--output"}.get(role, role)
            mend = f"add a node with 'use: {role}', or run without {option}"
            message = f"{option} stands in for the role {role}, which no node plays"
            yield Diagnostic(message, Place(file), mend)
