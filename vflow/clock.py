"""Clocks, and the one way in which a thread of vflow waits.

Every wait in the runtime uses a `Waiter` made by the pipeline's clock. It ends when something wakes it, or at
a deadline in pipeline time. Nothing polls, and nothing calls `time.sleep`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from enum import Enum
from typing import Protocol

from vflow.packet import SECOND


class Waiter(Protocol):
    """Parks one thread. Any thread may call `wake`; if nobody waits then, the next wait returns at once."""

    parked: bool

    @property
    def waited_ns(self) -> int:
        """How long its thread has waited so far, by the machine's clock; any thread may ask."""

    def wait(self, deadline_ns: int | None = None) -> None:
        """Block until woken, or until the clock reads `deadline_ns`. It may return early: check, and loop."""

    def wake(self) -> None:
        """Wake the thread; cheap if it is not parked."""


class Clock(Protocol):
    """Pipeline time in nanoseconds since `start`."""

    def start(self) -> None:
        """Set time to 0."""

    def now_ns(self) -> int:
        """Return nanoseconds since `start`; 0 before it."""

    def stamp_ns(self) -> int:
        """Return nanoseconds since some fixed moment, for differences: the cheapest reading there is."""

    def stop(self) -> None:
        """Note that the pipeline stops: a clock that runs one thread at a time lets all run now."""

    def waiter(self) -> Waiter:
        """Return a waiter for one thread, which calls `enter` before all else and `leave` at its end."""

    def enter(self, waiter: Waiter) -> None:
        """Block until this waiter's thread may run."""

    def leave(self, waiter: Waiter) -> None:
        """Note that the waiter's thread has ended, or never began. A second call does nothing."""

    def busy(self) -> AbstractContextManager[None]:
        """Return a context in which a manual clock's time stands still; any thread may call."""

    @property
    def held(self) -> bool:
        """Whether any thread is inside `busy`; only a manual clock notices."""


class SystemClock:
    """Time of the machine's monotonic clock."""

    stamp_ns = staticmethod(time.monotonic_ns)

    def __init__(self) -> None:
        self._origin_ns: int | None = None

    def start(self) -> None:
        self._origin_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        return 0 if self._origin_ns is None else time.monotonic_ns() - self._origin_ns

    def stop(self) -> None:
        """Do nothing: all threads run at once."""

    def waiter(self) -> Waiter:
        return SystemWaiter(self)

    def enter(self, waiter: Waiter) -> None:
        """Do nothing: all threads run at once."""

    def leave(self, waiter: Waiter) -> None:
        """Do nothing: all threads run at once."""

    def busy(self) -> AbstractContextManager[None]:
        return nullcontext()

    @property
    def held(self) -> bool:
        return False


class SystemWaiter:
    """A raw lock used as a binary semaphore. It is held while there is no token."""

    __slots__ = ("_clock", "_since_ns", "_token", "_waited_ns", "parked")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token = threading.Lock()
        self._token.acquire()
        self.parked = False
        self._waited_ns = self._since_ns = 0  # in waits that are over; when one began that is not, 0 for none

    @property
    def waited_ns(self) -> int:
        since_ns = self._since_ns
        return self._waited_ns + (time.perf_counter_ns() - since_ns if since_ns else 0)

    def wait(self, deadline_ns: int | None = None) -> None:
        self._since_ns = began_ns = time.perf_counter_ns()
        if deadline_ns is None:
            self._token.acquire()
        else:
            left_s = (deadline_ns - self._clock.now_ns()) / SECOND
            if left_s > 0:
                self._token.acquire(timeout=min(left_s, threading.TIMEOUT_MAX))
        self._waited_ns += time.perf_counter_ns() - began_ns
        self._since_ns = 0
        self.parked = False

    def wake(self) -> None:
        self.parked = False
        try:  # noqa: SIM105 - suppress() costs more than the rest of a wake-up
            self._token.release()
        except RuntimeError:  # there is a token already
            pass


class Activity(Enum):
    """The state of a thread under a manual clock."""

    NONE = "it has not begun, or has ended"
    READY = "it may be chosen to run"
    RUNNING = "it runs; one thread at a time does"
    PARKED = "it waits to be woken, or for its deadline"


