r"""Where text is printed: what comes from outside reaches a terminal as text, and never as a command to it.

Control characters are shown as `\x1b`; so is what turns the direction of a line, and what has no width. A
character that the stream's encoding lacks becomes `?`.
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
# Joiners are letters' shapes in Persian and Hindi, and glue of emoji; between Latin letters they only hide.
_JOINERS = r"(?<![^\x00-\u02ff])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u02ff])"
_LAYOUT = re.compile(f"[{_UNSEEN}]|{_JOINERS}")
_LINE = re.compile(f"[{_UNSEEN}\\t\\n]|{_JOINERS}")


def escaped(text: str) -> str:
    """A text from outside as a part of one line: tabs and ends of lines are escaped too."""
    return _LINE.sub(_escape, text)


def indented(text: str) -> str:
    """A text from outside that may have several lines: those after the first are indented, so that none looks
    like a line of our own."""
    return "\n  ".join(map(escaped, text.split("\n")))


def continued(line: str) -> str:
    """A line of ours that ends in a text from outside: further lines of that text are indented deeper, so
    that none looks like the next of ours."""
    margin = " " * (len(line) - len(line.lstrip(" ")) + 4)
    return f"\n{margin}".join(map(escaped, line.split("\n")))


def print_line(text: str, stream: TextIO | None = None) -> bool:
    """Print a text as one line, to standard output where no stream is given; any thread.

    Returns whether it could be printed: a stream that is closed, or that nobody reads, raises nothing.
    """
    return write(escaped(text), sys.stdout if stream is None else stream)


def write(text: str, stream: TextIO | None, end: str = "\n") -> bool:
    """Print, if that can be done: a screen that has gone does not end a conversation, or cost its report.

    Tabs and ends of lines in `text` are layout; all else is escaped.
    """
    with contextlib.suppress(OSError, ValueError):
        _put(text, stream, end)
        return True
    return False


def emit(text: str) -> None:
    """Print a verb's result on standard output.

    Raises: OSError where it cannot be written; BrokenPipeError where its reader has gone.
    """
    with contextlib.suppress(ValueError):  # closed
        _put(text, sys.stdout, "\n")


def emit_json(value: object, indent: int | None = None) -> None:
    """`emit` of one JSON object. Raises: as `emit` does."""
    # JSON escapes what is not ASCII, and of ASCII all control characters but one
    emit(json.dumps(value, indent=indent).replace("\x7f", "\\u007f"))


def put_raw(text: str, stream: TextIO) -> None:
    """Print a terminal's own commands, such as to erase a line."""
    with contextlib.suppress(OSError, ValueError):
        print(text, end="", file=stream, flush=True)


def _put(text: str, stream: TextIO | None, end: str) -> None:
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    shown = _LAYOUT.sub(_escape, text).encode(encoding, "replace").decode(encoding)
    print(f"{shown}{end}", end="", file=stream, flush=True)  # one write: other threads print too


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
