"""Typed turns of `vflow run --text`: each line of standard input is asked, those of a pipe one by one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from vflow.bus import Message
from vflow.errors import VflowError
from vflow.line_reader import LineReader
from vflow.report.turn_log import TurnLog

AT_ONCE = 100
"""Lines of a terminal that may be on their way to the generator, as where many are pasted."""


class Keyboard:
    """Reads lines from `start` on, and ends the stream of `typed`, a node `app_text`, after the last."""

    def __init__(self, typed: Any, log: TurnLog, note: Callable[[str], None]) -> None:
        """Raises: Unavailable where standard input is closed."""
        self._typed, self._log, self._note = typed, log, note
        self._changed = threading.Event()
        self._reader = LineReader(self._changed.set, lambda text: note(f"warning: {text}"))
        self._thread = threading.Thread(target=self._ask, name="vflow:keyboard", daemon=True)
        self._stopped = False

    @property
    def at_terminal(self) -> bool:
        """Whether a person types."""
        return self._reader.at_terminal

    def start(self) -> None:
        """Ask from now on: the pipeline plays."""
        self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._stopped = True
        self._reader.close()
        self._changed.set()

    def listen(self, message: Message) -> None:
        """Take a message of the bus, after the log."""
        if message.kind in ("played", "flush", "event"):
            self._changed.set()

    def _ask(self) -> None:
        asked: deque[int] = deque()  # turns that may not have ended
        most = AT_ONCE if self.at_terminal else 1
        while not self._stopped:
            self._changed.clear()
            while asked and self._log.has_ended(asked[0]):
                asked.popleft()
            over = self._reader.over
            line = self._reader.take() if len(asked) < most else None
            try:
                if line is not None:
                    asked.append(self._typed.ask(line))
                elif over and len(asked) < most:
                    self._typed.end()
                    return
                else:
                    self._changed.wait()
            except VflowError as error:  # the pipeline has ended meanwhile
                if not self._stopped:
                    self._note(f"warning: {error}")
                return
