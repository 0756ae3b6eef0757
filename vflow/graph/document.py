"""Read the text of a graph file into plain records. Findings are collected; no name is resolved yet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise

from vflow.errors import Diagnostic, GraphError, Place, nearest, repr_of
from vflow.graph.graph import Budget, ErrorPolicy
from vflow.graph.secrets import Secrets
from vflow.graph.values import QueueChange, ValueReader, kind_of
from vflow.graph.yaml_reader import Value

VERSION = 1
NODE_NAME = re.compile(r"[A-Za-z_][\w-]*")
TOP_KEYS = (
    "vflow", "doc", "budget", "threads", "convert", "params", "ports", "proxy", "nodes", "links",
)  # fmt: skip
NODE_KEYS = ("use", "params", "on_error", "order")
LINK_KEYS = ("from", "to", "queue", "keep", "convert")


@dataclass(slots=True)
class NodeSpec:
    """One entry of `nodes:`; `values` are its properties."""

    name: str
    use: str
    place: Place
    use_place: Place
    values: dict[str, Value] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    on_error: ErrorPolicy = field(default_factory=ErrorPolicy)
    order: str | None = None
    use_text: str = ""
    """`use` as messages may print it: as the file has it, without the value of an environment variable."""


@dataclass(slots=True)
class EndSpec:
    """One end of a link: a node and, where the file names it, a port."""

    node: str
    port: str | None
    place: Place


@dataclass(slots=True)
class LinkSpec:
    """One link; `queue` is None if the file gives no bounds."""

    source: EndSpec
    target: EndSpec
    place: Place
    queue: QueueChange | None = None
    convert: bool = True


@dataclass(slots=True)
class Document:
    """The contents of one graph file, or of the text of a bin."""

    file: str
    nodes: dict[str, NodeSpec] = field(default_factory=dict)
    links: list[LinkSpec] = field(default_factory=list)
    budget: Budget | None = None
    threads: dict[str, int] = field(default_factory=dict)
    params: dict[str, Value] = field(default_factory=dict)
    ports: dict[str, EndSpec] = field(default_factory=dict)
    proxy: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    """Values that came from environment variables, each with its `${NAME}`."""
    broken: set[str] = field(default_factory=set)
    """Names of nodes whose entries have errors; a link to one of them is not a second error."""


def read(value: Value, file: str, diagnostics: list[Diagnostic]) -> Document:
    """Read the document in `value`. Add each error to `diagnostics`, and read the rest all the same.

    Raises: GraphError if a variable is not set. Variables in the properties of nodes and in parameters do not
    count here, since a caller may set another value in their place.
    """
    document = _SpecReader(file, diagnostics).document(value)
    for below in value.walk():
        document.secrets.update(below.secrets)
    diagnostics[:] = Secrets(document.secrets).hidden(diagnostics, file)
    return document


class _SpecReader:
    def __init__(self, file: str, diagnostics: list[Diagnostic]) -> None:
        self.file, self.diagnostics = file, diagnostics
        self.fields = ValueReader(diagnostics)
        self.error = self.fields.error

    def document(self, value: Value) -> Document:
        document = Document(self.file)
        if unset := _unset_structure(value):
            raise GraphError(dict.fromkeys(unset))
        top = self.fields.mapping(value, "a graph", TOP_KEYS)
        if not top:
            return document
        if "vflow" in top and (top["vflow"].data is True or top["vflow"].data != VERSION):
            found = top["vflow"]
            self.error(f"version {found} of the format is not known", found.place, "write 'vflow: 1'")
        for name, spec in self.fields.mapping(top["nodes"], "nodes", None).items() if "nodes" in top else ():
            self.node(document, name, spec, top["nodes"])
        if not document.nodes and not self.diagnostics:
            self.error("the graph has no nodes", value.place, "add 'nodes: {tone: {use: test_tone}, ...}'")
        if "links" in top:
            self.links(document, top["links"])
        elif len(document.nodes) > 1:
            self.error("the graph has no links", value.place, "add 'links:' with '- a -> b -> c' below it")
        if "budget" in top:
            document.budget = self.fields.budget(top["budget"])
        if "threads" in top:
            document.threads = self.fields.threads(top["threads"])
        if "params" in top:
            document.params = dict(self.fields.mapping(top["params"], "params", None))
        for name, end in self.fields.mapping(top["ports"], "ports", None).items() if "ports" in top else ():
            inner = self.end(end)
            if inner is not None and self.has_node(document, inner.node, end.place):
                document.ports[name] = inner
        if "proxy" in top:
            document.proxy = self.proxy(document, top["proxy"])
        if "convert" in top and self.fields.convert(top["convert"]) is False:
            document.links = [replace(link, convert=False) for link in document.links]
        return document

    def has_node(self, document: Document, name: str, place: Place) -> bool:
        if name in document.nodes:
            return True
        if name not in document.broken:
            mend = nearest(name, document.nodes) or f"nodes: {', '.join(document.nodes)}"
            self.error(f"no node {name!r}", place, mend)
        return False

    def proxy(self, document: Document, value: Value) -> list[str]:
        if not isinstance(value.data, list):
            self.error(f"proxy is a list of nodes, not {kind_of(value)}", value.place, "write '[name]'")
            return []
        names = [(_text(name), name.place) for name in value.data]
        return [name for name, place in names if self.has_node(document, name, place)]

    def node(self, document: Document, name: str, value: Value, parent: Value) -> None:
        document.broken.add(name)  # until it has been read
        place = parent.keys[name] if parent.keys else value.place
        if not NODE_NAME.fullmatch(name):
            self.error(f"{name!r} is not a name for a node", place, "use letters, digits, _ and -")
            return
        if isinstance(value.data, str):
            use_text = value.reference or value.data
            self.error(f"{name} is a mapping", value.place, f"write '{name}: {{use: {use_text}}}'")
            return
        if value.data is None:
            value = replace(value, data={})
        entries = self.fields.mapping(value, f"node {name!r}", None)
        if "use" not in entries:
            if isinstance(value.data, dict):
                self.error(f"node {name!r} does not say what it is", place, f"add 'use: {name}'")
            return
        use = entries["use"]
        if use.data is None:  # the node `null`, which YAML takes for nothing
            use = replace(use, data="null")
        if not isinstance(use.data, str):
            self.error(f"use names a node, not {kind_of(use)}", use.place)
            return
        spec = NodeSpec(name, use.data, place, use.place, use_text=use.reference or repr(use.data))
        if "on_error" in entries:
            spec.on_error = self.fields.on_error(entries["on_error"])
        if "order" in entries:
            spec.order = self.fields.choice(entries["order"], "order", ("arrival", "pts"))
        given = {k: v for k, v in entries.items() if k not in NODE_KEYS}
        spec.keys = {k: v for k, v in (value.keys or {}).items() if k in given}
        if "params" in entries:
            params = entries["params"]
            for key in self.fields.mapping(params, "params", None).keys() & given.keys():
                self.error(f"{key} is set twice, here and in 'params'", spec.keys[key], "remove one of them")
            given.update(params.data if isinstance(params.data, dict) else {})
            spec.keys.update(params.keys or {})
        spec.values = given
        document.nodes[name] = spec
        document.broken.discard(name)

    def links(self, document: Document, value: Value) -> None:
        if not isinstance(value.data, list):
            self.error(f"links is a list, not {kind_of(value)}", value.place, "write '- a -> b -> c'")
            return
        for link in value.data:
            ends = [link.data.get("from"), link.data.get("to")] if isinstance(link.data, dict) else [link]
            references = [end for end in ends if end is not None and end.reference]
            for end in references:
                self.error(f"{end} cannot stand in a link", end.place, "write the names of the nodes")
            if references:
                continue
            if isinstance(link.data, str):
                self.chain(document, link)
            else:
                self.link(document, link)

    def chain(self, document: Document, value: Value) -> None:
        texts = str(value.data).split("->")
        if len(texts) < 2:
            self.error(f"{value} is not a link", value.place, "write '- a -> b'")
            return
        ends: list[EndSpec | None] = []
        offset = 0
        for text in texts:
            indent = len(text) - len(text.lstrip())
            place = replace(value.place, column=value.place.column + offset + indent)
            ends.append(self.end(Value(text.strip(), place)))
            offset += len(text) + 2
        for source, target in pairwise(ends):
            if source is not None and target is not None:
                document.links.append(LinkSpec(source, target, source.place))

    def end(self, value: Value) -> EndSpec | None:
        text = _text(value)
        node, _, port = text.partition(".")
        if not node or (text.count(".") and not port):
            found = repr_of(text) if isinstance(value.data, str) else kind_of(value)
            self.error(f"{found} is not the end of a link", value.place, "write 'node' or 'node.port'")
            return None
        return EndSpec(node, port or None, value.place)

    def link(self, document: Document, value: Value) -> None:
        entries = self.fields.mapping(value, "a link", LINK_KEYS)
        if not entries:
            return
        if "from" not in entries or "to" not in entries:
            self.error("a link has 'from' and 'to'", value.place, "write '{from: a, to: b, queue: {...}}'")
            return
        source, target = self.end(entries["from"]), self.end(entries["to"])
        if source is None or target is None:
            return
        link = LinkSpec(source, target, value.place)
        if "queue" in entries or "keep" in entries:
            link.queue = self.fields.queue(entries.get("queue"), entries.get("keep"))
        if "convert" in entries:
            link.convert = self.fields.convert(entries["convert"])
        document.links.append(link)


def _text(value: Value) -> str:
    """Return a name, which YAML may have read as a number or a word; '' for a list, a mapping or nothing."""
    if isinstance(value.data, bool):
        return str(value.data).lower()
    return "" if value.data is None or isinstance(value.data, dict | list) else str(value.data)


def _unset_structure(value: Value) -> list[Diagnostic]:
    """Find variables that are not set, except those in parameters and in the properties of nodes."""
    top = value.data if isinstance(value.data, dict) else {"": value}
    found = [d for key, entry in top.items() if key not in ("nodes", "params") for d in entry.all_unset()]
    nodes = top["nodes"] if "nodes" in top else Value({}, value.place)
    for node in nodes.data.values() if isinstance(nodes.data, dict) else [nodes]:
        if not isinstance(node.data, dict):
            found += node.all_unset()
            continue
        for key in NODE_KEYS:
            entry = node.data.get(key)
            if entry is not None and (key != "params" or not isinstance(entry.data, dict)):
                found += entry.all_unset()
    return found
