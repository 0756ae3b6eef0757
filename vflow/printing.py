r"""Print text that comes from outside so that a terminal shows it and never obeys it.

Control characters are shown as `\x1b`. So are characters that change the direction of a line, or that have no
width. A character that the stream's encoding lacks becomes `?`.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from typing import TextIO

_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but the tab and the end of a line
    r"\xad\u061c\u180e\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff9-\ufffb"  # no width, or marks of direction
    r"\u2028-\u202e"  # ends of lines, and overrides of direction
    r"\ud800-\udfff"  # bytes of a file's name that are no text, or half of a pair
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
# Joiners shape letters in Persian and Hindi, and join emoji; between Latin letters they only hide something.
_JOINERS = r"(?<![^\x00-\u02ff])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u02ff])"
_LAYOUT = re.compile(f"[{_UNSEEN}]|{_JOINERS}")
_LINE = re.compile(f"[{_UNSEEN}\\t\\n]|{_JOINERS}")


def escaped(text: str) -> str:
    """Return a text from outside as part of one line: tabs and ends of lines are escaped too."""
    return _LINE.sub(_escape, text)


def indented(text: str) -> str:
    """Return a text from outside that may have several lines. Lines after the first are indented, so that
    none looks like one of vflow's own."""
    return "\n  ".join(map(escaped, text.split("\n")))


def continued(line: str) -> str:
    """Return one of vflow's lines that ends in a text from outside. Further lines of that text are indented
    deeper, so that none looks like vflow's next line."""
    margin = " " * (len(line) - len(line.lstrip(" ")) + 4)
    return f"\n{margin}".join(map(escaped, line.split("\n")))


def print_line(text: str, stream: TextIO | None = None) -> bool:
    """Print a text as one line, by default to standard output; any thread.

    Return whether it could be printed. A stream that is closed, or that nobody reads, raises nothing.
    """
    return write(escaped(text), sys.stdout if stream is None else stream)


def write(text: str, stream: TextIO | None, end: str = "\n") -> bool:
    """Print if possible, and return whether it was: a terminal that is gone must not end a conversation or
    cost its report.

    Tabs and ends of lines in `text` are layout; other control characters are escaped.
    """
    with contextlib.suppress(OSError, ValueError):
        _put(text, stream, end)
        return True
    return False


def emit(text: str) -> None:
    """Print a verb's result on standard output.

    Raises: OSError if it cannot be written; BrokenPipeError if its reader has gone.
    """
    with contextlib.suppress(ValueError):  # raised if it is closed
        _put(text, sys.stdout, "\n")


def emit_json(value: object, indent: int | None = None) -> None:
    """Print one JSON object as `emit` does. Raises: as `emit` does."""
    # JSON escapes all that is not ASCII, and all control characters of ASCII but one
    emit(json.dumps(value, indent=indent).replace("\x7f", "\\u007f"))


def put_raw(text: str, stream: TextIO) -> None:
    """Print a terminal's own commands, such as one that erases a line."""
    with contextlib.suppress(OSError, ValueError):
        print(text, end="", file=stream, flush=True)


def _put(text: str, stream: TextIO | None, end: str) -> None:
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    shown = _LAYOUT.sub(_escape, text).encode(encoding, "replace").decode(encoding)
    print(f"{shown}{end}", end="", file=stream, flush=True)  # one write, since other threads print too


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
