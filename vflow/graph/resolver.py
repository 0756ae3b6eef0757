"""What `use:` means: a node, a bin, a bin in a file, or the best available candidate of a role."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vflow.caps import AnyCaps, Caps, fits
from vflow.errors import Diagnostic, GraphError, Place, Unavailable, VflowError, describe, pass_on_ctrl_c
from vflow.graph.document import Document, read
from vflow.graph.registry import NodeClass, Registry
from vflow.graph.roles import ROLES
from vflow.graph.yaml_reader import Value, parse, read_file
from vflow.node import Bin, Node
from vflow.ports import inputs_of, outputs_of
from vflow.props import Prop, props_of


@dataclass(frozen=True, slots=True)
class Resolved:
    """`name` is the registered name or file; `problem` says why it cannot run here; `passed_over`
    are the better candidates of a role, each with why it cannot."""

    name: str
    target: type[Node] | type[Bin] | Document
    problem: str = ""
    passed_over: tuple[str, ...] = ()

    def document(self, params: Mapping[str, Value] | None = None) -> Document:
        """A fresh copy of the inner graph of a bin; `params` stand for the defaults that it declares.

        Raises: GraphError.
        """
        if isinstance(self.target, Document):
            return read_bin(self.target.file, params)
        assert issubclass(self.target, Bin)
        return read_text(self.target.graph, f"<{self.name}>", params)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate of a role; `problem` is '' where it is available."""

    name: str
    rank: int
    problem: str


class Resolver:
    """Resolves names for one graph; answers are kept, since availability may cost a look at the disk."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._problems: dict[str, str] = {}
        self._looked_into: set[str] = set()

    def resolve(self, use: str, folder: Path) -> Resolved:
        """Raises: UnknownNode, Unavailable (its module cannot be imported), GraphError (a bin's file)."""
        if use.endswith((".yaml", ".yml")):
            path = Path(use) if Path(use).is_absolute() else folder / use
            return Resolved(use, read_bin(str(path)))
        if use in ROLES:
            return self._best(use)
        return Resolved(use, self.registry.load(use), self.problem(use))

    def candidates(self, role: str) -> list[Candidate]:
        """All candidates of a role, the best first."""
        found = []
        for name in self.registry.candidates(role):
            try:
                rank = self.registry.load(name).rank
            except Unavailable:
                rank = 0
            found.append(Candidate(name, rank, self.problem(name)))
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
        """Why a registered node cannot run here; '' where it can."""
        if name not in self._problems:
            self._problems[name] = ""  # a bin that contains itself ends here
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
        except BaseException as error:  # a node's own code: other candidates do not suffer from it
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
        """The properties that may be set on it, by name; a bin's are those it passes on, and its params
        with their defaults."""
        if isinstance(found.target, type) and issubclass(found.target, Node):
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
        """The mend for a property that the node which plays a role lacks, but another candidate has."""
        for candidate in self.candidates(role) if role in ROLES else ():
            try:
                accepted = self.accepts(self.resolve(candidate.name, Path()))
            except VflowError:
                continue
            if name in accepted:
                return f"{candidate.name} has it: write 'use: {candidate.name}'"
        return ""

    def adapter(
        self, given: Sequence[Caps], wanted: Sequence[Caps], source: str, target: str, taken: Collection[str]
    ) -> str:
        """What could stand between two ports that do not fit, as a mend; '' where nothing is known.

        `taken` are names of nodes that the graph has already.
        """
        for name in (*ROLES, *self.registry.names()):
            try:
                inputs, outputs = self._ends(name)
            except VflowError:
                continue
            takes = any(fits(g, i) and not _any(i) for g in given for i in inputs)
            if takes and any(fits(o, w) and not _any(o) for o in outputs for w in wanted):
                short = name if name in ROLES else _short(name, self.registry.load(name))
                while short in taken:
                    short += "_"
                return f"insert '{short}: {{use: {name}}}' and link {source} -> {short} -> {target}"
        return ""

    def _ends(self, name: str) -> tuple[list[Caps], list[Caps]]:
        found = self.resolve(name, Path())
        if isinstance(found.target, type) and issubclass(found.target, Node):
            cls = found.target
            return [p.caps for p in inputs_of(cls).values()], [p.caps for p in outputs_of(cls).values()]
        document = found.document()
        inputs: list[Caps] = []
        outputs: list[Caps] = []
        for outer, end in document.ports.items():
            inner = self.resolve(document.nodes[end.node].use, Path())
            if isinstance(inner.target, type) and issubclass(inner.target, Node):
                ports: Mapping[str, Any] = {**inputs_of(inner.target), **outputs_of(inner.target)}
                if (port := ports.get(end.port or outer)) is not None:
                    (inputs if port.name in inputs_of(inner.target) else outputs).append(port.caps)
        return inputs, outputs


def use_role(use: str) -> str:
    """The role that `use` names, or names a candidate of."""
    return use.partition(".")[0]


def _any(caps: Caps) -> bool:
    return isinstance(caps, AnyCaps)


def _short(name: str, cls: NodeClass) -> str:
    """What a node is called in a graph: as its own example has it."""
    found = re.match(r"([A-Za-z_][\w-]*): *\{use:", cls.example)
    return found[1] if found else name.replace(".", "_")


def read_bin(file: str, params: Mapping[str, Value] | None = None) -> Document:
    """The graph of a bin in a file. Raises: GraphError."""
    return read_text(read_file(Path(file)), file, params)


def read_text(text: str, file: str, params: Mapping[str, Value] | None = None) -> Document:
    """The graph in a bin's text, its `${name}` taken from `params`, else from the defaults that it declares.

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
