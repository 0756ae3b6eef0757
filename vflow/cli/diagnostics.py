"""Print findings about a graph as a compiler does: place, message, the line with a caret, mend."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from vflow.errors import Diagnostic, NodeError, VflowError
from vflow.printing import escaped, indented, write

WIDTH = 160
"""Most characters of a source line; of a longer one, those around the column are shown."""


def render(diagnostic: Diagnostic) -> str:
    """Return a finding in up to four lines, with the source line if its file can be read."""
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
    """Return the text of an error that ended a run. A node's error is a finding at the node's place."""
    if isinstance(error, NodeError):
        return render(Diagnostic(f"{error.node}: {error.message}", error.place))
    return f"error: {indented(str(error))}"


def _line(file: str, line: int) -> str | None:
    try:
        if not Path(file).is_file():  # a pipe's content is gone
            return None
        with Path(file).open(encoding="utf-8-sig") as text:
            for number, content in enumerate(text, 1):
                if number == line:
                    return content.rstrip("\n")
    except (OSError, ValueError):  # no text, or an impossible file name
        return None
    return None


def _window(line: str, before: int) -> tuple[str, int]:
    """Return the part of a line to show, and how many characters of it are before the column."""
    if len(line) <= WIDTH:
        return line, before
    start = max(0, min(before - WIDTH // 2, len(line) - WIDTH))
    left, right = "..." if start else "", "..." if start + WIDTH < len(line) else ""
    return f"{left}{line[start : start + WIDTH]}{right}", len(left) + before - start


def _unseen(character: str) -> bool:
    """Return whether to leave a character out of a source line, so that the caret fits what is seen."""
    return character != "\t" and escaped(character) != character


def _blank(character: str) -> str:
    """Return blanks as wide as a character on a terminal."""
    if character == "\t":
        return character
    if _unseen(character):
        return ""
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or "\u1160" <= character <= "\u11ff":
        return ""  # drawn over the character before it, as vowels and finals of Hangul are
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "
