"""Check the declarations of a node class before it runs: ports, properties, flags, constructor, hooks.

The registry checks every class that a graph uses, and the harness checks its node, so a test refuses what a
pipeline refuses. No instance is made, and none of the class's own code runs.
"""

from __future__ import annotations

import inspect
import linecache
import os
import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vflow import hooks
from vflow.caps import AnyCaps, Audio, Text
from vflow.errors import DeclarationError, Diagnostic, Place, PropertyError, nearest, repr_of
from vflow.event import Event
from vflow.hooks import BASES, Problem
from vflow.node import Bin, Node, Sink, is_source, overrides
from vflow.ports import In, Out, inputs_of, outputs_of, ports_of
from vflow.props import Prop, convert, is_duration, prop, props_of

FLAGS = ("live", "heavy", "effect", "after_grace", "generates", "speculates", "sparse")
FILE_KEYS = ("use", "params", "on_error")
"""Keys of a node in a graph file that set no property; further ones are attributes of `Node`."""
_KINDS: Mapping[str, tuple[type, str]] = {
    "rank": (int, "a whole number"),
    "absent": (Mapping, "a mapping of names to reasons"),
    "example": (str, "a text"),
}
_SIMILAR = 0.85
"""From this likeness on (`difflib`, 0 to 1), an attribute is taken for a flag with a typing error."""


def require_sound(cls: type[Node] | type[Bin]) -> None:
    """Check a class. Raises: DeclarationError with everything in it that cannot work."""
    if found := findings(cls):
        raise DeclarationError(found)


def findings(cls: type[Node] | type[Bin]) -> list[Diagnostic]:
    """Return every declaration of a class that cannot work, with its place in the Python file and its mend.

    Raises: any error of the class's annotations, which are evaluated.
    """
    of_node: tuple[Callable[[Any], Iterator[Problem]], ...] = (_of_ports, _of_props, _of_flags, _of_init)
    looks = (*((_of_bin,) if issubclass(cls, Bin) else of_node), hooks.problems)
    return [
        Diagnostic(f"{cls.__name__}: {message}", place_of(cls, name), mend)
        for look in looks
        for name, message, mend in look(cls)
    ]


