"""Clocks, and the one way in which a thread of vflow waits.

Every wait of the runtime goes through a `Waiter` that the pipeline's clock made: woken by what it waits
for, or at a deadline in pipeline time. No polling, no `time.sleep`.
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
    """Parks one thread. `wake` may be called from any thread, and leaves a token where nobody waits."""

    parked: bool

    @property
    def waited_ns(self) -> int:
        """How long its thread has waited so far, by the machine's clock; any thread."""

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

    def stamp_ns(self) -> int:
        """Nanoseconds since some moment, for differences: the cheapest reading there is."""

    def stop(self) -> None:
        """The pipeline is stopping: where threads run one at a time, all may run now."""

    def waiter(self) -> Waiter:
        """A waiter for one thread, which calls `enter` before all else and `leave` at its end."""

    def enter(self, waiter: Waiter) -> None:
        """Block until this waiter's thread may run."""

    def leave(self, waiter: Waiter) -> None:
        """The waiter's thread runs no more, or never began; a second call does nothing."""

    def busy(self) -> AbstractContextManager[None]:
        """A manual clock's time stands still inside; any thread."""

    @property
    def held(self) -> bool:
        """Whether somebody is inside `busy`, of a clock that takes note of it."""


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
        """All threads run at once."""

    def waiter(self) -> Waiter:
        return SystemWaiter(self)

    def enter(self, waiter: Waiter) -> None:
        """All threads run at once."""

    def leave(self, waiter: Waiter) -> None:
        """All threads run at once."""

    def busy(self) -> AbstractContextManager[None]:
        return nullcontext()

    @property
    def held(self) -> bool:
        return False


class SystemWaiter:
    """One raw lock used as a binary semaphore: held while there is no token."""

    __slots__ = ("_clock", "_token", "parked", "waited_ns")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token = threading.Lock()
        self._token.acquire()
        self.parked = False
        self.waited_ns = 0

    def wait(self, deadline_ns: int | None = None) -> None:
        began_ns = time.perf_counter_ns()
        if deadline_ns is None:
            self._token.acquire()
        else:
            left_s = (deadline_ns - self._clock.now_ns()) / SECOND
            if left_s > 0:
                self._token.acquire(timeout=min(left_s, threading.TIMEOUT_MAX))
        self.waited_ns += time.perf_counter_ns() - began_ns
        self.parked = False

    def wake(self) -> None:
        self.parked = False
        try:  # noqa: SIM105 - suppress() costs more than the rest of a wake-up
            self._token.release()
        except RuntimeError:  # a token is there already
            pass


class Activity(Enum):
    """What a thread under a manual clock does."""

    NONE = "it has not begun, or has ended"
    READY = "it may be chosen to run"
    RUNNING = "it runs; one thread at a time does"
    PARKED = "it waits to be woken, or for its deadline"


class ManualClock:
    """Time that moves only where nothing else can happen, for tests: the same seed gives the same packets.

    One thread of the pipeline runs at a time. When it parks, `random.Random(seed)` chooses among the
    ready ones; when there is none, and nobody holds `busy`, time jumps to the earliest deadline. Where
    there is none of those either, all rests until something outside wakes a thread. What the application
    does at a time of its own (`flush`, `drain`) is outside of the seed's order. One pipeline a clock.
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
            for waiter in self._waiters:  # before any thread has begun: their order of arrival is chance
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
        """Let another thread run until woken, or until the deadline."""
        with self._lock:
            if self._free:
                return
            due = waiter.woken or (deadline_ns is not None and deadline_ns <= self._now_ns)
            waiter.activity, waiter.deadline_ns = Activity.READY if due else Activity.PARKED, deadline_ns
            self._choose()
        waiter.sleep()

    def rouse(self, waiter: ManualWaiter) -> None:
        """Make a parked thread runnable; leave a token where it is not parked."""
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
    """A waiter of a `ManualClock`, whose lock guards `activity`, `woken` and `deadline_ns`."""

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
        with suppress(RuntimeError):  # it may run already
            self._token.release()

    def sleep(self) -> None:
        """Block until `go`."""
        self._token.acquire()
