"""Hooks: the methods of a node that the runtime calls. Find here, before anything runs, each method that it
never calls or cannot call."""

from __future__ import annotations

import ast
import difflib
import dis
import functools
import inspect
import linecache
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vflow.event import NAMES
from vflow.node import Bin, Node, Sink, is_async_function, is_source, overrides
from vflow.ports import inputs_of, outputs_of

Problem = tuple[str, str, str]
"""The wrong attribute of a class ('' for the class itself), what is wrong with it, and how to mend it."""
BASES = (Node, Sink, Bin)


@dataclass(frozen=True, slots=True)
class Hook:
    """How the runtime calls a method: its arguments, and whether on an instance or on the class."""

    arguments: tuple[str, ...] = ()
    may_await: bool = False
    may_yield: bool = False
    of_class: bool = False


_PROCESS = Hook(("packet",), may_await=True, may_yield=True)
OF_NODES = {
    "open": Hook(),
    "warm_up": Hook(),
    "close": Hook(),
    "process": _PROCESS,
    "produce": Hook(may_yield=True),
    "on_event": Hook(("event",), may_await=True, may_yield=True),
    "on_timer": Hook(may_await=True, may_yield=True),
    "on_flush": Hook(("flush",)),
    "on_cancel": Hook(("flush",)),
    "port_caps": Hook(("port",)),
    "paced": Hook(),
    "unavailable": Hook(of_class=True),
    "devices": Hook(may_yield=True, of_class=True),
    "advise": Hook(may_yield=True),
}
OF_SINKS = {
    "drop": Hook(("epoch",), may_yield=True),
    "duck": Hook(("gain",)),
    "hold": Hook(("held",)),
    "lead_ns": Hook(),
    "sounding": Hook(),
}

_STOPS = "on_cancel() of a node that generates, or on_flush() of one downstream of it"
ELSEWHERE = {
    **dict.fromkeys(("on_open", "on_start", "on_setup", "on_init"), "open()"),
    **dict.fromkeys(("on_stop", "on_close", "on_teardown"), "close()"),
    **dict.fromkeys(("on_packet", "on_audio", "on_text", "on_frame", "on_input"), "process()"),
    **dict.fromkeys(("on_tick", "on_timeout"), "on_timer()"),
    **dict.fromkeys(("on_interrupt", "on_interruption", "on_barge_in"), _STOPS),
    **{f"on_{name}": f"on_event(), which is given a {kind.__name__}" for kind, name in NAMES.items()},
}
"""Names of hooks in other frameworks, each with the hook that does the same here."""

_NEAR = 0.7
"""How alike (`difflib`) two names are at least, after `on_` or `process_`, if one is the other misspelt."""
_NEAR_LONG, _LONG = 0.85, ("warm_up", "port_caps", "unavailable")
"""The same for whole names; and the hooks to which no other English word is near."""
_SHORT = ("open", "close", "duck", "drop", "hold")
"""Hooks that are one letter away from another word (`clone`, `crop`). Only two letters swapped, or one too
many, count as a misspelling of them. A misspelt `process` or `produce` shows by its absence."""


def hooks_of(cls: type[Any]) -> dict[str, Hook]:
    """Return the hooks that a class may define, by name, with `process_<port>` for its inputs."""
    if not issubclass(cls, Node):
        return {"unavailable": OF_NODES["unavailable"]}
    of_ports = {f"process_{port}": _PROCESS for port in inputs_of(cls)}
    return {**OF_NODES, **(OF_SINKS if issubclass(cls, Sink) else {}), **of_ports}


