"""Measure one thread's calls into its nodes: how busy it is, and p50 and p99 of the calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

SHORT_NS = 20_000
"""After a call shorter than this, SKIPPED calls are not timed: two reads of the clock would cost too much."""
SKIPPED = 6
"""Time one call in seven then. Nodes work every 2nd, 10th or 16th packet, say, but hardly every 7th."""
FASTER = "use a smaller model or a faster machine; 'vflow doctor FILE' says what is faster here"
"""The mend for a node that is too slow."""
_STEPS = 8
"""Buckets per octave: a percentile is right to 12 %."""


@dataclass(frozen=True, slots=True)
class CallStats:
    """Figures of one thread. The first of its `nodes` takes each item and calls the others.

    `busy` is the share of time spent in calls, without waits for the clock or for room in a link.
    """

    nodes: tuple[str, ...]
    calls: int
    busy: float
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def load(self) -> str:
        """How busy the thread is, in words."""
        return f"busy {self.busy:.0%} of the time, calls of up to {self.max_ms:.0f} ms"


class Waited(Protocol):
    """Something that knows how long a thread has waited so far."""

    @property
    def waited_ns(self) -> int: ...


class CallTimes:
    """Measures the calls of one thread. That thread calls `begin`, `timed` and `end`; any may call `stats`.

    `waiter` is the thread's own; it knows how long the thread has waited.
    """

    def __init__(self, waiter: Waited) -> None:
        self._waiter = waiter
        self._began_ns = self._ended_ns = self._call_ns = 0  # moments; 0 means none
        self._calls = self._busy_ns = self._max_ns = 0
        self._counts = [0] * (64 * _STEPS)

    def begin(self) -> None:
        """Note that the thread begins."""
        self._began_ns = time.perf_counter_ns()

    def end(self) -> None:
        """Note that the thread ends."""
        self._ended_ns = time.perf_counter_ns()

    def timed(self, call: Callable[..., None], *args: Any, weight: int = 1) -> int:
        """Call, and note how long it took, for `weight` calls. Return how many of the next calls to skip.

        Raises: whatever `call` raises.
        """
        # waiting is subtracted: a thread that waits for room in a link is not busy
        self._call_ns = began_ns = time.perf_counter_ns() - self._waiter.waited_ns
        try:
            call(*args)
        finally:
            self._call_ns = 0
            took_ns = time.perf_counter_ns() - self._waiter.waited_ns - began_ns
            self._calls += weight
            self._busy_ns += weight * took_ns
            self._max_ns = max(self._max_ns, took_ns)
            self._counts[_bucket(took_ns)] += weight
        return 0 if took_ns > SHORT_NS else SKIPPED

    def stats(self, nodes: tuple[str, ...]) -> CallStats:
        """Return the figures so far; a call that still runs counts as busy."""
        now_ns = self._ended_ns or time.perf_counter_ns()
        call_ns = self._call_ns
        busy_ns = self._busy_ns + (now_ns - self._waiter.waited_ns - call_ns if call_ns else 0)
        lasted_ns = now_ns - self._began_ns if self._began_ns else 0
        busy = min(1.0, max(0.0, busy_ns / lasted_ns)) if lasted_ns else 0.0
        p50_ms, p99_ms = (round(self._percentile_ns(share) / 1e6, 3) for share in (0.5, 0.99))
        return CallStats(nodes, self._calls, round(busy, 4), p50_ms, p99_ms, round(self._max_ns / 1e6, 3))

    def _percentile_ns(self, share: float) -> int:
        wanted, seen = share * sum(self._counts), 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_upper_ns(bucket), self._max_ns)
        return 0


def _bucket(ns: int) -> int:
    """Return the bucket of a duration: eight for each power of two."""
    ns = max(ns, _STEPS)
    octave = ns.bit_length() - 4
    return octave * _STEPS + (ns >> octave) - _STEPS


def _upper_ns(bucket: int) -> int:
    octave, step = divmod(bucket, _STEPS)
    return (step + _STEPS + 1 << octave) - 1
