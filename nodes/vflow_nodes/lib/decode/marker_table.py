"""Find markers in text that is still coming: whole ones, and beginnings that may become one."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

import regex

from vflow_nodes.lib.decode import dialects
from vflow_nodes.lib.decode.dialects import Marker
from vflow_nodes.lib.decode.tool_calls import KEYS

_KEY = f"[\"'](?:{'|'.join(KEYS)})[\"']\\s*:"
_BARE = regex.compile(
    rf"(?:```(?:json|python|tool)?\s*)?\[?\s*\{{\s*{_KEY}"
    r"|(?:```(?:json|python|tool)?\s*)?\[\s*[A-Za-z_][\w.]*\((?:\s*\)|\s*[A-Za-z_]\w*\s*=(?!=))"
)
"""The beginning of a call without a mark: JSON with a key of calls, or a list of Python's calls."""
_RECIPIENT = regex.compile(r">>>([A-Za-z_][\w.]*)\n")
BARE = Marker("", "call")
"""Returned by `MarkerTable.find` for a call without a mark."""


RECIPIENT = Marker(">>>", "header")
"""Functionary's mark; the recipient's name follows."""


class MarkerTable:
    """A set of markers to look for. It is immutable; any thread may use it."""

    def __init__(self, markers: Iterable[Marker]) -> None:
        self._of: dict[str, Marker] = {}
        for marker in markers:
            self._of.setdefault(marker.text.lower(), marker)
        self._first: dict[str, list[str]] = {}
        for text in sorted(self._of, key=len, reverse=True):
            self._first.setdefault(text[0], []).append(text)
        self._longest = max(map(len, self._of))
        hot = "".join(sorted({case for text in self._first for case in (text, text.upper())}))
        self._hot = re.compile(f"[{re.escape(hot)}]")
        self._hot_or_bare = re.compile(f"[{re.escape(hot)}{{>`]|\\[")

    def get(self, text: str) -> Marker | None:
        """Return the marker that a special token is; None if it is none."""
        return self._of.get(text.lower())

    def begins(self, text: str) -> bool:
        """Return whether a special token is a marker other than noise."""
        return (marker := self.get(text)) is not None and marker.kind != "noise"

    def find(
        self, text: str, whole: bool, bare: bool = False, after: str = " "
    ) -> tuple[int, int, Marker | None]:
        """Return the place of the first marker, its length, and the marker.

        The marker is None if only its beginning is there, and if there is none; then the place is the end of
        the text. `whole`: no more text comes. With `bare`, also find calls without a mark (`BARE`) at the
        start of a word, and markers that begin as words; `after` is the character before the text.
        """
        for hot in (self._hot_or_bare if bare else self._hot).finditer(text):
            at = hot.start()
            tail = text[at : at + self._longest].lower()
            if tail[0].isalpha() and not (text[at - 1] if at else after).isspace():
                continue  # the middle of a word
            alike = self._first.get(tail[0], ())
            if found := next((each for each in alike if tail.startswith(each)), ""):
                return at, len(found), self._of[found]
            begun = not whole and any(each.startswith(tail) for each in alike)
            if bare and not begun:
                length = _bare(text, at, whole, text[at - 1] if at else after)
                if length > 0:
                    return at, length, RECIPIENT if text[at] == ">" else BARE
                begun = length < 0
            if begun:
                return at, len(text) - at, None
        return len(text), 0, None


def _bare(text: str, at: int, whole: bool, before: str) -> int:
    """Return the length of the beginning of a call without a mark; 0 if none; below 0 while undecided."""
    form = _RECIPIENT if text[at] == ">" else _BARE
    if not (before.isspace() if form is _BARE else before == "\n"):
        return 0
    found = form.match(text, at, partial=not whole)
    if found is None:
        return 0
    return -1 if found.partial else found.end() - at


@functools.cache
def speech_table(stops: tuple[str, ...] = (), plain: bool = False) -> MarkerTable:
    """Return the markers that may come in speech. `stops`: texts that end this model's replies. `plain`: the
    model has no template, and may write the name before its line."""
    extra = [Marker(text, "end") for text in stops]
    names = [Marker("Assistant:", "role", ("assistant",))] if plain else []
    return MarkerTable([*extra, *names, *dialects.markers()])


ENDS = tuple(Marker(text, "end") for text in dialects.ENDS)
_SECTION = Marker("<|tool_calls_section_begin|>", "call", ("<|tool_calls_section_end|>",))


@functools.cache
def inside_table(closers: tuple[str, ...], thought: bool) -> MarkerTable:
    """Return the markers that end a thought or a call: its own, and those that end the reply. Kimi's calls
    also end a thought."""
    others = (*ENDS, _SECTION) if thought else ENDS
    return MarkerTable([*(Marker(text, "shut") for text in closers), *others])


@functools.cache
def header_table() -> MarkerTable:
    """Return the markers that end a header, or are part of one of harmony's."""
    parts = [Marker(text, "noise") for text in (*dialects.HEADER_ENDS, "<|constrain|>")]
    return MarkerTable([*parts, *(Marker(text, "header") for text in dialects.HEADERS), *ENDS])
