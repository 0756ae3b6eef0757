"""Tracebacks of errors in a node's own code: the line in that code, and the whole traceback as text."""

from __future__ import annotations

import inspect
import itertools
import os
import sys
import traceback
import types
from typing import Any

FIRST, LAST, LONGEST = 3_000, 6_000, 1_000
"""Characters kept of a traceback: at its beginning, at its end, of a line. Recursion makes many."""


def place_in(cls: type[Any], error: BaseException) -> str:
    """Return where an error was raised or passed on in the code of a class, as "my_nodes.py:31 in process":
    the innermost frame in a file of the class or of a base. '' if there is none."""
    files = files_of(cls)
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    for code, line in reversed(frames):
        if code.co_filename in files:
            return f"{os.path.basename(code.co_filename)}:{line} in {code.co_name}"
    return ""


def files_of(cls: type[Any]) -> set[str]:
    """Return the files of a node class and its bases, as code objects name them."""
    files: set[str] = set()
    for base in cls.__mro__:
        if base.__module__ == "vflow.node":
            continue
        for value in vars(base).values():
            function = getattr(value, "__func__", value)
            if isinstance(function, types.FunctionType) and function.__module__ == base.__module__:
                files.add(inspect.unwrap(function).__code__.co_filename)
        if file := getattr(sys.modules.get(base.__module__), "__file__", None):
            files.add(file)
    return files


def import_place(package: str, error: BaseException) -> str:
    """Return where a module of a package raised while it was imported, as "my_nodes.py:3": the innermost line
    of that package. '' if none was reached."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            return f"{os.path.basename(frame.f_code.co_filename)}:{line}"
    return ""


def whole(error: BaseException) -> str:
    """Return a traceback as Python prints it, with its causes. The middle of a long one is left out."""
    try:
        lines = "".join(traceback.format_exception(error)).rstrip("\n").split("\n")
    except Exception as raised:  # an author's own exception class may raise when printed
        return f"{type(error).__name__}, whose traceback raises {type(raised).__name__}"
    lines = [line if len(line) <= LONGEST else f"{line[:LONGEST]}..." for line in lines]
    first, last = _within(lines, FIRST), _within(lines[::-1], LAST)
    if first + last < len(lines):
        lines[first : len(lines) - last] = [f"  ... {len(lines) - first - last:,} lines are left out ..."]
    return "\n".join(lines)


def _within(lines: list[str], size: int) -> int:
    """Return how many lines fit into this many characters."""
    sizes = itertools.accumulate(len(line) + 1 for line in lines)
    return sum(1 for _ in itertools.takewhile(lambda total: total <= size, sizes))