def methods_of(cls: type[Any]) -> dict[str, Any]:
    """Return the methods of a class as its body has them, without those of `Node`, `Sink` and `Bin`, and
    without those that a base which is no node may call."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, Node | Bin) and base not in BASES:
            found.update((n, m) for n, m in vars(base).items() if _function(m) is not None)
    others = [base for base in cls.__mro__ if not issubclass(base, Node | Bin) and base is not object]
    return {n: m for n, m in found.items() if not any(hasattr(base, n) for base in others)}


def problems(cls: type[Any]) -> Iterator[Problem]:
    """Yield methods that the runtime never calls or cannot call, and methods that a node lacks."""
    hooks, own = hooks_of(cls), methods_of(cls)
    meant = set()
    for port, name, message in _missing(cls) if issubclass(cls, Node) else ():
        found = _meant(cls, name, own.keys() - hooks.keys())
        meant.add(found)
        signature = ", ".join(("self", *hooks[name].arguments))
        yield (
            port,
            message,
            f"rename {found!r} to {name!r}" if found else f"add 'def {name}({signature}): ...'",
        )
    for name, method in own.items():
        if name in hooks:
            yield from _misshapen(name, method, hooks[name])
        elif name not in meant and (problem := _uncalled(cls, name, hooks)):
            yield problem
    if issubclass(cls, Node):
        yield from _useless(cls, own)
        yield from _hidden(cls, own, hooks)


def _missing(cls: type[Node]) -> Iterator[tuple[str, str, str]]:
    """Yield the hooks that the runtime calls and the class lacks: the port, the hook's name, the message."""
    inputs = inputs_of(cls)
    if outputs_of(cls) and not inputs and not overrides(cls, "produce"):
        yield "", "produce", "no inputs, and no produce()"
    if not overrides(cls, "process") and not hasattr(cls, "__getattr__"):
        for port in inputs:
            if not hasattr(cls, name := f"process_{port}"):
                name = name if len(inputs) > 1 else "process"
                yield port, name, f"no {name}() for its input {port!r}"
    for name, why in (("drop", "forgets what is not played yet"), ("lead_ns", "says how much it holds")):
        if issubclass(cls, Sink) and getattr(cls, name) is getattr(Sink, name):
            yield "", name, f"a Sink without {name}(), which {why}"


def _meant(cls: type[Node], name: str, methods: Iterable[str]) -> str:
    """Return the name of the method that was meant as this hook; '' if none was."""
    for found in sorted(methods):
        alike = _alike(found.strip("_"), name) >= _NEAR or ELSEWHERE.get(found) == f"{name}()"
        if alike and not is_used(cls, found):
            return found
    return ""


def _uncalled(cls: type[Any], name: str, hooks: dict[str, Hook]) -> Problem | None:
    """Return the problem with a method that was meant as a hook but is never called; None for others."""
    message, near = f"{name}() is never called", _nearest(cls, name, hooks)
    if near or not issubclass(cls, Node):
        mend = f"did you mean {near!r}?" if near else ""
    elif name in ELSEWHERE:
        mend = f"did you mean {ELSEWHERE[name]}?"
    elif name.startswith("on_") and name[3:] in inputs_of(cls):
        mend = f"did you mean 'process_{name[3:]}'?"
    elif name.startswith("process_"):
        message += f": there is no input {name[8:]!r}"
        inputs = ", ".join(inputs_of(cls)) or "none"
        mend = f"declare '{name[8:]} = In(...)', or give it another name; inputs: {inputs}"
    else:
        mend = ""
    return (name, message, mend) if mend and not is_used(cls, name) else None


def _nearest(cls: type[Any], name: str, hooks: Iterable[str]) -> str:
    """Return the hook of which a method's name is a misspelling; '' if none. If the class that defines the
    method defines the hook too, both names are meant."""
    definer = next(base for base in cls.__mro__ if name in vars(base))
    found = [hook for hook in hooks if hook not in vars(definer) and _is_misspelt(name, hook)]
    return max(found, key=lambda hook: _alike(name, hook), default="")


def _is_misspelt(name: str, hook: str) -> bool:
    squashed = hook.replace("_", "")
    if name.lower().replace("_", "") == squashed:
        return not name.startswith("_")
    for prefix in ("on_", "process_"):
        if hook.startswith(prefix):
            return name.startswith(prefix) and _alike(name[len(prefix) :], hook[len(prefix) :]) >= _NEAR
    if name.startswith(("_", hook)) or hook.endswith(name):
        return False
    return _is_slip(name, hook) if hook in _SHORT else hook in _LONG and _alike(name, hook) >= _NEAR_LONG


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _is_slip(name: str, hook: str) -> bool:
    """Return whether two letters are swapped, or one is too many."""
    if sorted(name) == sorted(hook):
        return sum(a != b for a, b in zip(name, hook, strict=True)) == 2
    return any(name[:n] + name[n + 1 :] == hook for n in range(len(name)))


