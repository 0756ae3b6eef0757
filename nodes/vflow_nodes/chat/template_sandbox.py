"""Where a chat template runs: with what templates of transformers know, and bounds on text, numbers and time.

A template comes with a model, from anybody. Each value that it makes is measured, before it is made where one
operation alone could fill the memory or hold the interpreter for minutes; a tracer ends what runs too long.
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
"""Of a text that a template makes: five times the largest context of today."""
MAX_ITEMS = 100_000
"""Of a list with all that is in it; jinja2's own bound of a range."""
MAX_BITS = 4096
"""Of a whole number."""
_LEFT_OUT = ("filesizeformat", "forceescape", "pprint", "striptags", "urlize", "wordwrap", "xmlattr")
"""Filters for pages, with no use in a prompt."""
_WIDE = re.compile(r"\*|\d{6,}|\{[^{}]*\{")
"""In a format, a width of six digits or one that is computed."""


class TooMuch(BaseException):
    """A template made more, or ran longer, than it may. No Exception: no library is to go on behind it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End what runs inside after `seconds` of this thread's own time, however busy the machine is. Raises:
    TooMuch. Only Python's lines are seen; an operation that is one line is measured by what it makes."""
    until = time.thread_time() + seconds
    lines = 0

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += 1
        if not lines & 255 and time.thread_time() > until:
            raise TooMuch(f"runs for more than {seconds:g} s")
        return None if frame.f_code.co_filename == __file__ else look  # what is here is bounded

    before = sys.gettrace()
    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


def bounded(value: Any) -> Any:
    """The value, where neither its text nor what is in it is too much. Raises: TooMuch."""
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
    """Texts as one. Raises: TooMuch."""
    parts = list(parts)
    _fits(sum(map(len, parts)))
    return "".join(parts)


def _fits(chars: int) -> None:
    if chars > MAX_CHARS:
        raise TooMuch(f"makes a text of more than {MAX_CHARS:,} characters")


def _narrow(text: str | bytes) -> None:
    """Refuse a format that may fill the memory with blanks."""
    if _WIDE.search(text if isinstance(text, str) else text.decode("latin-1")):
        raise TooMuch("formats a value with a width that is too large, or computed")


def _check_call(name: str, text: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments for a method of a text, or the filter of its name, where it makes not too much."""
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
    """Compiles what a template puts together itself, `a ~ b`, `[a, b]`, `(a, b)` and `{a: b}`, to what is
    measured: lists within lists would grow twofold with each."""

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
    """`{% generation %}`, which marks in training what the assistant said."""

    tags = {"generation"}  # noqa: RUF012, jinja2's own form

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Names(Namespace):
    """A namespace without names that belong to Python."""

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"a namespace has no name {name}")
        super().__setitem__(name, value)


class _Dicts:
    """`dict` of a template: no way to the methods of the class."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles chat templates; what they make is bounded. Any thread."""

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
    """The items of what is to be joined. Raises: TooMuch."""
    found = bounded(list(itertools.islice(parts, MAX_ITEMS + 1)))
    _fits(len(between) * len(found))
    return found  # type: ignore[no-any-return]


def _measured_filter(name: str, of: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose arguments and result are measured. It takes what `of` takes, the environment too."""
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
    """As transformers': jinja2's own escapes what is HTML."""
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
    """A template's code. Raises: TemplateError, TooMuch, and what Python's compiler raises."""
    if len(source) > MAX_CHARS // 4:
        raise TooMuch(f"has more than {MAX_CHARS // 4:,} characters")
    return environment.from_string(source)
