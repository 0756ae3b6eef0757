"""Clocks, and the one way in which a thread of vflow waits.

Every wait of the runtime goes through a `Waiter` that the pipeline's clock made: woken by what it waits
for, or at a deadline in pipeline time. No polling, no `time.sleep`.
"""
from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from vflow.packet import SECOND


class Waiter(Protocol):
    """Parks one thread. `wake` may be called from any thread, and leaves a token where nobody waits."""

    parked: bool

    def wait(self, deadline_ns: int | None = None) -> None:
        """Block until woken or until the clock reads `deadline_ns`; may also return early: check and loop."""

    def wake(self) -> None:
        """Let the waiting thread go on; cheap where it is not parked."""


class Clock(Protocol):
    """Pipeline time in nanoseconds since `start`."""

    def start(self) -> None:
        """Set time to 0."""

    def now_ns(self) -> int:
        """Nanoseconds since `start`; 0 before."""

    def waiter(self) -> Waiter:
        """A waiter for one thread."""

    def busy(self) -> AbstractContextManager[None]:
        """Time that is moved by hand stands still inside."""


class SystemClock:
    """Time of the machine's monotonic clock."""

    def __init__(self) -> None:
        self._origin_ns: int | None = None

    def start(self) -> None:
        self._origin_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        return 0 if self._origin_ns is None else time.monotonic_ns() - self._origin_ns

    def waiter(self) -> Waiter:
        return SystemWaiter(self)

    def busy(self) -> AbstractContextManager[None]:
        return nullcontext()


class SystemWaiter:
    """One raw lock used as a binary semaphore: held while there is no token."""

    __slots__ = ("_clock", "_token", "parked")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token = threading.Lock()
        self._token.acquire()
        self.parked = False

    def wait(self, deadline_ns: int | None = None) -> None:
        if deadline_ns is None:
            self._token.acquire()
        else:
            left_s = (deadline_ns - self._clock.now_ns()) / SECOND
            if left_s > 0:
                self._token.acquire(timeout=min(left_s, threading.TIMEOUT_MAX))
        self.parked = False

    def wake(self) -> None:
        self.parked = False
        try:
            self._token.release()
        except RuntimeError:  # a token is there already
            pass
