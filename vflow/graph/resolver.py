"""Resolve `use:` to a node, a bin, a bin in a file, or the best available candidate of a role."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from vflow.caps import Audio, Caps, fits
from vflow.errors import Diagnostic, GraphError, Place, Unavailable, VflowError, describe, pass_on_ctrl_c
from vflow.graph import adapters
from vflow.graph.adapters import Adapter
from vflow.graph.document import Document, read
from vflow.graph.registry import Registry
from vflow.graph.roles import ROLES
from vflow.graph.yaml_reader import Value, parse, read_file
from vflow.node import Bin, Node
from vflow.ports import inputs_of, outputs_of
from vflow.props import Prop, props_of

GENERATOR = "generator"
"""The role whose outputs are replies."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The meaning of one `use:`.

    name: the registered name, or the file.
    problem: why it cannot run here; '' if it can.
    passed_over: the better candidates of a role, each with why it cannot run here.
    """

    name: str
    target: type[Node] | type[Bin] | Document
    problem: str = ""
    passed_over: tuple[str, ...] = ()

    def document(self, params: Mapping[str, Value] | None = None) -> Document:
        """Return a new copy of a bin's inner graph; `params` replace the defaults that it declares.

        Raises: GraphError.
        """
        if isinstance(self.target, Document):
            return read_bin(self.target.file, params)
        assert issubclass(self.target, Bin)
        return read_text(self.target.graph, f"<{self.name}>", params)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate of a role; `problem` is '' if it is available."""

    name: str
    rank: int
    problem: str


NAMED_ONLY = "it is taken only where a graph names it"
"""The problem of a candidate with a rank below 0. Such a node sends its input off the machine, or a simpler
one is as good."""


