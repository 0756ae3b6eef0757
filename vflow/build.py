"""From a graph file to a checked graph: roles and bins resolved, ports matched, caps negotiated.

Every finding is collected; `load` raises them together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vflow import negotiate
from vflow.caps import fits
from vflow.errors import Diagnostic, GraphError, Place, PropertyError, Unavailable, nearest, repr_of
from vflow.graph import Graph, GraphLink, GraphNode, RoleChoice
from vflow.node import Bin, Node, QueueOptions, inputs_of, outputs_of, ports_of
from vflow.props import Prop, convert, convert_all, props_of
from vflow.registry import NodeClass, Registry, UnknownNode
from vflow.resolve import Resolved, Resolver
from vflow.roles import ROLES
from vflow.spec import Document, EndSpec, LinkSpec, NodeSpec, read
from vflow.yaml_reader import Value, parse, read_file, scalar

MAX_NODES = 2_000
"""Bins of bins of bins grow fast."""


def load(
    path: str | Path,
    *,
    overrides: Mapping[str, str] | None = None,
    stand_ins: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
    nodes: Mapping[str, NodeClass] | None = None,
    require_available: bool = True,
) -> Graph:
    """Read and check a graph file.

    `overrides` are properties by "node.property", as text. `stand_ins` replace what plays a role by a
    node and its properties. `nodes` are classes by name beside the installed ones. Without
    `require_available` a missing model or package is a warning of the graph.

    Raises: GraphError with every finding; the models are not loaded and no device is opened.
    """
    path = Path(path)
    return load_text(
        read_file(path),
        file=str(path),
        overrides=overrides,
        stand_ins=stand_ins,
        nodes=nodes,
        require_available=require_available,
    )


def load_text(
    text: str,
    *,
    file: str = "<text>",
    overrides: Mapping[str, str] | None = None,
    stand_ins: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
    nodes: Mapping[str, NodeClass] | None = None,
    require_available: bool = True,
) -> Graph:
    """`load` of a graph that is not in a file; relative paths in it start from the working directory."""
    diagnostics: list[Diagnostic] = []
    document = read(parse(text, file), file, diagnostics)
    builder = _Builder(Registry(nodes), Graph(file), diagnostics, require_available)
    builder.overrides = {
        name: Value(scalar(value), Place(f"--set {name}={value}"))
        for name, value in (overrides or {}).items()
    }
    builder.stand_ins = dict(stand_ins or {})
    return builder.build(document)


@dataclass(slots=True)
class _Scope:
    """The nodes of one document: outer port names of each, mapped to (full name, port) inside."""

    prefix: str
    folder: Path
    ports: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    trail: tuple[str, ...] = ()
    """The files of the bins that this one is in, itself included."""
    failed: set[str] = field(default_factory=set)
    """Nodes of the document that could not be made, for a reason already noted."""


class _Builder:
    def __init__(
        self, registry: Registry, graph: Graph, diagnostics: list[Diagnostic], require_available: bool
    ) -> None:
        self.registry, self.graph, self.diagnostics = registry, graph, diagnostics
        self.resolver = Resolver(registry)
        self.require_available = require_available
        self.overrides: dict[str, Value] = {}
        self.stand_ins: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._count = 0
        self._used: set[str] = set()
        self._stood: dict[str, str] = {}

    def error(self, message: str, place: Place | None, mend: str = "") -> None:
        self.diagnostics.append(Diagnostic(message, place, mend))

    def build(self, document: Document) -> Graph:
        graph = self.graph
        graph.budget, graph.threads = document.budget, document.threads
        scope = _Scope("", Path(document.file).parent, trail=(str(Path(document.file).resolve()),))
        self.add_document(document, scope)
        self.check_use_of_options(document)
        if not any(d.severity == "error" for d in self.diagnostics):
            negotiate.negotiate(graph, self.registry, self.diagnostics)
        self.check_shape()
        errors = [d for d in self.diagnostics if d.severity == "error"]
        if errors:
            raise GraphError(sorted(dict.fromkeys(self.diagnostics), key=_by_place))
        graph.warnings = [str(d) for d in self.diagnostics]
        return graph

    def check_use_of_options(self, document: Document) -> None:
        for name in self.overrides.keys() - self._used:
            node = name.rpartition(".")[0]
            near = nearest(node, [*document.nodes, *self.graph.nodes])
            known = f"nodes: {', '.join(document.nodes)}"
            message = f"no node {node!r} in {document.file}" if node else "write --set node.property=value"
            self.error(message, self.overrides[name].place, near or known)
        for role in self.stand_ins.keys() - self._stood.keys():
            option = {"mic": "--input", "speaker": "--output"}.get(role, role)
            mend = f"add a node with 'use: {role}', or run without {option}"
            message = f"{option} stands in for the role {role}, which no node plays"
            self.error(message, Place(document.file), mend)

    def check_shape(self) -> None:
        graph = self.graph
        cycle = graph.blocking_cycle()
        if cycle:
            first = graph.nodes[cycle[0]]
            mend = "give one of its links 'queue: {policy: leaky-oldest}'"
            message = f"the cycle {' -> '.join(cycle)} would deadlock: every link in it blocks"
            self.error(message, first.place, mend)
        if any(d.severity == "error" for d in self.diagnostics):
            return  # what is not linked because of an error above is not another error
        for name, port in graph.unlinked():
            node = graph.nodes[name]
            self.error(f"nothing feeds {name}.{port}", node.place, f"link a node to it: '- ... -> {name}'")
        for name, node in graph.nodes.items():
            into = graph.into(name)
            if node.order == "pts" and len(into) > 1:
                self.check_order(node, [link.source for link in into])

    def check_order(self, node: GraphNode, sources: list[str]) -> None:
        above = set(sources)
        todo = list(sources)
        while todo:
            for link in self.graph.into(todo.pop()):
                if link.source not in above:
                    above.add(link.source)
                    todo.append(link.source)
        for name in sorted(above):
            if self.graph.nodes[name].cls.sparse:
                message = f"{node.name} waits for every input (order: pts), but {name} may be silent for long"
                self.error(message, node.place, "use 'order: arrival'")

    # nodes

    def add_document(self, document: Document, scope: _Scope) -> None:
        for spec in document.nodes.values():
            self.add_node(spec, scope)
            if spec.name not in scope.ports:
                scope.failed.add(spec.name)
        scope.failed |= document.broken
        for link in document.links if document.nodes else ():
            self.add_link(link, scope)

    def add_node(self, spec: NodeSpec, scope: _Scope) -> None:
        full = scope.prefix + spec.name
        self._count += 1
        if self._count > MAX_NODES:
            raise GraphError([Diagnostic(f"the graph has more than {MAX_NODES:,} nodes", spec.place)])
        self.apply_overrides(spec, full)
        use, extra = self.stand_in(spec)
        try:
            found = self.resolver.resolve(use, scope.folder)
        except UnknownNode as error:
            name = spec.use_text if use == spec.use else repr(use)
            self.error(f"no node is named {name}", spec.use_place, error.mend)
            return
        except Unavailable as error:
            self.error(str(error), spec.use_place)
            return
        except GraphError as error:
            self.diagnostics += [_at(d, spec.use_place) for d in error.diagnostics]
            return
        if found.problem and (use in ROLES or not self.require_available):
            # a node that is named may have properties that mend it: its own open() decides
            severity = "error" if self.require_available else "warning"
            self.diagnostics.append(Diagnostic(f"{full}: {found.problem}", spec.use_place, severity=severity))
        if use in ROLES:
            self.graph.roles[full] = RoleChoice(use, found.name, found.passed_over)
        values = {**spec.values, **extra}
        if use in ROLES or extra:
            role = ROLES.get(use) or ROLES[use_role(spec.use)]
            accepted = self.resolver.accepts(found)
            values = {k: v for k, v in values.items() if k in accepted or k not in role.properties}
        if isinstance(found.target, Document) or issubclass(found.target, Bin):
            self.graph.aliases[full] = found.name
            self.add_bin(spec, full, found, values, scope)
        else:
            self.add_leaf(spec, full, found.name, found.target, values, scope)

    def candidate_with(self, role: str, name: str) -> str:
        """The mend for a property that the node which plays a role lacks, but another candidate has."""
        for candidate in self.resolver.candidates(role) if role in ROLES else ():
            try:
                found = self.resolver.resolve(candidate.name, Path())
                accepted = self.resolver.accepts(found)
            except (Unavailable, GraphError, UnknownNode):
                continue
            if name in accepted:
                return f"{candidate.name} has it: write 'use: {candidate.name}'"
        return ""

    def apply_overrides(self, spec: NodeSpec, full: str) -> None:
        for name, value in self.overrides.items():
            node, _, prop = name.rpartition(".")
            if node == full:
                spec.values[prop] = value
                spec.keys[prop] = value.place
                self._used.add(name)

    def stand_in(self, spec: NodeSpec) -> tuple[str, dict[str, Value]]:
        role = use_role(spec.use)
        if role not in self.stand_ins:
            return spec.use, {}
        if role in self._stood:
            self.error(f"{self._stood[role]} and {spec.name} both play the role {role}", spec.use_place)
        self._stood[role] = spec.name
        use, values = self.stand_ins[role]
        place = replace(spec.use_place)
        return use, {name: Value(value, place) for name, value in values.items()}

    def add_leaf(
        self,
        spec: NodeSpec,
        full: str,
        resolved: str,
        cls: type[Node],
        values: dict[str, Value],
        scope: _Scope,
    ) -> None:
        def report(name: str, error: PropertyError) -> None:
            value = values.get(name)
            unknown = name not in props_of(cls)
            place = spec.keys.get(name, spec.place) if value is None or unknown else value.place
            message, mend = error.message, error.mend
            if value is not None and value.reference and not unknown:
                message, mend = _hide(message, value), mend if _hide(mend, value) == mend else ""
            if unknown and not mend.startswith("did you mean"):
                mend = self.candidate_with(spec.use, name) or mend
            self.error(f"{full}: {message}", place, mend)

        before = len(self.diagnostics)
        raw = {name: _raw(props_of(cls).get(name), value) for name, value in values.items()}
        convert_all(cls, raw, report)
        node = GraphNode(full, cls, resolved, spec.use, raw, spec.place, spec.on_error)
        node.order = spec.order or cls.order
        self.graph.nodes[full] = node
        scope.ports[spec.name] = {port: (full, port) for port in (*inputs_of(cls), *outputs_of(cls))}
        if len(self.diagnostics) == before:
            self.read_caps(node, values)

    def read_caps(self, node: GraphNode, values: Mapping[str, Value]) -> None:
        instance = node.create()
        node.paced = instance.paced()
        try:
            ports = (*inputs_of(node.cls), *outputs_of(node.cls))
            node.caps = {port: instance.port_caps(port) for port in ports}
        except Unavailable as error:
            place, message = node.place, str(error)
            for name, value in values.items():
                place = value.place if name == "file" else place
                message = _hide(message, value)
            self.error(f"{node.name}: {message}", place)
        except Exception as error:  # a node's own code, at check time
            self.error(f"{node.name}: port_caps raised {type(error).__name__}: {error}", node.place)

    def add_bin(
        self, spec: NodeSpec, full: str, found: Resolved, values: dict[str, Value], scope: _Scope
    ) -> None:
        document = found.document()
        place = str(Path(document.file).resolve())
        if place in scope.trail:
            self.error(f"{full}: {found.name} contains itself", spec.use_place, "use another node inside it")
            return
        params = {name: value for name, value in values.items() if name in document.params}
        if params:
            document = found.document(params)
        self.pass_on(spec, full, found, document, {n: v for n, v in values.items() if n not in params})
        for node in document.nodes.values():
            if spec.on_error.action != "fail":
                node.on_error = spec.on_error
        inner = _Scope(f"{full}.", Path(document.file).parent, trail=(*scope.trail, place))
        self.add_document(document, inner)
        ports: dict[str, tuple[str, str]] = {}
        for outer, end in document.ports.items():
            known = inner.ports.get(end.node, {})
            if (port := end.port or outer) in known:
                ports[outer] = known[port]
            elif end.node in inner.ports:
                mend = nearest(port, known) or f"its ports: {', '.join(known)}"
                self.error(f"port {outer!r} of the bin: {end.node} has no port {port!r}", end.place, mend)
        if len(ports) == len(document.ports):  # else a link to it would be another error
            scope.ports[spec.name] = ports

    def pass_on(
        self, spec: NodeSpec, full: str, found: Resolved, document: Document, values: dict[str, Value]
    ) -> None:
        """Give the properties set on a bin to the inner nodes that have them."""
        folder = Path(document.file).parent
        accepted: dict[str, dict[str, Any]] = {}
        try:
            for inner in document.proxy if values else ():
                accepted[inner] = self.resolver.accepts(
                    self.resolver.resolve(document.nodes[inner].use, folder)
                )
        except (UnknownNode, Unavailable, GraphError):
            return  # noted where the inner node is added
        for name, value in values.items():
            owner = next((inner for inner, names in accepted.items() if name in names), None)
            if owner is not None:
                document.nodes[owner].values[name] = value
                document.nodes[owner].keys[name] = spec.keys.get(name, value.place)
                continue
            known = [*document.params, *(name for names in accepted.values() for name in names)]
            mend = nearest(name, known) or self.candidate_with(spec.use, name)
            mend = mend or f"known: {', '.join(known) or 'none'}"
            self.error(f"{full}: no property {name!r}", spec.keys.get(name, value.place), mend)

    # links

    def add_link(self, spec: LinkSpec, scope: _Scope) -> None:
        outs = self.ends(spec.source, scope, outputs=True)
        ins = self.ends(spec.target, scope, outputs=False)
        if outs is None or ins is None:
            return
        pairs = [(o, i) for o in outs.items() for i in ins.items() if fits(self.caps(o[1]), self.caps(i[1]))]
        if len(pairs) != 1:
            self.refuse(spec, outs, ins, pairs)
            return
        (_, (source, out)), (_, (target, into)) = pairs[0]
        ends = (source, out, target, into)
        if any(ends == (link.source, link.out, link.target, link.into) for link in self.graph.links):
            self.error(f"{source}.{out} -> {target}.{into} is linked twice", spec.place, "remove one of them")
            return
        port: QueueOptions | None = inputs_of(self.graph.nodes[target].cls)[into].queue
        queue = spec.queue(port or QueueOptions()) if spec.queue else port
        self.graph.links.append(
            GraphLink(source, out, target, into, queue, spec.queue is not None, spec.convert, spec.place)
        )

    def caps(self, end: tuple[str, str]) -> Any:
        node = self.graph.nodes[end[0]]
        return node.caps.get(end[1], ports_of(node.cls)[end[1]].caps)

    def ends(self, end: EndSpec, scope: _Scope, outputs: bool) -> dict[str, tuple[str, str]] | None:
        """The ports that one end of a link may mean; None where an error has been noted."""
        if end.node not in scope.ports:
            if end.node not in scope.failed:
                mend = nearest(end.node, scope.ports) or f"nodes: {', '.join(scope.ports)}"
                self.error(f"no node {end.node!r}", end.place, mend)
            return None
        every = scope.ports[end.node]
        kind = outputs_of if outputs else inputs_of
        found = {p: t for p, t in every.items() if t[1] in kind(self.graph.nodes[t[0]].cls)}
        if end.port is not None and end.port in found:
            return {end.port: found[end.port]}
        word = "output" if outputs else "input"
        if end.port is not None and end.port not in every:
            mend = nearest(end.port, found) or f"its {word}s: {', '.join(found) or 'none'}"
            self.error(f"{end.node} has no {word} {end.port!r}", end.place, mend)
            return None
        if not found:
            self.error(f"{end.node} has no {word}s", end.place)
            return None
        if end.port is not None:
            other = "an input" if outputs else "an output"
            mend = f"its {word}s: {', '.join(found)}"
            self.error(f"{end.node}.{end.port} is {other}, not an {word}", end.place, mend)
            return None
        return found

    def refuse(
        self,
        spec: LinkSpec,
        outs: Mapping[str, tuple[str, str]],
        ins: Mapping[str, tuple[str, str]],
        pairs: list[Any],
    ) -> None:
        def texts(node: str, ends: Mapping[str, tuple[str, str]]) -> list[str]:
            return [f"{node}.{port} {{}} {self.caps(end)}" for port, end in ends.items()]

        source, target = texts(spec.source.node, outs), texts(spec.target.node, ins)
        if pairs:
            choices = ", ".join(f"{spec.source.node}.{o[0]} -> {spec.target.node}.{i[0]}" for o, i in pairs)
            message = f"{spec.source.node} -> {spec.target.node} may mean several links"
            self.error(message, spec.place, f"name the ports: {choices}")
            return
        carries = " and ".join(text.format("carries") for text in source)
        takes = " and ".join(text.format("takes") for text in target)
        wanted = [self.caps(end) for end in ins.values()]
        given = [self.caps(end) for end in outs.values()]
        names = [name.partition(".")[0] for name in self.graph.nodes]
        mend = self.resolver.adapter(given, wanted, spec.source.node, spec.target.node, names)
        self.error(f"{carries}, but {takes}", spec.place, mend)


def use_role(use: str) -> str:
    """The role that `use` names, or names a candidate of."""
    return use.partition(".")[0]


def _raw(declaration: Prop | None, value: Value) -> Any:
    """What to convert to a property: of a variable its text, where that will do."""
    if value.reference and value.text and declaration is not None:
        try:
            convert(declaration, value.text)
        except PropertyError:
            return value.plain()
        return value.text
    return value.plain()


def _hide(text: str, value: Value) -> str:
    """`text` with what a variable or parameter holds replaced by its name: it may be a secret."""
    if not value.reference or value.data is None:
        return text
    for shown in (repr_of(value.plain()), str(value.plain())):
        text = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", lambda _: value.reference, text) if shown else text
    return text


def _at(diagnostic: Diagnostic, place: Place) -> Diagnostic:
    """A finding about a bin's file as a whole belongs where the file is named."""
    found = diagnostic.place
    if found is None or found.line:
        return diagnostic
    return replace(diagnostic, message=f"{found.file}: {diagnostic.message}", place=place)


def _by_place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    place = diagnostic.place
    return (place.file, place.line, place.column) if place else ("", 0, 0)
