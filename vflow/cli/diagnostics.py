"""Findings about a graph, printed as a compiler prints them: place, message, the line with a caret, mend."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from vflow.errors import Diagnostic, NodeError, VflowError
from vflow.printing import escaped, indented, write

WIDTH = 160
"""Characters of a source line that are shown; of a longer one those around the column."""


def render(diagnostic: Diagnostic) -> str:
    """A finding in up to four lines; the source line where its file can be read."""
    place = diagnostic.place
    head = f"{escaped(str(place))}: " if place else ""
    lines = [f"{head}{diagnostic.severity}: {indented(diagnostic.message)}"]
    if place is not None and place.line:
        source = _line(place.file, place.line)
        if source is not None:
            shown, before = _window(source, place.column - 1)
            indent = "".join(map(_blank, shown[:before]))
            seen = "".join(c for c in shown if not _unseen(c))
            lines += [f"  {seen}", f"  {indent}^"]
    if diagnostic.mend:
        lines.append(f"  mend: {indented(diagnostic.mend)}")
    return "\n".join(lines)


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Print findings to stderr."""
    for diagnostic in diagnostics:
        write(render(diagnostic), sys.stderr)


def of_error(error: VflowError) -> str:
    """Return an error that ended a run as text; a node's error as a finding at the node's place."""
    if isinstance(error, NodeError):
        return render(Diagnostic(f"{error.node}: {error.message}", error.place))
    return f"error: {indented(str(error))}"


def _line(file: str, line: int) -> str | None:
    try:
        if not Path(file).is_file():  # what a pipe held is gone
            return None
        with Path(file).open(encoding="utf-8-sig") as text:
            for number, content in enumerate(text, 1):
                if number == line:
                    return content.rstrip("\n")
    except (OSError, ValueError):  # it may be no text, and its name no name
        return None
    return None


def _window(line: str, before: int) -> tuple[str, int]:
    """The part of a line that is shown, and how many characters of it stand before the column."""
    if len(line) <= WIDTH:
        return line, before
    start = max(0, min(before - WIDTH // 2, len(line) - WIDTH))
    left, right = "..." if start else "", "..." if start + WIDTH < len(line) else ""
    return f"{left}{line[start : start + WIDTH]}{right}", len(left) + before - start


def _unseen(character: str) -> bool:
    """Whether a source line is shown without it: a caret stands below what is seen."""
    return character != "\t" and escaped(character) != character


def _blank(character: str) -> str:
    """Return blanks as wide as a character on a terminal."""
    if character == "\t":
        return character
    if _unseen(character):
        return ""
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or "\u1160" <= character <= "\u11ff":
        return ""  # it is drawn over the one before, as vowels and finals of Hangul are
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "
