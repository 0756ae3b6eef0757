"""What a graph file says, read into plain records; nothing is resolved yet. Findings are collected."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from vflow.errors import Diagnostic, Place, PropertyError, nearest
from vflow.graph import Budget, ErrorPolicy
from vflow.node import QueueOptions
from vflow.props import duration_ns
from vflow.yaml_reader import Value

VERSION = 1
NODE_NAME = re.compile(r"[A-Za-z_][\w-]*")
TOP_KEYS = (
    "vflow", "name", "doc", "budget", "threads", "convert", "params", "ports", "proxy", "nodes", "links",
)  # fmt: skip
NODE_KEYS = ("use", "params", "on_error", "order")
LINK_KEYS = ("from", "to", "queue", "keep", "convert")
POLICIES = ("block", "leaky-oldest", "leaky-newest", "error")
QUEUE_KEYS = ("packets", "time", "policy", "max_age")
MAPPING_MENDS = {
    "a graph": "a graph has 'nodes:' and 'links:'",
    "nodes": "write '  name: {use: ...}' below it, a line for each node",
    "a link": "write '- a -> b', or '- {from: a, to: b, queue: {...}}'",
    "budget": "write '{from: speech_end, to: first_audio, max: 800ms}'",
}
LIBRARIES = ("torch", "onnxruntime", "openmp")


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
    """`use` as the file has it: what an environment variable holds is not printed."""


@dataclass(slots=True)
class EndSpec:
    """One end of a link: a node and, where the file names it, a port."""

    node: str
    port: str | None
    place: Place


@dataclass(slots=True)
class LinkSpec:
    """One link; `queue` is None where the file gives no bounds."""

    source: EndSpec
    target: EndSpec
    place: Place
    queue: Callable[[QueueOptions], QueueOptions] | None = None
    convert: bool = True


@dataclass(slots=True)
class Document:
    """One graph file, or the text of a bin."""

    file: str
    nodes: dict[str, NodeSpec] = field(default_factory=dict)
    links: list[LinkSpec] = field(default_factory=list)
    budget: Budget | None = None
    threads: dict[str, int] = field(default_factory=dict)
    params: dict[str, Value] = field(default_factory=dict)
    ports: dict[str, EndSpec] = field(default_factory=dict)
    proxy: list[str] = field(default_factory=list)
    doc: str = ""
    broken: set[str] = field(default_factory=set)
    """Names of nodes that could not be read."""


def read(value: Value, file: str, diagnostics: list[Diagnostic]) -> Document:
    """The document in `value`; what is wrong goes to `diagnostics`, what is right is read all the same."""
    return _SpecReader(file, diagnostics).document(value)


class _SpecReader:
    def __init__(self, file: str, diagnostics: list[Diagnostic]) -> None:
        self.file, self.diagnostics = file, diagnostics

    def error(self, message: str, place: Place, mend: str = "") -> None:
        self.diagnostics.append(Diagnostic(message, place, mend))

    def mapping(self, value: Value, what: str, known: tuple[str, ...] | None) -> dict[str, Value]:
        """The entries of a mapping; unknown keys are errors where `known` lists what there is."""
        if not isinstance(value.data, dict):
            mend = MAPPING_MENDS.get(what, "")
            self.error(f"{what} is a mapping, not {_kind(value)}", value.place, mend)
            return {}
        for key in value.data:
            if known is not None and key not in known:
                place = value.keys[key] if value.keys else value.place
                mend = nearest(key, known) or f"known: {', '.join(known)}"
                self.error(f"unknown key {key!r} in {what}", place, mend)
        return value.data

    def document(self, value: Value) -> Document:
        document = Document(self.file)
        top = self.mapping(value, "a graph", TOP_KEYS)
        if not top:
            return document
        if "vflow" in top and top["vflow"].data != VERSION:
            found = top["vflow"]
            self.error(f"version {found} of the format is not known", found.place, "write 'vflow: 1'")
        for name, spec in self.mapping(top["nodes"], "nodes", None).items() if "nodes" in top else ():
            self.node(document, name, spec, top["nodes"])
        if not document.nodes and not self.diagnostics:
            self.error("the graph has no nodes", value.place, "add 'nodes: {tone: {use: test_tone}, ...}'")
        if "links" in top:
            self.links(document, top["links"])
        elif len(document.nodes) > 1:
            self.error("the graph has no links", value.place, "add 'links:' with '- a -> b -> c' below it")
        if "budget" in top:
            document.budget = self.budget(top["budget"])
        if "threads" in top:
            document.threads = self.threads(top["threads"])
        if "params" in top:
            document.params = dict(self.mapping(top["params"], "params", None))
        for name, end in self.mapping(top["ports"], "ports", None).items() if "ports" in top else ():
            inner = self.end(str(end.data), end.place)
            if inner is not None and self.has_node(document, inner.node, end.place):
                document.ports[name] = inner
        if "proxy" in top:
            document.proxy = self.proxy(document, top["proxy"])
        if "doc" in top:
            document.doc = str(top["doc"].data)
        if "convert" in top and self.convert(top["convert"]) is False:
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
            self.error(f"proxy is a list of nodes, not {_kind(value)}", value.place, "write '[name]'")
            return []
        return [str(name.data) for name in value.data if self.has_node(document, str(name.data), name.place)]

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
        entries = self.mapping(value, f"node {name!r}", None)
        if "use" not in entries:
            if isinstance(value.data, dict):
                self.error(f"node {name!r} does not say what it is", place, f"add 'use: {name}'")
            return
        use = entries["use"]
        if use.data is None:  # the node `null`, which YAML takes for nothing
            use = replace(use, data="null")
        if not isinstance(use.data, str):
            self.error(f"use names a node, not {_kind(use)}", use.place)
            return
        spec = NodeSpec(name, use.data, place, use.place, use_text=use.reference or repr(use.data))
        if "on_error" in entries:
            spec.on_error = self.on_error(entries["on_error"])
        if "order" in entries:
            spec.order = self.choice(entries["order"], "order", ("arrival", "pts"))
        given = {k: v for k, v in entries.items() if k not in NODE_KEYS}
        spec.keys = {k: v for k, v in (value.keys or {}).items() if k in given}
        if "params" in entries:
            params = entries["params"]
            for key in self.mapping(params, "params", None).keys() & given.keys():
                self.error(f"{key} is set twice, here and in 'params'", spec.keys[key], "remove one of them")
            given.update(params.data if isinstance(params.data, dict) else {})
            spec.keys.update(params.keys or {})
        spec.values = given
        document.nodes[name] = spec
        document.broken.discard(name)

    def choice(self, value: Value, what: str, known: tuple[str, ...]) -> str:
        if value.data not in known:
            mend = nearest(str(value.data), known)
            self.error(f"{what} is one of {', '.join(known)}; not {value}", value.place, mend)
            return known[0]
        return str(value.data)

    def convert(self, value: Value) -> bool:
        return self.choice(value, "convert", ("auto", "never")) != "never"

    def integer(self, value: Value, what: str, low: int) -> int:
        number = value.data
        if not isinstance(number, int) or isinstance(number, bool) or number < low:
            self.error(f"{what} is a whole number of at least {low}, not {value}", value.place)
            return low
        return number

    def duration(self, value: Value, what: str) -> int:
        try:
            found = duration_ns(value.data)
            if found > 0:
                return found
            self.error(f"{what} is longer than 0", value.place)
        except PropertyError as error:
            message = f"{value.reference} is not a duration" if value.reference else error.message
            self.error(f"{what}: {message}", value.place, "" if value.reference else error.mend)
        return 1

    def on_error(self, value: Value) -> ErrorPolicy:
        if not isinstance(value.data, dict):
            return ErrorPolicy(self.choice(value, "on_error", ("fail", "skip", "restart")))
        inner = self.mapping(value, "on_error", ("restart",)).get("restart")
        if inner is None:
            return ErrorPolicy()
        if not isinstance(inner.data, dict):
            return ErrorPolicy("restart", self.integer(inner, "restart", 1))
        policy = ErrorPolicy("restart")
        fields = self.mapping(inner, "restart", ("max", "backoff"))
        if "max" in fields:
            policy = replace(policy, limit=self.integer(fields["max"], "max", 1))
        if "backoff" in fields:
            policy = replace(policy, backoff_ns=self.duration(fields["backoff"], "backoff"))
        return policy

    def threads(self, value: Value) -> dict[str, int]:
        entries = self.mapping(value, "threads", LIBRARIES)
        return {name: self.integer(count, name, 1) for name, count in entries.items()}

    def budget(self, value: Value) -> Budget | None:
        entries = self.mapping(value, "budget", ("from", "to", "max"))
        if not isinstance(value.data, dict):
            return None
        if "max" not in entries:
            self.error("a budget has a 'max'", value.place, "add 'max: 800ms'")
            return None
        if "to" in entries:
            self.choice(entries["to"], "to", ("first_audio",))
        starts = ("speech_end", "voice_off")
        start = self.choice(entries["from"], "from", starts) if "from" in entries else starts[0]
        return Budget(start, self.duration(entries["max"], "max"), value.place)

    def links(self, document: Document, value: Value) -> None:
        if not isinstance(value.data, list):
            self.error(f"links is a list, not {_kind(value)}", value.place, "write '- a -> b -> c'")
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
            ends.append(self.end(text.strip(), place))
            offset += len(text) + 2
        for source, target in pairwise(ends):
            if source is not None and target is not None:
                document.links.append(LinkSpec(source, target, source.place))

    def end(self, text: str, place: Place) -> EndSpec | None:
        node, _, port = text.partition(".")
        if not node or (text.count(".") and not port):
            self.error(f"{text!r} is not the end of a link", place, "write 'node' or 'node.port'")
            return None
        return EndSpec(node, port or None, place)

    def link(self, document: Document, value: Value) -> None:
        entries = self.mapping(value, "a link", LINK_KEYS)
        if not entries:
            return
        if "from" not in entries or "to" not in entries:
            self.error("a link has 'from' and 'to'", value.place, "write '{from: a, to: b, queue: {...}}'")
            return
        source = self.end(str(entries["from"].data), entries["from"].place)
        target = self.end(str(entries["to"].data), entries["to"].place)
        if source is None or target is None:
            return
        link = LinkSpec(source, target, value.place)
        if "queue" in entries or "keep" in entries:
            link.queue = self.queue(entries.get("queue"), entries.get("keep"))
        if "convert" in entries:
            link.convert = self.convert(entries["convert"])
        document.links.append(link)

    def queue(self, value: Value | None, keep: Value | None) -> Callable[[QueueOptions], QueueOptions]:
        changes: dict[str, Any] = {}
        entries = self.mapping(value, "queue", QUEUE_KEYS) if value is not None else {}
        if "packets" in entries:
            changes["packets"] = self.integer(entries["packets"], "packets", 1)
        if "time" in entries:
            changes["time_ns"] = self.duration(entries["time"], "time")
        if "max_age" in entries:
            changes["max_age_ns"] = self.duration(entries["max_age"], "max_age")
        if "policy" in entries:
            changes["policy"] = self.choice(entries["policy"], "policy", POLICIES)
        if keep is not None:
            if not isinstance(keep.data, bool):
                self.error(f"keep is true or false, not {keep}", keep.place)
            changes["keep"] = keep.data is True
        return lambda defaults: replace(defaults, **changes)


def _kind(value: Value) -> str:
    names: Mapping[type, str] = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(value.data), str(value))
