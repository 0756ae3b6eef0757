"""Read YAML with places: every value knows its line and column. No code runs, and no alias can explode.

Plain scalars follow YAML 1.2's core schema, so `on`, `off`, `yes` and `no` stay strings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vflow.errors import Diagnostic, GraphError, Place, repr_of
from vflow.graph.file_bytes import read_bytes

MAX_BYTES = 1_000_000
"""Largest graph file. One of a thousand nodes has 100 kB."""
MAX_VALUES = 50_000
MAX_DEPTH = 50
MAX_DIGITS = 100
"""Longest integer that is read as a number: Python refuses thousands of digits."""
_STANDARD = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")}
MERGE = "tag:yaml.org,2002:merge"
_STANDARD |= {"tag:yaml.org,2002:timestamp", MERGE, "tag:yaml.org,2002:value"}
_INT = re.compile(r"[-+]?[0-9][0-9_]*|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None, ".inf": float("inf")}
_REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Value:
    """A value and its place. `data` is a scalar, a list of Values, or a dict of str to Value.

    `reference` is the text with its `${...}`, if the value or one inside it came from the environment or a
    parameter. Messages print it in the place of the value, which may be a secret.
    """

    data: Any
    place: Place
    reference: str = ""
    keys: Mapping[str, Place] | None = None
    text: str | None = None
    """The value's text before it was read as a number or a word: for a reference its resolved text, for an
    override the caller's text."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Values from the environment in it, each with the `${NAME}` that messages print instead."""
    unset: tuple[Diagnostic, ...] = ()
    """Variables in it that are not set: an error only if the value is used."""

    def __str__(self) -> str:
        """Return it as messages print it: short, and without secrets."""
        return self.reference or repr_of(self.plain())

    def plain(self) -> Any:
        """Return the value without places."""
        if isinstance(self.data, dict):
            return {key: value.plain() for key, value in self.data.items()}
        if isinstance(self.data, list):
            return [value.plain() for value in self.data]
        return self.data

    def walk(self) -> Iterator[Value]:
        """Yield this value and all inside it."""
        yield self
        below = self.data.values() if isinstance(self.data, dict) else self.data
        if isinstance(self.data, dict | list):
            for value in below:
                yield from value.walk()

    def all_unset(self) -> list[Diagnostic]:
        """Return `unset` of this value and of all inside it."""
        return [diagnostic for value in self.walk() for diagnostic in value.unset]


def read_file(path: Path) -> str:
    """Return the text of a graph file.

    Raises: GraphError for a file that is missing, a folder, too large or not text, and for a silent pipe.
    """
    place = Place(str(path))
    try:
        data = read_bytes(path, MAX_BYTES + 1)  # no more, of whatever size: it may be a device or a pipe
        if len(data) > MAX_BYTES:
            size = max(path.stat().st_size, len(data))
            raise _error(f"{size:,} bytes is too large for a graph (limit {MAX_BYTES:,})", place)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:  # a ValueError
        raise _error(f"not a text file (byte {error.start} is not UTF-8)", place) from None
    except OSError as error:
        raise _error(f"cannot be read: {error.strerror}", place) from None
    except ValueError as error:  # a NUL in it, or half of a surrogate pair
        raise _error(f"is not the name of a file ({error})", place) from None
    return text


def parse(text: str, file: str, params: Mapping[str, Value] | None = None) -> Value:
    """Read the document in `text`; `file` names it in messages.

    `${name}` takes its value from `params`, else the document's own `params:`, else the environment.
    A variable that is not set is an error only for whoever uses the value (`Value.unset`).
    Raises: GraphError with every finding.
    """
    top = _compose(text, file)
    first = _Reader(file, {})  # read before the rest, so that `${name}` there finds them
    defaults = first.entry(top, "params")
    reader = _Reader(file, {**defaults, **(params or {})})
    value = reader.convert(top)
    if findings := [*first.diagnostics, *reader.diagnostics]:
        raise GraphError(dict.fromkeys([*findings, *value.all_unset()]))
    return value


