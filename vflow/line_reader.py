"""Lines of standard input, read in a thread that can be ended."""

from __future__ import annotations

import codecs
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable

from vflow.errors import Unavailable

MOST_WAITING = 100
"""Most lines that wait to be taken; beyond that, nothing more is read."""
MOST_LETTERS = 100_000
"""Longest line; the rest of a longer one is dropped."""
_BLOCK = 65_536


class LineReader:
    """Reads lines until the input ends or `close` is called. Empty lines are skipped.

    In its own thread it calls `told` after each change, and `warn` when part of a line is lost. Any thread
    may call the methods. Raises: Unavailable if standard input is closed.
    """

    def __init__(self, told: Callable[[], None], warn: Callable[[str], None], name: str = "lines") -> None:
        try:
            self._fd = sys.stdin.fileno()
            self.at_terminal = os.isatty(self._fd)
        except (AttributeError, OSError, ValueError) as error:
            raise Unavailable("standard input is closed; run it in a terminal, or after a pipe") from error
        self._told, self._warn = told, warn
        self._room = threading.Condition()
        self._lines: deque[str] = deque()  # guarded by _room
        self._over = False  # guarded by _room
        ear, self._wake = os.pipe()  # closing one end wakes the thread that waits at the other
        # named `vflow:...`, since the command `vflow` exits without waiting for such threads
        threading.Thread(target=self._read, args=(ear,), name=f"vflow:{name}", daemon=True).start()

    def take(self) -> str | None:
        """Return the next line, stripped; None if there is none yet, or no more."""
        with self._room:
            line = self._lines.popleft() if self._lines else None
            self._room.notify_all()
            return line

    @property
    def over(self) -> bool:
        """Whether every line was taken and no more will come."""
        with self._room:
            return self._over and not self._lines

    def close(self) -> None:
        """Read no more; may be called twice."""
        with self._room:
            if self._wake >= 0:
                os.close(self._wake)
            self._wake = -1
            self._over = True
            self._room.notify_all()

    def _read(self, ear: int) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        line, block = "", b"-"
        try:
            while block and self._ready(ear):
                block = os.read(self._fd, _BLOCK)
                *lines, line = (line + decoder.decode(block, not block)).split("\n")
                self._add(lines if block else [*lines, line])
                line = line[: MOST_LETTERS + 1]
        except OSError:  # the terminal has gone
            pass
        finally:
            os.close(ear)
            with self._room:
                self._over = True
            self._told()

    def _ready(self, ear: int) -> bool:
        """Wait until there is something to read and room for it. Return False if no more is wanted."""
        with self._room:
            self._room.wait_for(lambda: len(self._lines) < MOST_WAITING or self._over)
            if self._over:
                return False
        try:
            return ear not in select.select([self._fd, ear], [], [])[0]
        except OSError:  # Windows can wait for sockets only: there the read itself waits
            return True

    def _add(self, lines: list[str]) -> None:
        found = [line.strip() for line in lines if line.strip()]
        if any(len(line) > MOST_LETTERS for line in found):
            self._warn(f"a line has more than {MOST_LETTERS:,} letters; what is beyond is left out")
        if any("\ufffd" in line for line in found):
            self._warn("a line is not UTF-8; what cannot be read of it became '\ufffd'")
        with self._room:
            self._lines.extend(line[:MOST_LETTERS] for line in found)
        self._told()
