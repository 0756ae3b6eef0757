"""Properties of nodes: one declaration gives type, bounds, unit, default and documentation."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from vflow.errors import PropertyError, nearest, repr_of
from vflow.packet import MS, SECOND

Duration = Annotated[int, "duration"]
"""The annotation of a property that is a time: `480ms` or `2s` in YAML, nanoseconds (int) in the node."""

LONGEST_NS = 365 * 24 * 3600 * SECOND
"""Longest duration: a year. No deadline overflows by it."""
REQUIRED: Any = object()
_LARGEST = 2**63 - 1
"""Largest number. Larger ones, infinity and NaN overflow somewhere in a node."""
_UNITS_NS = {"us": 1_000, "ms": MS, "s": SECOND, "min": 60 * SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|m|h)\s*")


@dataclass(slots=True, eq=False)
class Prop:
    """A declared property. On an instance, the attribute is its value."""

    default: Any
    ge: float | None
    le: float | None
    choices: tuple[Any, ...]
    unit: str
    doc: str
    hot: bool
    latency: Literal["", "endpoint", "path"]
    file: Literal["", "reads", "writes"] = ""
    name: str = ""
    type: Any = Any

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, node: object, owner: type) -> Any:
        return self if node is None else self.default


def prop(
    default: Any = REQUIRED,
    *,
    ge: float | str | None = None,
    le: float | str | None = None,
    choices: tuple[Any, ...] = (),
    unit: str = "",
    doc: str = "",
    hot: bool = False,
    latency: Literal["", "endpoint", "path"] = "",
    file: Literal["", "reads", "writes"] = "",
) -> Any:
    """Declare a property of a node; without `default` it is required.

    ge, le: bounds of the value, or of each value of a mapping; a duration as `"20ms"`.
    choices: the values allowed.
    hot: it may change while the pipeline plays.
    latency: its value adds to the latency of a reply, before the end of an utterance is decided (`endpoint`)
    or after it (`path`).
    file: it is the path of a file or folder that the node `reads` or `writes`. A graph that would overwrite
        what it reads is refused.
    """

    def bound(value: float | str | None) -> float | None:
        return duration_ns(value) if isinstance(value, str) else value

    return Prop(default, bound(ge), bound(le), choices, unit, doc, hot, latency, file)


def duration_ns(text: object) -> int:
    """Return the nanoseconds of a duration with its unit, such as `480ms`, `1.5s` or `2min`.

    Raises: PropertyError if it has no unit, is not a duration, or is longer than a year.
    """
    if text == 0 and not isinstance(text, bool):
        return 0
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        number = isinstance(text, int | float) and not isinstance(text, bool) and len(repr(text)) <= 20
        short = number and repr(text) not in ("inf", "-inf", "nan")
        mend = f"write {text}ms or {text}s" if short else "write it as 480ms or 1.5s"
        raise PropertyError(f"{repr_of(text)} is not a duration", mend)
    found_ns = float(match[1]) * _UNITS_NS[match[2]]  # infinite if it has hundreds of digits
    if found_ns > LONGEST_NS:
        raise PropertyError(f"{repr_of(text)} is too long", f"at most {duration_text(LONGEST_NS)}: a year")
    return round(found_ns)


def duration_text(ns: int) -> str:
    """Return the shortest way to write a duration: `480ms`, `2s`."""
    for unit in ("s", "ms", "us"):
        if ns % _UNITS_NS[unit] == 0:
            return f"{ns // _UNITS_NS[unit]}{unit}"
    return f"{ns / _UNITS_NS['us']:.3f}us"


def props_of(cls: type) -> dict[str, Prop]:
    """Return the properties of a node class in order of declaration, those of its bases first."""
    found: dict[str, Prop] = {}
    for base in reversed(cls.__mro__):
        declared = {n: p for n, p in vars(base).items() if isinstance(p, Prop)}
        if any(p.type is Any for p in declared.values()):
            hints = typing.get_type_hints(base, include_extras=True)
            for name, declaration in declared.items():
                declaration.type = hints.get(name, object)
        found.update(declared)
    return found


def is_duration(declaration: Prop) -> bool:
    """Return whether the property is a duration, or null."""
    kinds = (declaration.type, *typing.get_args(declaration.type))
    return any(kind == Duration for kind in kinds) and not _durations(declaration)


def _durations(declaration: Prop) -> bool:
    """Return whether it is a mapping to durations."""
    return typing.get_origin(declaration.type) is dict and typing.get_args(declaration.type)[1] == Duration


def type_text(declaration: Prop) -> str:
    """Return the type as messages and `vflow inspect` print it."""
    if is_duration(declaration):
        return "duration"
    if _durations(declaration):
        return f"dict[{_type_text(typing.get_args(declaration.type)[0])}, duration]"
    if declaration.choices:
        return " | ".join(map(str, declaration.choices))
    return _type_text(declaration.type)


def _type_text(kind: Any) -> str:
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is Literal:
        return " | ".join(map(str, arguments))
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " | ".join(map(_type_text, arguments))
    if kind is types.NoneType:
        return "null"
    return kind.__name__ if isinstance(kind, type) and not arguments else str(kind)


def default_of(declaration: Prop) -> Any:
    """Return the default in the property's type: a duration in ns."""
    default = declaration.default
    if is_duration(declaration) and isinstance(default, str):
        return duration_ns(default)
    return convert(declaration, default) if _durations(declaration) else default


