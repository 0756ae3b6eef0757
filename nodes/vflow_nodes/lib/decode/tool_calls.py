"""Read a tool call as a model wrote it, in the dialects of the common families: its name and arguments."""

# ruff: noqa: RUF001  # DeepSeek writes fullwidth bars

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NAMES = ("name", "function", "tool_name", "tool", "function_name", "action")
ARGUMENTS = ("arguments", "parameters", "args", "input", "tool_input", "kwargs", "action_input")
KEYS = (*NAMES, *ARGUMENTS, "type", "id", "tool_calls", "function_call")
"""One of these begins a JSON object that may be a call."""

_SPACE = r"[\s,;]*"
_TAGGED = re.compile(r"<function=\s*\"?([^>\"]+)\"?>(.*?)(?:</function>|\Z)", re.S)
_INVOKED = re.compile(r"<(?:｜DSML｜)?invoke name=\"([^\"]+)\"\s*>(.*?)(?:</(?:｜DSML｜)?invoke>|\Z)", re.S)
_PARAMETERS = (
    re.compile(r"<parameter=([^>]+)>\n?(.*?)\n?</parameter>", re.S),
    re.compile(r"<(?:｜DSML｜)?parameter name=\"([^\"]+)\"[^>]*>(.*?)</(?:｜DSML｜)?parameter>", re.S),
    re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.S),
)
_NAMED = re.compile(r"\s*(?:functions\.)?([A-Za-z_][\w.-]*)")
_SEPARATED = re.compile(
    r"(?:function<｜tool▁sep｜>)?(?:functions\.)?([A-Za-z_][\w.-]*?)(?::\d+)?\s*"
    r"(?:<｜tool▁sep｜>|<\|tool_call_argument_begin\|>)\s*(?:```json)?\s*(?=\{)"
)
_FENCED = re.compile(r"function<｜tool▁sep｜>([\w.-]+)\s*```json\s*(?=\{)")
_ARGUED = re.compile(r"([A-Za-z_][\w.-]*)(?:\[CALL_ID\][^\[]*)?(?:\[ARGS\])?\s*(?=\{)")
_BEGUN = re.compile(rf"[\"'](?:{'|'.join(NAMES)})[\"']\s*:.*[\"'](?:{'|'.join(ARGUMENTS)})[\"']\s*:", re.S)
_ARGUED_BARE = re.compile(rf"[\"'](?:{'|'.join(ARGUMENTS)})[\"']\s*:|\A\s*(?:```\w*)?\s*\[\s*[A-Za-z_]")
"""Required in a call without a mark: arguments, or a list of Python's calls."""
_KEY = re.compile(r"([{,]\s*)([A-Za-z_]\w*)\s*:")
_STEP = re.compile(
    r"\s*([^\n{}\[\]]{1,80}?)\s*(?:\n\s*[*_]*action input[ \d]*[*_]*:[*_]*\s*(.*)|\[([^\n]*)\])\s*\Z",
    re.S | re.I,
)
_CALLED = re.compile(r"call:([\w.-]+)\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call. `name` is '' and `arguments` empty if `raw`, the text between the marks, could not be read."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    raw: str = ""


def parse(raw: str, name: str = "") -> list[ToolCall]:
    """Return the calls in a text, at least one; if nothing can be read, that one has only the text. If `name`
    is known from elsewhere, such as a header, the text is the arguments."""
    if name:
        value = _value(raw.strip())
        return [ToolCall(name, value if isinstance(value, dict) else {}, raw)]
    for read in (_of_json, _of_tags, _of_pairs, _of_step, _of_names, _of_python):
        if found := list(read(raw)):
            return [ToolCall(call.name, call.arguments, raw) for call in found]
    return [ToolCall("", {}, raw)]


def begins_call(raw: str) -> bool:
    """Return whether a text that is not complete JSON is that of a call: it has a name, and arguments."""
    return raw.rstrip()[-1:] not in ("}", "]") and _BEGUN.search(raw) is not None


def _value(text: str) -> Any:
    """Return the value of JSON, or of a literal as Python writes it; None if it is neither."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _input(text: str) -> dict[str, Any]:
    """Return a call's arguments from a text: a JSON object, or the text as the only argument."""
    value = _value(text.strip())
    return value if isinstance(value, dict) else {"input": text.strip()} if text.strip() else {}


def _of_step(raw: str) -> Iterator[ToolCall]:
    """Read ReAct's calls after "Action:": `name`, then "Action Input:" and text or JSON; or `name[text]`."""
    if found := _STEP.match(raw):
        yield ToolCall(found[1].strip("`*\"' "), _input(found[2] or found[3] or ""))


def _of_value(value: Any) -> Iterator[ToolCall]:
    if isinstance(value, list):
        for each in value:
            yield from _of_value(each)
    if not isinstance(value, dict):
        return
    for key in ("tool_calls", "function_call", "function"):
        if isinstance(value.get(key), dict | list):
            yield from _of_value(value[key])
            return
    name = next((value[key] for key in NAMES if isinstance(value.get(key), str)), None)
    arguments = next((value[key] for key in ARGUMENTS if key in value), None)
    if isinstance(arguments, str):
        arguments = _input(arguments)
    if name is not None and (isinstance(arguments, dict) or not set(value) & set(ARGUMENTS)):
        yield ToolCall(name, arguments or {})


def _of_json(raw: str) -> Iterator[ToolCall]:
    """Read `{...}`, `[{...}]`, or several of them, bare or in a fence."""
    text = re.sub(rf"\A{_SPACE}(?:```\w*|json\b)?{_SPACE}|{_SPACE}(?:```)?{_SPACE}\Z", "", raw)
    while text[:1] in ("{", "["):
        end = Balance().feed(text)
        if end < 0:
            return
        yield from _of_value(_value(text[:end]))
        text = re.sub(rf"\A{_SPACE}", "", text[end:])


def _of_tags(raw: str) -> Iterator[ToolCall]:
    """Read `<function=name>` and `<invoke name="name">`, with parameters in tags of their own or as JSON."""
    for tag in (_TAGGED, _INVOKED):
        for name, inner in tag.findall(raw):
            value = _value(inner.strip())
            yield ToolCall(name.strip(), value if isinstance(value, dict) else _parameters(inner))


def _parameters(text: str) -> dict[str, Any]:
    found = {}
    for form in _PARAMETERS:
        for key, written in form.findall(text):
            value = _value(written.strip())
            found[key.strip()] = written if value is None else value
    return found


def _of_pairs(raw: str) -> Iterator[ToolCall]:
    """Read GLM's calls: the name, then keys and values in tags."""
    if "<arg_key>" in raw and (name := _NAMED.match(raw)):
        yield ToolCall(name[1], _parameters(raw))


def _of_names(raw: str) -> Iterator[ToolCall]:
    """Read a name, a mark and JSON: DeepSeek's, Kimi's, Mistral's, and Gemma 4's with its own quotes."""
    if raw.lstrip().startswith("call:"):
        raw = _KEY.sub(r'\1"\2":', raw.replace('<|"|>', '"'))
    for form in (_FENCED, _SEPARATED, _CALLED, _ARGUED):
        found = []
        for match in form.finditer(raw):
            end = Balance().feed(raw[match.end() :])
            value = _value(raw[match.end() :][:end]) if end > 0 else None
            if isinstance(value, dict):
                found.append(ToolCall(match[1], value))
        if found:
            yield from found
            return


def _of_python(raw: str) -> Iterator[ToolCall]:
    """Read `name(key=value)`, or a list of such: Llama 4's, LFM2's, Gemma 3's. Ignore a `print` around it."""
    text = re.sub(r"\A\s*(?:```\w*)?\s*|\s*(?:```)?\s*\Z", "", raw)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return
    for statement in tree.body:
        value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
        for node in value.elts if isinstance(value, ast.List) else [value]:
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print" and node.args:
                node = node.args[0]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                try:
                    named = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
                    placed = {str(n): ast.literal_eval(arg) for n, arg in enumerate(node.args)}
                except (ValueError, TypeError, RecursionError):
                    continue
                yield ToolCall(ast.unparse(node.func), placed | named)


class Balance:
    """Finds the end of a value in brackets while its text comes."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote, self._escaped = "", False

    def feed(self, text: str) -> int:
        """Return the place in `text` after the bracket that closes the first one; -1 if none does yet."""
        for at, character in enumerate(text):
            if self._escaped:
                self._escaped = False
            elif self._quote:
                self._escaped = character == "\\"
                if character == self._quote:
                    self._quote = ""
            elif character in "\"'" and self._depth:
                self._quote = character
            elif character in "{[(":
                self._depth += 1
            elif character in "}])":
                self._depth -= 1
                if self._depth <= 0:
                    self._depth = 0
                    return at + 1
        return -1


class CallText:
    """The text of a call while it comes. `name`: a header named it. `json`: it ends where its JSON does.
    `bare`: nothing marks it, and it may be speech after all."""

    def __init__(self, text: str = "", *, name: str = "", json: bool = False, bare: bool = False) -> None:
        self.json, self.bare = json, bare
        self._name, self._parts = name, [text]
        self._balance = Balance()
        self._balance.feed(text)

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, text: str) -> None:
        """Add more text, which cannot end it."""
        self._parts.append(text)

    def read(self, text: str) -> str | None:
        """Add more text. Return the text after its JSON; None while the JSON goes on."""
        end = self._balance.feed(text)
        self._parts.append(text if end < 0 else text[:end])
        if end < 0:
            return None
        self._balance = Balance()
        if "".join(self._parts[-9:]).endswith(("[ARGS]", "[CALL_ID]")):  # Mistral's marks, in brackets too
            return self.read(text[end:])
        return text[end:]

    def calls(self) -> list[ToolCall]:
        """Return the calls; [] if the text is speech after all."""
        found = parse(self.text, self._name)
        if not self.bare:
            return found
        named = any(call.name for call in found) and _ARGUED_BARE.search(self.text)
        return found if named or begins_call(self.text) else []
