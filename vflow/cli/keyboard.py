"""Typed turns of `vflow run --text`: ask each line of standard input, those of a pipe one after the other."""

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
"""Most lines of a terminal that may be on their way to the generator, as after pasting many."""


class Keyboard:
    """Reads lines from `start` on. After the last one, it ends the stream of `typed`, an `app_text` node."""

    def __init__(self, typed: Any, log: TurnLog, note: Callable[[str], None]) -> None:
        """Raises: Unavailable if standard input is closed."""
        self._typed, self._log, self._note = typed, log, note
        self._changed = threading.Event()
        self._reader = LineReader(self._changed.set, lambda text: note(f"warning: {text}"))
        self._thread = threading.Thread(target=self._ask, name="vflow:keyboard", daemon=True)
        self._stopped = False

    @property
    def at_terminal(self) -> bool:
        """Whether a person types, not a pipe."""
        return self._reader.at_terminal

    def start(self) -> None:
        """Begin to ask lines. Call it once the pipeline plays."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._stopped = True
        self._reader.close()
        self._changed.set()

    def listen(self, message: Message) -> None:
        """Take a message of the bus. The log must have had it before."""
        if message.kind in ("played", "flush", "event"):
            self._changed.set()

    def _ask(self) -> None:
        asked: deque[int] = deque()  # turns that may still go on
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
            except VflowError as error:  # the pipeline has just ended
                if not self._stopped:
                    self._note(f"warning: {error}")
                return
