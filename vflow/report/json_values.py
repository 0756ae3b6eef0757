"""Turn values that nodes post into JSON: numpy numbers, sets and cycles must not cost a run its report."""

from __future__ import annotations

import math
import operator
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from vflow.errors import pass_on_ctrl_c

MAX_DEPTH, MAX_VALUES, MAX_TEXT = 20, 10_000, 10_000
"""Most that a node may put into the report at once; the rest is left out."""
_MAX_BITS = 1024
"""Largest integer written as a number: Python refuses to write thousands of digits."""
_CUT = "..."


def text_of(value: object) -> str:
    """Return `value` as text, cut if it is long, even if its class raises when asked."""
    try:
        text = value if type(value) is str else str.__str__(str(value))  # of a class of its own, too
        return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({len(text):,} characters)"
    except BaseException as error:  # the node's own code may raise anything
        pass_on_ctrl_c(error)
        return f"a {type(value).__name__} whose text raises {type(error).__name__}"


def plain(
    value: object,
    *,
    max_values: int | None = MAX_VALUES,
    max_depth: int = MAX_DEPTH,
    hide: Callable[[str], str] = str,
) -> tuple[Any, list[str]]:
    """Return `value` in JSON's types, and a text for each kind of loss: values that became text or null, or
    were left out.

    Arrays and sets become lists. The value itself is not changed, and may change while it is read. Each text
    in it, names included, is written as `hide` returns it.
    """
    converter = _Converter(max_values, max_depth, hide)
    return converter.convert(value, ()), list(converter.losses)


class _Converter:
    def __init__(self, max_values: int | None, max_depth: int, hide: Callable[[str], str]) -> None:
        self.losses: dict[str, None] = {}
        self._left = math.inf if max_values is None else max_values
        self._max_depth = max_depth
        self._hide = hide

    def convert(self, value: Any, above: tuple[int, ...]) -> Any:
        try:
            return self._convert(value, above)
        except BaseException as error:  # the node's own code: items, iteration, tolist
            pass_on_ctrl_c(error)
            self._lose(f"a {type(value).__name__} that raises {type(error).__name__} when it is read")
            return self._hide(text_of(value))

    def _convert(self, value: Any, above: tuple[int, ...]) -> Any:
        self._left -= 1
        if value is None or isinstance(value, bool | np.bool_):
            return None if value is None else bool(value)
        if isinstance(value, int):
            return self._int(value)
        if isinstance(value, float):
            return self._float(value)
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, bytes | bytearray | memoryview):
            self._lose("bytes, which are written as text")
            return self._text(bytes(value[: MAX_TEXT + 1]).decode("utf-8", "replace"))
        if id(value) in above:
            self._lose("a cycle")
            return _CUT
        if len(above) >= self._max_depth:
            self._lose(f"values more than {self._max_depth} deep")
            return _CUT
        return self._collection(value, (*above, id(value)))

    def _collection(self, value: Any, above: tuple[int, ...]) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value, above)
        if isinstance(value, list | tuple | deque | AbstractSet):
            return self._list(value, above)
        if hasattr(value, "tolist"):  # an array of numpy or torch
            if getattr(value, "size", 0) and np.size(value) > self._left:
                self._lose(f"an array of {np.size(value):,} values")
                return _CUT
            listed = value.tolist()
            if type(listed) is not type(value):
                return self.convert(listed, above)
        self._lose(f"a {type(value).__name__}, which is written as text")
        return self._hide(text_of(value))

    def _mapping(self, value: Mapping[Any, Any], above: tuple[int, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        clashes: Counter[str] = Counter()
        for key, item in value.items():
            if self._full():
                break
            text = name = self._text(str.__str__(key)) if isinstance(key, str) else self._hide(text_of(key))
            while name in made:  # keys with the same text become a, a', a'2, a'3
                clashes[text] += 1
                name = f"{text}'{clashes[text] if clashes[text] > 1 else ''}"
            made[name] = self.convert(item, above)
        return made

    def _list(self, value: Iterable[Any], above: tuple[int, ...]) -> list[Any]:
        made: list[Any] = []
        for item in value:
            if self._full():
                break
            made.append(self.convert(item, above))
        return made

    def _full(self) -> bool:
        if self._left <= 0:
            self._lose("too many values: the rest is left out")
        return self._left <= 0

    def _int(self, value: int) -> int | str:
        if value.bit_length() > _MAX_BITS:
            self._lose("a number of hundreds of digits")
            return f"a number of {value.bit_length():,} bits"
        return int(value)

    def _float(self, value: float) -> float | None:
        if not math.isfinite(value):
            self._lose(f"{float(value)}, which JSON does not know: it is null")
            return None
        return float(value)

    def _text(self, text: str) -> str:
        if len(text) > MAX_TEXT:
            self._lose("a long text, which is cut")
        return text_of(self._hide(text))

    def _lose(self, loss: str) -> None:
        if len(self.losses) < 20:
            self.losses[loss] = None


def whole(value: Any) -> int:
    """Return a whole number. Raises: TypeError for another kind; ValueError if it is too large for a time."""
    number = operator.index(value)
    if abs(number) >= 1 << 63:
        raise ValueError("too large")
    return number


def count_of(value: Any) -> int:
    """`value` as a whole number; a float, or numpy's, that is one too. Raises: TypeError, or whatever the
    value's own class does."""
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return int(value) if is_whole else operator.index(value)
