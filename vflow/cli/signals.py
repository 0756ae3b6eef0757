"""A bell that signals and threads ring, and the main thread waits for.

A signal handler that put into a queue could be missed: the signal may come just before the thread blocks.
The interpreter writes a signal's number to a socket the moment it comes, and that is never missed.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import Any, Self

NUMBERS = (signal.SIGINT, signal.SIGTERM)
DONE = 0
"""What a thread rings; a signal rings with its number."""


class SignalWaiter:
    """SIGINT and SIGTERM ring inside the context, if the main thread enters it; behind it rings are lost."""

    def __init__(self) -> None:
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._fd_before = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._fd_before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
            self._before = {number: signal.signal(number, lambda *_: None) for number in NUMBERS}
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            signal.set_wakeup_fd(self._fd_before)
        self._ear.close()
        self._mouth.close()

    def ring(self) -> None:
        """Wake the main thread; any thread."""
        with contextlib.suppress(OSError):  # closed: nobody waits any more
            self._mouth.send(bytes([DONE]))

    def wait(self, timeout_s: float | None = None) -> int | None:
        """DONE or one of NUMBERS; None after the timeout. Other signals with a handler are passed over."""
        self._ear.settimeout(timeout_s)
        try:
            while (rung := self._ear.recv(1)[0]) not in (DONE, *NUMBERS):
                pass
        except TimeoutError:
            return None
        return rung
