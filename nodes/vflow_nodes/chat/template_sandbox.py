"""Run chat templates safely, with the names that transformers gives them, and bounds on size and time.

A template comes with a model, from anybody. Each value that it makes is measured; before it is made, if one
operation alone could fill the memory or hold the interpreter for minutes. A tracer ends a template that runs
too long.
Source: jinja2, sandbox.py; transformers, utils/chat_template_utils.py, for the names that templates use.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

MAX_CHARS = 1_000_000
"""Longest text that a template may make: five times the largest context of today."""
MAX_ITEMS = 100_000
"""Most items of a list, with those inside its items; jinja2's own bound of a range."""
MAX_BITS = 4096
"""Longest whole number."""
_LEFT_OUT = ("filesizeformat", "forceescape", "pprint", "striptags", "urlize", "wordwrap", "xmlattr")
"""Filters for web pages, of no use in a prompt."""
_WIDE = re.compile(r"\*|\d{6,}|\{[^{}]*\{")
"""Matches, in a format, a width of six digits or a computed one."""


class TooMuch(BaseException):
    """A template made more, or ran longer, than it may. Not an Exception, so that no library catches it and
    goes on."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End the code inside after `seconds` of this thread's own time, however busy the machine is. Raises:
    TooMuch. It looks at each line of Python; an operation within one line is bounded by the size it makes."""
    until = time.thread_time() + seconds
    lines = 0

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += 1
        if not lines & 255 and time.thread_time() > until:
            raise TooMuch(f"runs for more than {seconds:g} s")
        return None if frame.f_code.co_filename == __file__ else look  # this file's own lines are bounded

    before = sys.gettrace()
    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


def bounded(value: Any) -> Any:
    """Return the value, if its text and its items keep within the bounds. Raises: TooMuch."""
    if type(value) is str:
        _fits(len(value))
        return value
    chars = items = 0
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str | bytes):
            chars += len(each)
        elif isinstance(each, int) and each.bit_length() > MAX_BITS:
            raise TooMuch("makes a number of thousands of digits")
        elif isinstance(each, Mapping | Namespace):
            inner = each if isinstance(each, Mapping) else each._Namespace__attrs
            items += 2 * len(inner)
            left += [part for pair in inner.items() for part in pair] if items <= MAX_ITEMS else []
        elif isinstance(each, list | tuple | set | frozenset):
            items += len(each)
            left += each if items <= MAX_ITEMS else []
        _fits(chars)
        if items > MAX_ITEMS:
            raise TooMuch(f"makes a list of more than {MAX_ITEMS:,} items")
    return value


def joined(parts: Iterable[str]) -> str:
    """Join texts. Raises: TooMuch."""
    parts = list(parts)
    _fits(sum(map(len, parts)))
    return "".join(parts)


def _fits(chars: int) -> None:
    if chars > MAX_CHARS:
        raise TooMuch(f"makes a text of more than {MAX_CHARS:,} characters")


def _narrow(text: str | bytes) -> None:
    """Refuse a format that could fill the memory with blanks. Raises: TooMuch."""
    if _WIDE.search(text if isinstance(text, str) else text.decode("latin-1")):
        raise TooMuch("formats a value with a width that is too large, or computed")