def _own(cls: type[Any]) -> dict[str, Any]:
    """Return the attributes of a class and its bases, without those of `Node`, `Sink` and `Bin`."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, Node | Bin) and base not in BASES:
            found.update(vars(base))
    return found


def _taken(cls: type[Node]) -> dict[str, str]:
    """Return the names that no port or property may have, each with the class that uses it."""
    taken = dict.fromkeys(vars(Sink), "Sink") if issubclass(cls, Sink) else {}
    return {**taken, **dict.fromkeys(("ctx", *dir(Node), *hooks.OF_NODES), "Node")}


def _of_ports(cls: type[Node]) -> Iterator[Problem]:
    own = _own(cls)
    annotated = {n: t for base in cls.__mro__ for n, t in vars(base).get("__annotations__", {}).items()}
    for name, kind in annotated.items():
        short = (kind if isinstance(kind, str) else getattr(kind, "__name__", "")).rpartition(".")[2]
        ports = {"In": inputs_of, "Out": outputs_of}.get(short)
        if ports is not None and name not in own and not ports(cls):
            yield name, f"{name} is annotated, and declares no port", f"write '{name} = {short}(Audio())'"
    for name, value in own.items():
        if value is In or value is Out:
            message = f"{name} is the class {value.__name__}, and declares no port"
            yield name, message, f"write '{name} = {value.__name__}(Audio())'"
    for name, port in ports_of(cls).items():
        yield from _of_port(cls, name, port)
    if not ports_of(cls) and not overrides(cls, "produce"):
        mend = "declare them in the class: 'audio = In(Audio())', 'out = Out(Audio())'"
        yield "", "no ports", mend


def _of_port(cls: type[Node], name: str, port: In | Out) -> Iterator[Problem]:
    kind, caps = type(port).__name__, port.caps
    if whose := _taken(cls).get(name):
        yield name, f"the port {name!r} has the name of an attribute of {whose}", "give it another name"
    if port.name != name:
        mend = f"write '{name} = {kind}(...)' of its own"
        yield name, f"the ports {name!r} and {port.name!r} are one object", mend
    if isinstance(caps, type) and issubclass(caps, AnyCaps | Audio | Text):
        mend = f"write '{name} = {kind}({caps.__name__}())'"
        yield name, f"{name} is given the class {caps.__name__}, which is no caps", mend
    elif not isinstance(caps, AnyCaps | Audio | Text):
        mend = f"write '{name} = {kind}(Audio(...))', or with Text(...) or AnyCaps()"
        yield name, f"{name} is given {repr_of(caps)}, which is no caps", mend


def _of_props(cls: type[Node]) -> Iterator[Problem]:
    for name, value in _own(cls).items():
        if value is prop:
            yield (
                name,
                f"{name} is the function prop, and declares nothing",
                f"write '{name}: ... = prop(...)'",
            )
    taken = _taken(cls)
    for name, declaration in props_of(cls).items():
        if whose := taken.get(name):
            message = f"the property {name!r} has the name of an attribute of {whose}"
            yield name, message, "give it another name"
        elif name in FILE_KEYS:
            message = f"the property {name!r} has the name of a key that means something else in a graph file"
            yield name, message, "give it another name"
        elif declaration.name != name:
            mend = f"write '{name}: ... = prop(...)' of its own"
            yield name, f"the properties {name!r} and {declaration.name!r} are one object", mend
        elif problem := _of_values(declaration):
            yield name, problem, "change the default, the type or the bounds"


def _of_values(declaration: Prop) -> str:
    """Return why no graph file could set a property to its own default, or to anything; '' if one could."""
    low, high, default = declaration.ge, declaration.le, declaration.default
    if low is not None and high is not None and low > high:
        return f"the property {declaration.name!r} takes no value: its ge is above its le"
    if declaration.required or default is None:
        return ""
    if is_duration(declaration) and isinstance(default, int):
        default = f"{default / 1000}us"
    try:
        convert(declaration, default)
    except PropertyError as error:
        return f"the default of the property {declaration.name!r} is none of its values: {error.message}"
    except Exception as error:  # msgspec does not support the type
        return f"the type of the property {declaration.name!r} cannot be read from a file: {error}"
    return ""


def _of_flags(cls: type[Node]) -> Iterator[Problem]:
    own = _own(cls)
    for name in FLAGS:
        if name in own and not isinstance(own[name], bool | Prop):
            yield name, f"{name} is {repr_of(own[name])}", f"write '{name} = True', or leave it out"
    for name, (kind, words) in _KINDS.items():
        if name in own and not isinstance(own[name], kind | Prop):
            yield name, f"{name} is {repr_of(own[name])}", f"write {words}"
    if cls.order not in ("arrival", "pts"):
        yield "order", f"order is {repr_of(cls.order)}", "write 'arrival' or 'pts'"
    swallowed = cls.swallows if isinstance(cls.swallows, tuple) else (cls.swallows,)
    for kind in swallowed:
        if not _is_event(kind):
            yield "swallows", f"swallows has {repr_of(kind)}, which is no event", "name classes, as in (Gap,)"
    yield from _contradictions(cls)
    for name, value in own.items():
        events = isinstance(value, tuple) and value and all(map(_is_event, value))
        known = FLAGS if isinstance(value, bool) else ("swallows",) if events else ()
        near = "" if name in known else nearest(name, known, cutoff=_SIMILAR)
        if near and name not in hooks.own_attributes(cls):
            yield name, f"{name} means nothing to the runtime", near


def _is_event(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Event)


def _contradictions(cls: type[Node]) -> Iterator[Problem]:
    """Find flags that contradict the ports of a class, or another flag."""
    source, speculates = is_source(cls), cls.speculates is True
    if cls.live is True and not source:
        yield "live", "live, and it has inputs: only a source is paced by the world", "remove 'live'"
    if cls.generates is True and not outputs_of(cls):
        yield "generates", "generates, and it has no outputs", "declare one, or remove 'generates'"
    if speculates and source:
        yield "speculates", "speculates, and it has no input that says a pause", "remove 'speculates'"
    if cls.after_grace is True and cls.effect is not True:
        mend = "add 'effect = True', or remove 'after_grace'"
        yield "after_grace", "waits for the end of a turn's grace, and has no effect", mend
    if speculates and cls.effect is True:
        mend = "remove 'speculates', or make the effect a node of its own"
        yield "speculates", "speculates, and it has an effect, which cannot be taken back", mend


def _of_init(cls: type[Node]) -> Iterator[Problem]:
    """Find a constructor that cannot be called with the properties, or that sets none of them."""
    definer = next(base for base in cls.__mro__ if "__init__" in vars(base))
    init = vars(definer)["__init__"]
    if not issubclass(definer, Node) or definer in BASES or not isinstance(init, types.FunctionType):
        return
    declared = props_of(cls)
    needed = [name for name, found in declared.items() if found.required]
    mend = "set up in open(), or write '__init__(self, **values)' and call super().__init__(**values) in it"
    for names in (needed, list(declared)):
        try:
            inspect.signature(init).bind(None, **dict.fromkeys(names))
        except TypeError as error:
            given = ", ".join(f"{name}=..." for name in names)
            yield "__init__", f"__init__() is called as __init__({given}): {error}", mend
            return
    parameters = inspect.signature(init).parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        for parameter in list(parameters)[1:]:
            known = parameter.name in declared or parameter.name in ports_of(cls)
            if not known and parameter.kind is not parameter.VAR_POSITIONAL:
                message = f"no graph can give __init__() its {parameter.name!r}: it gives properties alone"
                yield (
                    "__init__",
                    message,
                    f"declare it: '{parameter.name}: ... = prop(...)', without __init__()",
                )
                return
    if declared and "__init__" not in hooks.names_in(init.__code__):
        yield "__init__", "__init__() does not call that of Node: no property is set", mend


def _of_bin(cls: type[Bin]) -> Iterator[Problem]:
    for name, value in _own(cls).items():
        if isinstance(value, In | Out | Prop):
            what, key = ("property", "params") if isinstance(value, Prop) else ("port", "ports")
            mend = f"declare it in the text 'graph', under '{key}:'"
            yield name, f"a Bin, and nobody looks at its {what} {name!r}", mend
        elif name in hooks.OF_NODES and not hooks.OF_NODES[name].of_class:
            mend = "derive it from Node, or do this in a node of its graph"
            yield name, f"a Bin, and nobody calls its {name}()", mend


def place_of(cls: type[Any], name: str = "") -> Place:
    """Return the Python file's name and the line of a class, or of its attribute `name`."""
    definer = next((base for base in cls.__mro__ if name in vars(base)), cls)
    found = vars(definer).get(name)
    function = getattr(found, "__func__", found)
    if isinstance(function, types.FunctionType) and function.__module__ == definer.__module__:
        file, line = function.__code__.co_filename, function.__code__.co_firstlineno
        if linecache.getline(file, line):  # else it was generated, as by dataclass
            return Place(os.path.basename(file), line)
    try:
        lines, first = inspect.getsourcelines(definer)
        file = inspect.getsourcefile(definer) or definer.__module__
    except (OSError, TypeError, SyntaxError):  # it was not read from a file
        return Place(f"{cls.__module__}.{cls.__qualname__}")
    written = re.compile(rf"\s+{re.escape(name)}\s*[:=]")
    offset = next((n for n, line in enumerate(lines) if written.match(line)), 0) if name else 0
    return Place(os.path.basename(file), first + offset)
