"""First pass of `load`: add the nodes and links of a file and its bins, resolve roles, match ports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from vflow.errors import DeclarationError, Diagnostic, GraphError, Place, Unavailable, VflowError, nearest
from vflow.graph import echo_cancellation
from vflow.graph.document import Document, NodeSpec
from vflow.graph.draft import Draft, End
from vflow.graph.file_uses import FileUse
from vflow.graph.graph import RoleChoice
from vflow.graph.linker import Linker, Scope
from vflow.graph.node_builder import NodeBuilder
from vflow.graph.registry import UnknownNode
from vflow.graph.resolver import Resolved, use_role
from vflow.graph.roles import ROLES
from vflow.graph.yaml_reader import Value
from vflow.node import Bin, Node
from vflow.ports import inputs_of, outputs_of

MAX_NODES = 2_000
"""Most nodes of a graph. Bins inside bins multiply fast, and a mistake would fill the memory."""


def expand(draft: Draft) -> None:
    """Add the nodes and links of the document. Nodes inside a bin get the bin's name as their prefix."""
    document = draft.document
    expansion = _Expansion(draft)
    draft.files.append(FileUse(document.file, "reads", "the graph itself"))
    scope = Scope("", Path(document.file).parent, trail=(str(Path(document.file).resolve()),))
    expansion.add_document(document, scope)
    draft.outer_ports = expansion.ports(document, scope).values()


