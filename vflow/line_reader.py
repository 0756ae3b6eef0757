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
"""Lines that wait to be taken; then no more is read."""
MOST_LETTERS = 100_000
"""Of a line; what is beyond is left out."""
_BLOCK = 65_536


class LineReader:
    """Reads until the input ends, or `close`. Empty lines are passed over.

    It calls `told` after each change, and `warn` with what a line has lost, in its own thread. Any thread may
    call the methods. Raises: Unavailable where standard input is closed.
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
        ear, self._wake = os.pipe()
        # the command `vflow` leaves without waiting for a thread of such a name
        threading.Thread(target=self._read, args=(ear,), name=f"vflow:{name}", daemon=True).start()

    def take(self) -> str | None:
        """The next line, without the space around it; None where there is none yet, or none any more."""
        with self._room:
            line = self._lines.popleft() if self._lines else None
            self._room.notify_all()
            return line

    @property
    def over(self) -> bool:
        """Whether every line was taken, and no more comes."""
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
        """Wait until there is something to read, and room for it; False where no more is wanted."""
        with self._room:
            self._room.wait_for(lambda: len(self._lines) < MOST_WAITING or self._over)
            if self._over:
                return False
        try:
            return ear not in select.select([self._fd, ear], [], [])[0]
        except OSError:  # Windows waits for sockets only: the read itself waits
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
