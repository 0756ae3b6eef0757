"""Findings about a graph, printed as a compiler prints them: place, message, the line with a caret, mend."""
from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from vflow.errors import Diagnostic


def render(diagnostic: Diagnostic) -> str:
    """A finding in up to four lines; the source line where its file can be read."""
    place = diagnostic.place
    head = f"{place}: " if place else ""
    lines = [f"{head}{diagnostic.severity}: {diagnostic.message}"]
    if place is not None and place.line:
        source = _line(place.file, place.line)
        if source is not None:
            indent = "".join("\t" if c == "\t" else " " for c in source[: place.column - 1])
            lines += [f"  {source}", f"  {indent}^"]
    if diagnostic.mend:
        lines.append(f"  mend: {diagnostic.mend}")
    return "\n".join(lines)


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Print findings to stderr."""
    for diagnostic in diagnostics:
        print(render(diagnostic), file=sys.stderr)


def _line(file: str, line: int) -> str | None:
    try:
        with Path(file).open(encoding="utf-8") as text:
            for number, content in enumerate(text, 1):
                if number == line:
                    return content.rstrip("\n")[:200]
    except (OSError, UnicodeDecodeError):
        return None
    return None