class Resolver:
    """Resolves names for one graph. Results are kept, since checking availability may read the disk."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._problems: dict[str, str] = {}
        self._looked_into: set[str] = set()

    def resolve(self, use: str, folder: Path) -> Resolved:
        """Return the meaning of `use`; a relative file starts at `folder`.

        Raises: UnknownNode; Unavailable if its module cannot be imported; GraphError in a bin's file.
        """
        if use.endswith((".yaml", ".yml")):
            path = Path(use) if Path(use).is_absolute() else folder / use
            return Resolved(use, read_bin(str(path)))
        if use in ROLES:
            return self._best(use)
        return Resolved(use, self.registry.load(use), self.problem(use))

    def candidates(self, role: str) -> list[Candidate]:
        """Return all candidates of a role, the best first."""
        found = []
        for name in self.registry.candidates(role):
            try:
                rank = self.registry.load(name).rank
            except Unavailable:
                rank = 0
            problem = self.problem(name) or (NAMED_ONLY if rank < 0 else "")
            found.append(Candidate(name, rank, problem))
        return sorted(found, key=lambda c: (-c.rank, c.name))

    def _best(self, role: str) -> Resolved:
        candidates = self.candidates(role)
        available = [c for c in candidates if not c.problem]
        if available:
            best = available[0]
            better = candidates[: candidates.index(best)]
            passed_over = tuple(f"{c.name}: {c.problem}" for c in better)
            return Resolved(best.name, self.registry.load(best.name), passed_over=passed_over)
        if not candidates:
            raise Unavailable(f"no installed package has a node for the role {role!r}")
        reasons = "; ".join(f"{c.name}: {c.problem}" for c in candidates)
        problem = f"nothing can play the role {role!r} here: {reasons}"
        for candidate in candidates:
            try:
                return Resolved(candidate.name, self.registry.load(candidate.name), problem)
            except Unavailable:
                continue
        raise Unavailable(problem)

    def problem(self, name: str) -> str:
        """Return why a registered node cannot run here; '' if it can."""
        if name not in self._problems:
            self._problems[name] = ""  # ends the recursion of a bin that contains itself
            self._problems[name] = self._problem(name)
        return self._problems[name]

    def _problem(self, name: str) -> str:
        try:
            cls = self.registry.load(name)
        except Unavailable as error:
            return str(error)
        try:
            own = cls.unavailable()
        except Unavailable as error:
            return str(error)
        except BaseException as error:  # the node's own code may raise anything; other candidates go on
            pass_on_ctrl_c(error)
            return f"its unavailable() raised {describe(error, cls)}"
        if own or issubclass(cls, Node):
            return own
        try:
            inner = [self.resolve(s.use, Path()) for s in Resolved(name, cls).document().nodes.values()]
        except GraphError as error:
            return "; ".join(map(str, error.diagnostics))
        except VflowError as error:
            return f"inside it, {error}"
        return next((found.problem for found in inner if found.problem), "")

    def accepts(self, found: Resolved) -> dict[str, Prop | Value]:
        """Return the properties that may be set on it, by name. Those of a bin are its params, with their
        defaults, and the ones that it passes on."""
        if _is_node(found.target):
            return dict(props_of(found.target))
        document = found.document()
        accepted: dict[str, Prop | Value] = dict(document.params)
        for name in document.proxy:
            if document.file not in self._looked_into:  # it may contain itself
                self._looked_into.add(document.file)
                inner = self.resolve(document.nodes[name].use, Path(document.file).parent)
                accepted = {**self.accepts(inner), **accepted}
                self._looked_into.discard(document.file)
        return accepted

    def candidate_with(self, role: str, name: str) -> str:
        """Return the advice to use another candidate, for a property that the present one lacks; '' if none
        has it."""
        for candidate in self.candidates(role) if role in ROLES else ():
            try:
                accepted = self.accepts(self.resolve(candidate.name, Path()))
            except VflowError:
                continue
            if name in accepted:
                return f"{candidate.name} has it: write 'use: {candidate.name}'"
        return ""

    def adapter(
        self,
        given: Sequence[Caps],
        wanted: Sequence[Caps],
        source: str,
        target: str,
        taken: Collection[str],
        use: str = "",
    ) -> str:
        """Return the advice for two ports that do not fit: nodes to put between them, or in the target's
        place; '' if nothing is known. Chains of vflow's own nodes are tried first. Of other packages' nodes
        only a single one is suggested, which has to convert everything.

        taken: names of nodes in the graph. use: the target's `use`.
        """
        if self._is_needless(given, use):
            return f"leave {target} out: what it makes is there already"
        own = adapters.shortest(self._adapters(own=True), given, wanted)
        if not all(adapter.use in ROLES for adapter in own) and (whole := self._whole(given, use)):
            return f"use a '{whole}' in its place, which has a {use} inside: '{target}: {{use: {whole}}}'"
        chain = own or adapters.shortest(self._adapters(own=False), given, wanted, most=1)
        return adapters.mend(chain, source, target, taken) if chain else ""

    def _is_needless(self, given: Sequence[Caps], use: str) -> bool:
        """Return whether `given` already has every audio feature that the node `use` would add."""
        try:
            made = self._ends(use)[1] if use else []
        except VflowError:
            return False
        added = [caps.features for caps in made if isinstance(caps, Audio) and caps.features]
        return bool(added) and any(isinstance(g, Audio) and g.features >= added[0] for g in given)

    def _whole(self, given: Sequence[Caps], use: str) -> str:
        """Return a role that takes `given` and is played by a bin with the node `use` inside; '' if none."""
        for role in ROLES if use else ():
            try:
                found = self.resolve(role, Path())
                inner = [] if _is_node(found.target) else found.document().nodes.values()
                takes = any(fits(g, i) for g in given for i in self._ends(role)[0])
            except VflowError:
                continue
            if takes and any(spec.use == use for spec in inner):
                return role
        return ""

    def _adapters(self, own: bool) -> Iterator[Adapter]:
        """Yield the roles and vflow's own nodes that play none; without `own`, the nodes of others."""
        others = [name for name in self.registry.names() if use_role(name) not in ROLES or not own]
        for name in (*(ROLES if own else ()), *others):
            if name not in ROLES and self.registry.is_own(name) is not own:
                continue
            try:
                found = self.resolve(name, Path())
                inputs, outputs = self._ends(name)
            except VflowError:
                continue
            short = name if name in ROLES else _short(name, found.target)
            generates = name == GENERATOR
            if _is_node(found.target):
                cls = found.target
                generates = cls.generates
                if cls.effect or sum(not port.optional for port in inputs_of(cls).values()) > 1:
                    continue
            yield Adapter(name, short, inputs, outputs, generates)

    def _ends(self, name: str) -> tuple[list[Caps], list[Caps]]:
        """Return the caps of the inputs that must be linked, and the caps of all outputs."""
        found = self.resolve(name, Path())
        if _is_node(found.target):
            cls = found.target
            needed = [p.caps for p in inputs_of(cls).values() if not p.optional]
            return needed, [p.caps for p in outputs_of(cls).values()]
        document, role = found.document(), ROLES.get(use_role(name))
        inputs: list[Caps] = []
        outputs: list[Caps] = []
        for outer, end in document.ports.items():
            if role is not None and outer in role.optional:
                continue
            inner = self.resolve(document.nodes[end.node].use, Path())
            if _is_node(inner.target):
                ports: Mapping[str, Any] = {**inputs_of(inner.target), **outputs_of(inner.target)}
                if (port := ports.get(end.port or outer)) is not None:
                    (inputs if port.name in inputs_of(inner.target) else outputs).append(port.caps)
        return inputs, outputs


def use_role(use: str) -> str:
    """Return the role that `use` names, or of which it names a candidate."""
    return use.partition(".")[0]


def _is_node(target: object) -> TypeGuard[type[Node]]:
    return isinstance(target, type) and issubclass(target, Node)


def _short(name: str, target: object) -> str:
    """Return a short name for a node in a graph, as in its own example."""
    found = re.match(r"([A-Za-z_][\w-]*): *\{use:", getattr(target, "example", ""))
    return found[1] if found else name.replace(".", "_")


def read_bin(file: str, params: Mapping[str, Value] | None = None) -> Document:
    """Return the graph of a bin in a file. Raises: GraphError."""
    return read_text(read_file(Path(file)), file, params)


def read_text(text: str, file: str, params: Mapping[str, Value] | None = None) -> Document:
    """Return the graph in a bin's text. Each `${name}` comes from `params`, else from the bin's own defaults.

    Raises: GraphError.
    """
    diagnostics: list[Diagnostic] = []
    document = read(parse(text, file, params), file, diagnostics)
    if not document.ports and not diagnostics:
        mend = "add 'ports: {audio: node.port, ...}'"
        diagnostics.append(Diagnostic("a graph used as a node says which ports it has", Place(file), mend))
    if diagnostics:
        raise GraphError(diagnostics)
    return document