def _check_depth(text: str, file: str, loader: Any) -> None:
    """Check the nesting of collections. Raises: GraphError if it is too deep; yaml.YAMLError."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _error(f"nested more than {MAX_DEPTH} deep", _place(file, event.start_mark))


def _compose(text: str, file: str) -> Any:
    """Return PyYAML's tree of the one document in `text`."""
    if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
        before = text[: found.start()]
        place = Place(file, before.count("\n") + 1, found.start() - before.rfind("\n"))
        raise _error(f"not a text file (it holds the control character {found[0]!r})", place)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # before it is composed: libyaml's composer recurses in C, and ends the process when too deep
        _check_depth(text, file, loader)
        documents = list(yaml.compose_all(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        if "nesting" in str(error):  # libyaml's scanner reads ahead, and has a limit of its own
            _check_depth(text, file, yaml.SafeLoader)
        raise GraphError([_syntax_error(text, file, error)]) from None
    except yaml.YAMLError as error:
        raise _error(f"not valid YAML: {error}".splitlines()[0], Place(file)) from None
    if not documents or documents[0] is None:
        mend = "a graph has 'nodes:' and 'links:'"
        raise GraphError([Diagnostic("the file is empty", Place(file), mend)])
    if len(documents) > 1:
        place, mend = _place(file, documents[1].start_mark), "keep one, and remove the '---'"
        raise GraphError([Diagnostic("the file holds several documents", place, mend)])
    return documents[0]


def _syntax_error(text: str, file: str, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Return PyYAML's error, with the line where the construct began that has no end."""
    mark = error.problem_mark or error.context_mark
    message = f"not valid YAML: {error.problem or error.context}"
    if mark is None:
        return Diagnostic(message, Place(file))
    lines = text.splitlines()
    start = error.context_mark
    if start is not None and error.context and start.line != mark.line:
        message += f" ({error.context} that begins in line {start.line + 1})"
    line = lines[mark.line] if mark.line < len(lines) else ""
    mend = ""
    if line[mark.column : mark.column + 1] == "\t":
        mend = "indent with spaces: YAML takes no tabs"
    elif line[max(0, mark.column - 1) : mark.column + 1] == "${":
        mend = """inside {...} and [...] a reference stands in quotes: "${NAME}\""""
    return Diagnostic(message, _place(file, mark), mend)


def _place(file: str, mark: Any) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


def _reference(items: list[Value]) -> str:
    return ", ".join(item.reference for item in items if item.reference)


def scalar(text: str) -> Any:
    """Read a plain scalar by YAML 1.2's core schema."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if len(text) <= MAX_DIGITS and _INT.fullmatch(text):
        digits = text.replace("_", "")
        return int(digits, 0 if digits[1:2] in ("x", "o") else 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _error(message: str, place: Place) -> GraphError:
    return GraphError([Diagnostic(message, place)])


class _Reader:
    def __init__(self, file: str, params: Mapping[str, Value]) -> None:
        self.file, self.params = file, params
        self.diagnostics: list[Diagnostic] = []
        self._open: set[int] = set()
        self._count = 0

    def convert(self, node: Any) -> Value:
        place = _place(self.file, node.start_mark)
        self._count += 1
        if self._count > MAX_VALUES:
            raise _error(f"aliases expand to more than {MAX_VALUES:,} values", place)
        if id(node) in self._open:
            raise _error("an alias refers to itself", place)
        if len(self._open) > MAX_DEPTH:  # by aliases of aliases
            raise _error(f"nested more than {MAX_DEPTH} deep", place)
        if node.tag not in _STANDARD:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            self.diagnostics.append(Diagnostic(f"the tag {tag} is not allowed", place, "write a plain value"))
            return Value(None, place)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, place)
            if isinstance(node, yaml.SequenceNode):
                items = [self.convert(item) for item in node.value]
                return Value(items, place, _reference(items))
            return self._scalar(node, place)
        finally:
            self._open.discard(id(node))

    def entry(self, top: Any, key: str) -> Mapping[str, Value]:
        """Return the mapping under one key of the document; {} if there is none."""
        for key_node, value_node in top.value if isinstance(top, yaml.MappingNode) else ():
            if key_node.value == key and isinstance(value_node, yaml.MappingNode):
                found: Mapping[str, Value] = self.convert(value_node).data or {}
                return found
        return {}

    def _mapping(self, node: Any, place: Place) -> Value:
        data: dict[str, Value] = {}
        keys: dict[str, Place] = {}
        for key_node, value_node in node.value:
            at = _place(self.file, key_node.start_mark)
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self.diagnostics.append(Diagnostic("a key is a plain word", at))
                continue
            if key_node.tag == MERGE:
                self.diagnostics.append(Diagnostic("'<<' is not supported", at, "write the entries out"))
                continue
            if key in data:
                first = keys[key].line
                self.diagnostics.append(
                    Diagnostic(f"duplicate key {key!r} (first in line {first})", at, "remove one of them")
                )
                continue
            data[key], keys[key] = self.convert(value_node), at
        return Value(data, place, _reference(list(data.values())), keys)

    def _scalar(self, node: Any, place: Place) -> Value:
        text = str(node.value)
        plain = not node.style
        if "${" not in text:
            return Value(scalar(text) if plain else text, place)
        whole = _REFERENCE.fullmatch(text)
        if whole and whole[1] in self.params:
            return self.params[whole[1]]  # with its own place
        secrets: dict[str, str] = {}
        unset: list[Diagnostic] = []
        resolved = _REFERENCE.sub(lambda match: self._resolve(match, place, secrets, unset), text)
        # `{rate: ${RATE}}` is not YAML, so quotes around a whole reference do not make it text
        typed = scalar(resolved) if plain or whole else resolved
        return Value(typed, place, text, text=resolved, secrets=secrets, unset=tuple(unset))

    def _resolve(
        self, match: re.Match[str], place: Place, secrets: dict[str, str], unset: list[Diagnostic]
    ) -> str:
        name, default = match[1], match[2]
        if name in self.params:
            given = self.params[name]
            for value in given.walk():
                secrets.update(value.secrets)
                unset += value.unset
            return str(given.plain()) if given.text is None else given.text
        if name in os.environ:
            secrets[os.environ[name]] = f"${{{name}}}"
            return os.environ[name]
        if default is None:
            mend = f"set it, or write ${{{name}:-default}}"
            unset.append(Diagnostic(f"environment variable {name} is not set", place, mend))
        return default or ""