class _Expansion:
    def __init__(self, draft: Draft) -> None:
        self.draft, self.graph, self.error = draft, draft.graph, draft.error
        self.linker = Linker(draft)
        self._count = 0

    def add_document(self, document: Document, scope: Scope) -> None:
        self.draft.secrets.update(document.secrets)
        for spec in document.nodes.values():
            self.add_node(spec, scope)
            if spec.name not in scope.ports:
                scope.failed.add(spec.name)
        scope.failed |= document.broken
        for link in document.links if document.nodes else ():
            self.linker.link(link, scope)

    def add_node(self, spec: NodeSpec, scope: Scope) -> None:
        full = scope.prefix + spec.name
        self._count += 1
        if self._count > MAX_NODES:
            raise GraphError([Diagnostic(f"the graph has more than {MAX_NODES:,} nodes", spec.place)])
        self.draft.overrides.override(spec, full)
        mode = echo_cancellation.take_mode(self.draft, spec)
        use, extra = self.draft.overrides.stand_in(spec, self.draft.diagnostics)
        found = self.resolve(spec, use, full, scope.folder)
        if found is None:
            return
        if (role := use_role(spec.use)) in self.draft.overrides.stand_ins:
            scope.stand_ins[spec.name] = ROLES[role]
        values = {**spec.values, **extra}
        if use in ROLES or use_role(spec.use) in self.draft.overrides.stand_ins:
            values = self.taken(spec, use, full, found, values)
        if isinstance(found.target, Document) or issubclass(found.target, Bin):
            self.draft.aliases[full] = found.name
            self.add_bin(spec, full, found, values, scope)
        else:
            self.add_leaf(spec, full, found.name, found.target, values, scope)
        echo_cancellation.note(self.draft, spec, full, use, mode, scope.ports.get(spec.name, {}))

    def taken(
        self, spec: NodeSpec, use: str, full: str, found: Resolved, values: dict[str, Value]
    ) -> dict[str, Value]:
        """Return `values` without the properties that only the role has, and not the node that plays it."""
        role = ROLES.get(use) or ROLES[use_role(spec.use)]
        try:
            accepted = self.draft.resolver.accepts(found)
        except VflowError:
            return values  # noted where the inner node of the bin is added
        left_out = [name for name in values if name not in accepted and name in role.properties]
        if not found.problem and role.name not in self.draft.overrides.stand_ins:
            for name in left_out:
                message = f"{full}: {found.name} has no property {name!r}: it is ignored"
                place, mend = spec.keys.get(name, spec.place), self.draft.resolver.candidate_with(use, name)
                self.draft.diagnostics.append(Diagnostic(message, place, mend, severity="warning"))
        return {name: value for name, value in values.items() if name not in left_out}

    def resolve(self, spec: NodeSpec, use: str, full: str, folder: Path) -> Resolved | None:
        """Return the meaning of `use`; None if an error has been noted."""
        try:
            found = self.draft.resolver.resolve(use, folder)
        except UnknownNode as error:
            name = spec.use_text if use == spec.use else repr(use)
            self.error(f"no node is named {name}", spec.use_place, error.mend)
            return None
        except DeclarationError as error:
            for wrong in error.diagnostics:
                self.error(f"{full}: {wrong.place}: {wrong.message}", spec.use_place, wrong.mend)
            return None
        except Unavailable as error:
            self.error(str(error), spec.use_place)
            return None
        except GraphError as error:
            self.draft.diagnostics += [_at(d, spec.use_place) for d in error.diagnostics]
            return None
        if found.problem and (use in ROLES or not self.draft.require_available):
            # a node that is named may have properties that mend it: its own open() decides
            severity = "error" if self.draft.require_available else "warning"
            self.draft.problems[full] = Diagnostic(
                f"{full}: {found.problem}", spec.use_place, severity=severity
            )
        if use in ROLES:
            self.draft.roles[full] = RoleChoice(use, found.name, found.passed_over)
        return found

    def add_leaf(
        self,
        spec: NodeSpec,
        full: str,
        resolved: str,
        cls: type[Node],
        values: dict[str, Value],
        scope: Scope,
    ) -> None:
        self.draft.add(NodeBuilder(spec, full, cls, values).make(resolved, self.draft))
        scope.ports[spec.name] = {port: (full, port) for port in (*inputs_of(cls), *outputs_of(cls))}

    def add_bin(
        self, spec: NodeSpec, full: str, found: Resolved, values: dict[str, Value], scope: Scope
    ) -> None:
        try:
            document = found.document()
        except GraphError as error:
            self.draft.diagnostics += [_at(d, spec.use_place) for d in error.diagnostics]
            return
        self.draft.files.append(FileUse(document.file, "reads", f"the graph of the bin {full}"))
        place = str(Path(document.file).resolve())
        if place in scope.trail:
            self.error(f"{full}: {found.name} contains itself", spec.use_place, "use another node inside it")
            return
        params = {name: value for name, value in values.items() if name in document.params}
        if params:
            document = found.document(params)
        self.pass_on(spec, full, document, {n: v for n, v in values.items() if n not in params})
        for node in document.nodes.values():
            if spec.on_error.action != "fail":
                node.on_error = spec.on_error
        inner = Scope(f"{full}.", Path(document.file).parent, trail=(*scope.trail, place))
        self.add_document(document, inner)
        ports = self.ports(document, inner)
        if len(ports) == len(document.ports):  # else a link to it would be another error
            scope.ports[spec.name] = ports

    def ports(self, document: Document, scope: Scope) -> dict[str, End]:
        """Return the outer ports of a bin, each with its inner port; {} for a graph that is no bin."""
        found: dict[str, End] = {}
        for outer, end in document.ports.items():
            known = scope.ports.get(end.node, {})
            if (port := end.port or outer) in known:
                found[outer] = known[port]
            elif end.node in scope.ports:
                mend = nearest(port, known) or f"its ports: {', '.join(known)}"
                self.error(f"port {outer!r} of the bin: {end.node} has no port {port!r}", end.place, mend)
        return found

    def pass_on(self, spec: NodeSpec, full: str, document: Document, values: dict[str, Value]) -> None:
        """Give each property set on a bin to the first inner node that has it."""
        folder = Path(document.file).parent
        accepted: dict[str, dict[str, Any]] = {}
        absent: dict[str, str] = {}  # property names that are known and refused, with the reason
        try:
            for inner in document.proxy if values else ():
                found = self.draft.resolver.resolve(document.nodes[inner].use, folder)
                accepted[inner] = self.draft.resolver.accepts(found)
                absent |= getattr(found.target, "absent", {})
                if echo_cancellation.is_microphone(document.nodes[inner].use):
                    accepted[inner][echo_cancellation.PROPERTY] = None
        except VflowError:
            return  # noted where the inner node is added
        for name, value in values.items():
            owner = next((inner for inner, names in accepted.items() if name in names), None)
            if owner is not None:
                document.nodes[owner].values[name] = value
                document.nodes[owner].keys[name] = spec.keys.get(name, value.place)
                continue
            place = spec.keys.get(name, value.place)
            if name in absent:
                self.error(f"{full}: no property {name!r}: {absent[name]}", place, "leave it out")
                continue
            known = [*document.params, *(name for names in accepted.values() for name in names)]
            mend = nearest(name, known) or self.draft.resolver.candidate_with(spec.use, name)
            mend = mend or f"known: {', '.join(known) or 'none'}"
            self.error(f"{full}: no property {name!r}", place, mend)


def _at(diagnostic: Diagnostic, place: Place) -> Diagnostic:
    """Return a finding about a bin's file as a whole at the place where that file is named."""
    found = diagnostic.place
    if found is None or found.line:
        return diagnostic
    return replace(diagnostic, message=f"{found.file}: {diagnostic.message}", place=place)
