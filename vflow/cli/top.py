"""`vflow top`: show on the terminal, live, how busy a run in another process is."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys

from vflow.cli.main import OK, USAGE
from vflow.cli.top_view import View
from vflow.errors import VflowError
from vflow.live.runs import Run, connect
from vflow.printing import emit, escaped, put_raw, write

BEGIN, END = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"
"""Terminal codes: go to the other screen and hide the cursor; and back."""
HOME, REST, LINE = "\033[H", "\033[J", "\033[K\r\n"
LONGEST_PID = 10
LOOKS = 2
"""Without a terminal the second frame of figures is printed: a rate needs two."""


def main(args: argparse.Namespace) -> int:
    """Show a run until it ends, or Ctrl-C; without a terminal, once. Return 0; 2 if there is no such run."""
    try:
        with contextlib.closing(connect(_number(args.pid))) as run:
            if sys.stdout is not None and sys.stdout.isatty():
                return _follow(run)
            return _once(run)
    except VflowError as error:
        write(f"error: {error}", sys.stderr)
        return USAGE


def _number(pid: str | None) -> int | None:
    """Return the process number. Raises: VflowError if the text is not one."""
    if pid is None:
        return None
    if not (pid.isascii() and pid.isdecimal() and len(pid) < LONGEST_PID):
        raise VflowError(f"{escaped(pid[:40])!r} is not a process number; 'vflow top' alone finds the run")
    return int(pid)


def _once(run: Run) -> int:
    view = View(run.pid)
    looks = 0
    for message in run.messages():
        view.take(message)
        looks += message.get("type") == "figures"
        if looks == LOOKS:
            break
    emit("\n".join(view.lines(120, None)))
    return OK


def _follow(run: Run) -> int:
    view = View(run.pid, colours=not os.environ.get("NO_COLOR"))
    put_raw(BEGIN, sys.stdout)
    try:
        for message in run.messages():
            view.take(message)
            if message.get("type") in ("figures", "bye"):
                size = shutil.get_terminal_size()
                lines = view.lines(size.columns, size.lines - 1)
                put_raw(HOME + LINE.join(lines) + "\033[K" + REST, sys.stdout)
    finally:
        put_raw(END, sys.stdout)
    view.ended, view.colours = True, False
    emit("\n".join(view.lines(shutil.get_terminal_size().columns, None)))
    return OK