def value_text(declaration: Prop, value: Any) -> str:
    """Return a value of the property as a graph file writes it."""
    if (is_duration(declaration) or _durations(declaration)) and isinstance(value, int | float):
        return duration_text(int(value))
    if isinstance(value, dict) and _durations(declaration):
        return f"{{{', '.join(f'{key}: {duration_text(of)}' for key, of in value.items())}}}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def convert(declaration: Prop, value: Any) -> Any:
    """Return `value` in the property's type.

    Raises: PropertyError with what was expected and how to mend it.
    """
    optional = type(None) in typing.get_args(declaration.type)
    if is_duration(declaration):
        if value is None and optional:
            return None
        try:
            made: Any = duration_ns(value)
        except PropertyError as error:
            raise PropertyError(f"{declaration.name}: {error.message}", error.mend) from None
    else:
        try:
            given: Any = value
            keyed = isinstance(value, dict) and _durations(declaration)
            if keyed:  # the keys of a mapping in a file are text
                given = {str(key): duration_ns(of) for key, of in value.items()}
            made = msgspec.convert(given, declaration.type, str_keys=keyed)
        except PropertyError as error:
            raise PropertyError(f"{declaration.name}: {error.message}", error.mend) from None
        except msgspec.ValidationError:
            found = f"{repr_of(value)} ({type(value).__name__})" if value is not None else "null"
            message = f"{declaration.name} takes {type_text(declaration)}, not {found}"
            raise PropertyError(message, _type_mend(declaration.type, value)) from None
    bounded = made.values() if isinstance(made, dict) else (made,)
    numbers = [n for n in bounded if isinstance(n, int | float) and not isinstance(n, bool)]
    if not all(abs(n) <= _LARGEST for n in numbers):  # false for NaN too
        raise PropertyError(f"{declaration.name} is {repr_of(value)}, out of range", _range_text(declaration))
    if declaration.choices and made not in declaration.choices:
        near = nearest(str(value), map(str, declaration.choices))
        allowed = ", ".join(map(str, declaration.choices))
        raise PropertyError(f"{declaration.name} is one of {allowed}; not {repr_of(value)}", near)
    low, high = declaration.ge, declaration.le
    if not all((low is None or n >= low) and (high is None or n <= high) for n in numbers):
        raise PropertyError(f"{declaration.name} is {repr_of(value)}, out of range", _range_text(declaration))
    return made


def _type_mend(kind: Any, value: Any) -> str:
    if kind is bool:
        return "write true or false"
    return nearest(str(value), map(str, typing.get_args(kind))) if typing.get_origin(kind) is Literal else ""


def _range_text(declaration: Prop) -> str:
    parts = [
        f"{word} {value_text(declaration, v)}"
        for word, v in (("at least", declaration.ge), ("at most", declaration.le))
        if v is not None
    ]
    return " and ".join(parts)


def convert_all(
    cls: type, values: Mapping[str, Any], report: Callable[[str, PropertyError], None]
) -> dict[str, Any]:
    """Convert every given value and add the defaults. Each error goes to `report(name, error)`."""
    declared = props_of(cls)
    made: dict[str, Any] = {}
    for name, value in values.items():
        if name not in declared:
            report(name, _no_property(cls, name, declared))
            continue
        try:
            made[name] = convert(declared[name], value)
        except PropertyError as error:
            report(name, error)
    for name, declaration in declared.items():
        if name in values:
            continue
        if declaration.required:
            report(name, PropertyError(f"property {name!r} is missing", f"add '{name}: ...'"))
        else:
            made[name] = default_of(declaration)
    return made


def set_hot(node: object, name: str, prop: str, value: object) -> None:
    """Change a property of a running node; any thread. `name` is the node's name in the graph.

    Raises: PropertyError for an unknown property, one that is not `hot`, or a bad value.
    """
    declared = props_of(type(node))
    if prop not in declared:
        raise PropertyError(f"{name}: no property {prop!r}", nearest(prop, declared))
    if not declared[prop].hot:
        mend = "set it in the file, or with --set"
        raise PropertyError(f"{name}.{prop} cannot change while it runs", mend)
    setattr(node, prop, convert(declared[prop], value))


def _no_property(cls: type, name: str, declared: Mapping[str, Prop]) -> PropertyError:
    """Return the error for an unknown property: the reason from the class's `absent`, or the known ones."""
    reasons: Mapping[str, str] = getattr(cls, "absent", {})
    if name in reasons:
        return PropertyError(f"no property {name!r}: {reasons[name]}", "leave it out")
    if near := nearest(name, declared):
        return PropertyError(f"no property {name!r}", near)
    definer = next((base for base in cls.__mro__ if name in vars(base)), object)
    value = vars(definer).get(name)
    if isinstance(value, bool | int | float | str) and not definer.__module__.startswith("vflow."):
        mend = f"declare it: '{name}: {type(value).__name__} = prop({repr_of(value)})'"
        return PropertyError(f"no property {name!r}", mend)
    known = ", ".join(declared) or "none"
    return PropertyError(f"no property {name!r}", f"known: {known}")
