"""Wait in the main thread for a signal, or until another thread has done its work.

A signal handler that puts into a queue could be missed, if the signal comes just before the thread blocks.
The interpreter writes a signal's number to a socket the moment it comes, and that cannot be missed.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import Any, Self

NUMBERS = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
DONE = 0
"""Result of `wait` if a thread has called `wake`; for a signal, the result is its number."""


class SignalWaiter:
    """Takes SIGINT, SIGTERM and SIGHUP (a closed terminal) inside the context, if the main thread enters it;
    used once. A SIGHUP that is ignored stays so: `nohup` asks for that.

    `came` has the signals so far. With `raises`, each signal after the first raises KeyboardInterrupt in the
    main thread, for work there that does not wait.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self.raises = False
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._fd_before = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._fd_before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
            self._before = {n: signal.signal(n, self._take) for n in NUMBERS if not _is_nohup(n)}
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            signal.set_wakeup_fd(self._fd_before)
        self._receiver.close()
        self._sender.close()

    def _take(self, number: int, _: object) -> None:
        self.came.append(number)
        if self.raises and len(self.came) > 1:
            raise KeyboardInterrupt

    def wake(self) -> None:
        """Wake the main thread; any thread. It does nothing after the context."""
        with contextlib.suppress(OSError):  # raised if it is closed: nobody waits any more
            self._sender.send(bytes([DONE]))

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return DONE or one of NUMBERS; None after the timeout. Other signals with a handler are skipped."""
        self._receiver.settimeout(timeout_s)
        try:
            while (number := self._receiver.recv(1)[0]) not in (DONE, *NUMBERS):
                pass
        except (TimeoutError, BlockingIOError):  # the second for a timeout of 0
            return None
        return number


def _is_nohup(number: signal.Signals) -> bool:
    return number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN
