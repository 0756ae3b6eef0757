"""Typed turns of `vflow run --text`: each line of standard input is asked, those of a pipe one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from vflow.bus import Message
from vflow.errors import VflowError
from vflow.line_reader import LineReader
from vflow.report.turn_log import TurnLog

NODE = "app_text"


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
        turn = 0
        while not self._stopped:
            self._changed.clear()
            waits = turn and not self.at_terminal and not self._log.has_ended(turn)
            over = self._reader.over
            line = None if waits else self._reader.take()
            try:
                if line is not None:
                    turn = self._typed.ask(line)
                elif over and not waits:
                    self._typed.end()
                    return
                else:
                    self._changed.wait()
            except VflowError as error:  # the pipeline has ended meanwhile
                if not self._stopped:
                    self._note(f"warning: {error}")
                return