def _check_call(name: str, text: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments for a text's method, or the filter of its name. Raises: TooMuch if the result
    would be too large."""
    for number in args:
        if isinstance(number, int):
            _fits(abs(number))
    if name == "replace" and len(args) > 1:
        text, old, new = str(text), str(args[0]), str(args[1])
        _fits(len(text) + len(new) * (text.count(old) if old else len(text) + 1))
    elif name in ("expandtabs", "translate"):
        raise SecurityError(f"{name} has no use in a prompt")
    elif name in ("format", "format_map"):
        _narrow(str(text))
    elif name == "indent":
        width = args[0] if args else 4
        _fits((str(text).count("\n") + 1) * (len(width) if isinstance(width, str) else int(width)))
    elif name == "sum" and any(isinstance(arg, list | tuple) for arg in args):
        raise SecurityError("sum is for numbers")
    return args


class _Generator(CodeGenerator):
    """Compiles values that a template puts together itself, `a ~ b`, `[a, b]`, `(a, b)` and `{a: b}`, so that
    they are measured: a list with the same list in it twice doubles at each step."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.concatenated((")
        for argument in node.nodes:
            self.visit(argument, frame)
            self.write(", ")
        self.write("))")

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        if node.ctx == "load":
            self._measured(super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self._measured(super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self._measured(super().visit_Dict, node, frame)

    def _measured(self, visit: Callable[[Any, Frame], None], node: nodes.Expr, frame: Frame) -> None:
        self.write("environment.bounded(")
        visit(node, frame)
        self.write(")")


class _Generation(Extension):
    """`{% generation %}`, which in training marks the assistant's words."""

    tags = {"generation"}  # noqa: RUF012, jinja2's own form

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Names(Namespace):
    """A namespace that has none of Python's own names."""

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"a namespace has no name {name}")
        super().__setitem__(name, value)


class _Dicts:
    """The `dict` that a template sees, which gives no access to the class's methods."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles chat templates, and bounds the values that they make. Any thread."""

    code_generator_class = _Generator
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "**", "%"))
    concat = staticmethod(joined)
    bounded = staticmethod(bounded)

    def __init__(self) -> None:
        extensions = [_Generation, "jinja2.ext.loopcontrols"]
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=extensions, finalize=bounded)
        del self.globals["lipsum"]
        self.globals |= {
            "raise_exception": _raise,
            "strftime_now": _now,
            "dict": _Dicts(),
            "namespace": _Names,
        }
        self.filters["tojson"] = _json
        self.filters = {
            name: _measured_filter(name, of) for name, of in self.filters.items() if name not in _LEFT_OUT
        }

    def concatenated(self, parts: Iterable[Any]) -> str:
        return joined(str(bounded(part)) for part in parts)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "*":
            for text, times in ((left, right), (right, left)):
                if isinstance(text, str | bytes | list | tuple) and isinstance(times, int):
                    _fits(len(text) * times)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() * right > MAX_BITS:
                raise TooMuch("makes a number of thousands of digits")
        elif operator == "%" and isinstance(left, str | bytes):
            _narrow(left)
        return bounded(super().call_binop(context, operator, bounded(left), bounded(right)))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(__obj, "__wrapped__", __obj)  # jinja2 wraps format
        owner = getattr(method, "__self__", None)
        bounded([*args, *kwargs.values()])
        if isinstance(owner, str | bytes | int):
            name = getattr(method, "__name__", "")
            args = _check_call(name, owner, (*args, *kwargs.values()))[: len(args)]
            if name == "join" and args:
                args = (_few(args[0], str(owner)), *args[1:])
        return bounded(super().call(__context, __obj, *args, **kwargs))


def _few(parts: Iterable[Any], between: str) -> list[Any]:
    """Return the items to join, if they are not too many. Raises: TooMuch."""
    found = bounded(list(itertools.islice(parts, MAX_ITEMS + 1)))
    _fits(len(between) * len(found))
    return found  # type: ignore[no-any-return]


def _measured_filter(name: str, of: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter whose arguments and result are measured. It takes what `of` takes, also the
    environment."""
    hidden = int(hasattr(of, "jinja_pass_arg"))

    @functools.wraps(of)
    def run(*args: Any, **kwargs: Any) -> Any:
        bounded([*args[hidden:], *kwargs.values()])
        first, value, rest = args[:hidden], args[hidden], args[hidden + 1 :]
        _check_call(name, value, (*rest, *kwargs.values()))
        if name == "join":
            value = _few(value, str(rest[0] if rest else kwargs.get("d", "")))
        return bounded(of(*first, value, *rest, **kwargs))

    return run


def _raise(message: str) -> None:
    raise TemplateError(message)


def _now(layout: str) -> str:
    _narrow(layout)
    return datetime.now().strftime(layout)  # the user's own time


def _json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Write JSON as transformers does; jinja2's own filter escapes HTML."""
    encoder = json.JSONEncoder(
        ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
    parts, chars = [], 0
    for part in encoder.iterencode(value):
        parts.append(part)
        chars += len(part)
        _fits(chars)
    return "".join(parts)


def compiled(environment: Environment, source: str) -> Any:
    """Compile a template. Raises: TemplateError, TooMuch, and whatever Python's compiler raises."""
    if len(source) > MAX_CHARS // 4:
        raise TooMuch(f"has more than {MAX_CHARS // 4:,} characters")
    return environment.from_string(source)