class ManualClock:
    """A clock for tests: its time moves only when nothing else can happen. The same seed gives the same
    packets.

    One thread of the pipeline runs at a time. When it parks, `random.Random(seed)` chooses the next among
    those that are ready. If none is ready and nobody holds `busy`, time jumps to the earliest deadline. If
    there is no deadline either, all threads rest until something outside wakes one. Calls that the
    application makes at a time of its own (`flush`, `drain`) are outside of the seed's order. A clock serves
    one pipeline.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        # all below guarded by _lock; now_ns reads one integer
        self._now_ns = 0
        self._waiters: list[ManualWaiter] = []
        self._holders = 0
        self._free = False
        """Whether every thread may run."""

    def start(self) -> None:
        with self._lock:
            self._now_ns, self._free = 0, False
            for waiter in self._waiters:  # all at once: the order in which threads arrive is chance
                waiter.activity = Activity.READY
            self._choose()

    def now_ns(self) -> int:
        return self._now_ns

    stamp_ns = now_ns

    def stop(self) -> None:
        with self._lock:
            self._free = True
            for waiter in self._waiters:
                waiter.go()

    def waiter(self) -> Waiter:
        waiter = ManualWaiter(self)
        with self._lock:
            self._waiters.append(waiter)
        return waiter

    def enter(self, waiter: Waiter) -> None:
        assert isinstance(waiter, ManualWaiter)
        waiter.sleep()

    def leave(self, waiter: Waiter) -> None:
        assert isinstance(waiter, ManualWaiter)
        with self._lock:
            waiter.activity = Activity.NONE
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            self._choose()

    @contextmanager
    def busy(self) -> Iterator[None]:
        with self._lock:
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                self._choose()

    @property
    def held(self) -> bool:
        return self._holders > 0

    def park(self, waiter: ManualWaiter, deadline_ns: int | None) -> None:
        """Let other threads run until this one is woken, or until its deadline."""
        with self._lock:
            if self._free:
                return
            due = waiter.woken or (deadline_ns is not None and deadline_ns <= self._now_ns)
            waiter.activity, waiter.deadline_ns = Activity.READY if due else Activity.PARKED, deadline_ns
            self._choose()
        waiter.sleep()

    def rouse(self, waiter: ManualWaiter) -> None:
        """Make a parked thread ready to run. If it is not parked, let its next wait return at once."""
        with self._lock:
            waiter.parked, waiter.woken = False, True
            if waiter.activity is Activity.PARKED:
                waiter.activity = Activity.READY
                self._choose()

    def _choose(self) -> None:
        if self._free or any(waiter.activity is Activity.RUNNING for waiter in self._waiters):
            return
        ready = self._ready() or self._jump()
        if ready:
            chosen = self._random.choice(ready)
            chosen.activity, chosen.woken = Activity.RUNNING, False
            chosen.go()

    def _ready(self) -> list[ManualWaiter]:
        return [waiter for waiter in self._waiters if waiter.activity is Activity.READY]

    def _jump(self) -> list[ManualWaiter]:
        parked = [waiter for waiter in self._waiters if waiter.activity is Activity.PARKED]
        deadlines = [waiter.deadline_ns for waiter in parked if waiter.deadline_ns is not None]
        if self._holders or not deadlines:
            return []
        self._now_ns = max(self._now_ns, min(deadlines))
        for waiter in parked:
            if waiter.deadline_ns is not None and waiter.deadline_ns <= self._now_ns:
                waiter.activity = Activity.READY
        return self._ready()


class ManualWaiter:
    """A waiter of a `ManualClock`; the clock's lock guards `activity`, `woken` and `deadline_ns`."""

    __slots__ = ("_clock", "_token", "activity", "deadline_ns", "parked", "woken")
    waited_ns = 0

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._token = threading.Lock()
        self._token.acquire()
        self.parked = False
        self.woken = False
        self.activity = Activity.NONE
        self.deadline_ns: int | None = None

    def wait(self, deadline_ns: int | None = None) -> None:
        self._clock.park(self, deadline_ns)
        self.parked = False

    def wake(self) -> None:
        self._clock.rouse(self)

    def go(self) -> None:
        """Let the thread run."""
        with suppress(RuntimeError):  # raised if it may run already
            self._token.release()

    def sleep(self) -> None:
        """Block until `go`."""
        self._token.acquire()