def _misshapen(name: str, method: Any, hook: Hook) -> Iterator[Problem]:
    """Yield the problems of a hook that exists."""
    function = _function(method)
    shape = f"def {name}({', '.join(('cls' if hook.of_class else 'self', *hook.arguments))})"
    if hook.of_class and isinstance(method, types.FunctionType):
        yield name, f"{name}() is called on the class", "write '@classmethod' above it"
        return
    own = () if isinstance(method, staticmethod) else ("self",)
    try:
        inspect.signature(function, follow_wrapped=False).bind(*own, *hook.arguments)
    except TypeError as error:
        given = f"({', '.join(hook.arguments)})"
        yield name, f"{name}() is called as {name}{given}: {error}", f"write '{shape}'"
    inner = inspect.unwrap(function)
    if is_async_function(inner) and not hook.may_await:
        mend = f"write '{shape}'; process, on_event and on_timer may be coroutines"
        yield name, f"{name}() is a coroutine, and nothing awaits it", mend
    elif inspect.isgeneratorfunction(inner) and not hook.may_yield:
        yield name, f"{name}() is a generator, and nothing iterates over it", "remove the 'yield'"


def _useless(cls: type[Node], own: dict[str, Any]) -> Iterator[Problem]:
    """Yield hooks that the runtime has no occasion to call."""
    if not is_source(cls) and "produce" in own:
        mend = "emit from process() or on_timer(), or remove the inputs"
        yield "produce", f"produce() is never called: it has inputs ({', '.join(inputs_of(cls))})", mend
    for name, mend in (
        ("process", "declare an input, such as 'audio = In(Audio())'"),
        ("on_timer", "wait in produce(), by self.ctx.wait_until(time_ns)"),
    ):
        if outputs_of(cls) and is_source(cls) and name in own and not is_used(cls, name):
            yield name, f"{name}() is never called: it has no inputs", mend
    if not issubclass(cls, Sink) and own.keys() >= {"drop", "lead_ns"}:
        yield "drop", "drop() is never called: it is no Sink", f"write 'class {cls.__name__}(Sink)'"


def _hidden(cls: type[Node], own: dict[str, Any], hooks: Iterable[str]) -> Iterator[Problem]:
    """Yield attributes of the class that the runtime needs and that an instance attribute would hide."""
    needed = {"ctx", *hooks} - {"process"}
    if len(outputs_of(cls)) > 1:
        needed |= outputs_of(cls).keys()
    for name, method in own.items():
        code = _function(method).__code__
        if name != "__init__" and not needed.isdisjoint(code.co_names):
            for stored in sorted(_of_self(code, "STORE_ATTR") & needed):
                what = "port" if stored in outputs_of(cls) else "context" if stored == "ctx" else "method"
                message = f"{name}() sets self.{stored}, which hides the {what} of that name"
                yield name, message, f"name it otherwise, such as 'self._{stored}'"


def own_attributes(cls: type[Any]) -> set[str]:
    """Return the attributes of an instance that the methods of its class read or set."""
    codes = [_function(method).__code__ for method in methods_of(cls).values()]
    return {name for code in codes for name in _of_self(code, "LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR")}


def _of_self(code: types.CodeType, *operations: str) -> set[str]:
    """Return the attributes of a method's first argument on which it does one of these operations."""
    found: set[str] = set()
    before: tuple[Any, ...] = ()
    for step in dis.get_instructions(code):
        if step.opname in operations and before == code.co_varnames[:1]:
            found.add(step.argval)
        loaded = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        before = loaded[-1:] if step.opname.startswith("LOAD_FAST") else ()
    return found


def _function(method: Any) -> Any:
    """Return the function of an attribute as a class body has it; None if it is no method."""
    if isinstance(method, staticmethod | classmethod):
        method = method.__func__
    return method if isinstance(method, types.FunctionType) else None


def is_used(cls: type[Any], name: str) -> bool:
    """Return whether the code of a class, or of its file, calls `name` or hands it on."""
    codes = [_function(method).__code__ for method in methods_of(cls).values()]
    looked_up = {name, f"{name.partition('_')[0]}_"}  # also getattr(self, f"on_{kind}")
    if any(not looked_up.isdisjoint(names_in(code)) for code in codes):
        return True
    return any(
        name in _attributes("".join(linecache.getlines(file))) for file in {c.co_filename for c in codes}
    )


def names_in(code: types.CodeType) -> set[str]:
    """Return the names that a function reads, and its texts: one may be a name that it looks up."""
    names = {*code.co_names, *(text for text in code.co_consts if isinstance(text, str))}
    return names.union(*(names_in(inner) for inner in code.co_consts if isinstance(inner, types.CodeType)))


@functools.lru_cache(maxsize=8)
def _attributes(text: str) -> frozenset[str]:
    """Return the attributes that a file calls, hands on or stores."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    looked_into = {id(node.value) for node in found}
    return frozenset(node.attr for node in found if id(node) not in looked_into)
