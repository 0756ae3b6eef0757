"""Build one node that is no bin: convert its properties and read its caps, with each error at its value."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from vflow.caps import AnyCaps, Audio, Caps, Text
from vflow.errors import (
    Diagnostic,
    Place,
    PropertyError,
    Unavailable,
    VflowError,
    describe,
    pass_on_ctrl_c,
    repr_of,
)
from vflow.graph.document import NodeSpec
from vflow.graph.draft import Draft
from vflow.graph.file_uses import FileUse
from vflow.graph.graph import GraphNode
from vflow.graph.resolver import Resolver
from vflow.graph.yaml_reader import Value
from vflow.node import Node
from vflow.ports import inputs_of, outputs_of
from vflow.props import Prop, convert, convert_all, props_of


class NodeBuilder:
    """Makes one node of the graph; what is wrong goes to the draft's diagnostics."""

    def __init__(self, spec: NodeSpec, full: str, cls: type[Node], values: Mapping[str, Value]) -> None:
        self.spec, self.full, self.cls, self.values = spec, full, cls, values

    def make(self, resolved: str, draft: Draft) -> GraphNode:
        """Return the node, without caps if a property is wrong. `resolved` is the name that `use` led to."""
        declared = props_of(self.cls)

        before = len(draft.diagnostics)
        unset = {name: found for name, value in self.values.items() if (found := value.all_unset())}
        for found in unset.values():
            draft.diagnostics += found

        def report(name: str, error: PropertyError) -> None:
            if name not in unset:
                draft.diagnostics.append(self._finding(name, error, draft.resolver))

        raw = {name: plain_for(declared.get(name), value) for name, value in self.values.items()}
        convert_all(self.cls, raw, report)
        self._note_files(declared, raw, draft)
        spec = self.spec
        order = spec.order or self.cls.order
        node = GraphNode(self.full, self.cls, resolved, spec.use, raw, spec.place, spec.on_error, order)
        return self._asked(node, draft) if len(draft.diagnostics) == before else node

    def _note_files(self, declared: Mapping[str, Prop], raw: Mapping[str, Any], draft: Draft) -> None:
        for name, declaration in declared.items():
            place = self.values[name].place if name in self.values else self.spec.place
            value = raw.get(name, declaration.default)
            for file, mode in _files_of(declaration, value, draft.resolver):
                draft.files.append(FileUse(file, mode, self.full, place))

    def _finding(self, name: str, error: PropertyError, resolver: Resolver) -> Diagnostic:
        value = self.values.get(name)
        unknown = name not in props_of(self.cls)
        message, mend = error.message, error.mend
        place: Place = self.spec.keys.get(name, self.spec.place)
        if value is not None and not unknown:
            place = value.place
            if value.reference:
                message, mend = _hide(message, value), mend if _hide(mend, value) == mend else ""
        if unknown and not mend.startswith("did you mean"):
            mend = resolver.candidate_with(self.spec.use, name) or mend
        return Diagnostic(f"{self.full}: {message}", place, mend)

    def _asked(self, node: GraphNode, draft: Draft) -> GraphNode:
        """Return the node with its caps, and whether it is paced, both asked of a new instance."""
        called = "__init__"
        caps: dict[str, Caps] = {}
        try:
            instance = node.create()
            called = "paced"
            paced = instance.paced()
            called = "port_caps"
            for port in (*inputs_of(self.cls), *outputs_of(self.cls)):
                caps[port] = instance.port_caps(port)
        except Unavailable as error:
            place, message = node.place, str(error)
            for name, value in self.values.items():
                place = value.place if name == "file" else place
                message = _hide(message, value)
            draft.error(f"{self.full}: {message}", place)
            return node
        except BaseException as error:  # the node's own code, which may raise anything
            pass_on_ctrl_c(error)
            message = f"{called} raised {describe(error, self.cls)}"
            for value in self.values.values():
                message = _hide(message, value)
            draft.error(f"{self.full}: {message}", node.place)
            return node
        for port, found in caps.items():
            if not isinstance(found, AnyCaps | Audio | Text):
                message = f"{self.full}: port_caps gave {repr_of(found)} for {port!r}, which is no caps"
                draft.error(message, node.place, "return Audio(...), Text(...) or AnyCaps()")
                return node
        return replace(node, caps=caps, paced=paced)


def _files_of(
    declaration: Prop, value: Any, resolver: Resolver
) -> Iterator[tuple[str, Literal["reads", "writes"]]]:
    """The files that a property names, and those of the node that it names: {use: chat, model: ./folder}."""
    if declaration.file:
        for file in _files(value):
            yield file, declaration.file
    elif isinstance(value, dict) and isinstance(use := value.get("use"), str):
        with contextlib.suppress(VflowError):  # the node that drives it tells what is wrong
            cls = resolver.resolve(use, Path()).target
            if isinstance(cls, type) and issubclass(cls, Node):
                for name, inner in props_of(cls).items():
                    yield from _files_of(inner, value.get(name, inner.default), resolver)


def _files(value: Any) -> Iterator[str]:
    """Yield the files that a property names: one, or those in a list or mapping."""
    if isinstance(value, dict | list | tuple | set | frozenset):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _files(item)
    elif isinstance(value, str | os.PathLike) and (file := os.fspath(value)):
        yield str(file)


def plain_for(declaration: Prop | None, value: Value) -> Any:
    """Return the value to convert to a property: a number or word as YAML reads it, or if only that will do,
    the text as it was written."""
    plain = value.plain()
    if value.text is not None and declaration is not None:
        for candidate in (plain, value.text):
            try:
                convert(declaration, candidate)
            except PropertyError:
                continue
            return candidate
    return plain


def _hide(text: str, value: Value) -> str:
    """Return `text` with the value of a variable or parameter replaced by its name: it may be a secret."""
    if not value.reference or value.data is None:
        return text
    for shown in (repr_of(value.plain()), str(value.plain())):
        text = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", lambda _: value.reference, text) if shown else text
    return text
