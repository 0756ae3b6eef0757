"""Measure one thread's calls into its nodes: how busy it is, and p50 and p99 of the calls."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Sequence
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


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Counts of one thread from its beginning, of which `stats` makes figures; durations in ns, `buckets` of
    `_bucket`."""

    nodes: tuple[str, ...]
    lasted_ns: int = 0
    calls: int = 0
    busy_ns: int = 0
    max_ns: int = 0
    buckets: tuple[int, ...] = ()

    def since(self, before: CallCounts) -> CallCounts:
        """Return the counts after `before`; its `max_ns` is right to 12 %, as a percentile is."""
        buckets = tuple(map(operator.sub, self.buckets, before.buckets)) or self.buckets
        longest = next((at for at in range(len(buckets) - 1, -1, -1) if buckets[at]), None)
        return CallCounts(
            self.nodes,
            self.lasted_ns - before.lasted_ns,
            self.calls - before.calls,
            self.busy_ns - before.busy_ns,
            0 if longest is None else min(_upper_ns(longest), self.max_ns),
            buckets,
        )

    @property
    def busy(self) -> float:
        """The share of the time in calls, 0 to 1."""
        return round(min(1.0, max(0.0, self.busy_ns / self.lasted_ns)), 4) if self.lasted_ns > 0 else 0.0

    def stats(self) -> CallStats:
        filled = [at for at, count in enumerate(self.buckets) if count > 0]
        p50_ms, p99_ms = (round(self._percentile_ns(filled, share) / 1e6, 3) for share in (0.5, 0.99))
        return CallStats(self.nodes, self.calls, self.busy, p50_ms, p99_ms, round(self.max_ns / 1e6, 3))

    def _percentile_ns(self, filled: Sequence[int], share: float) -> int:
        wanted, seen = share * sum(self.buckets), 0
        for bucket in filled:
            seen += self.buckets[bucket]
            if seen >= wanted:
                return min(_upper_ns(bucket), self.max_ns)
        return 0


class Waited(Protocol):
    """Something that knows how long a thread has waited so far."""

    @property
    def waited_ns(self) -> int: ...


class CallTimes:
    """`begin`, `timed` and `end` are for the thread; `counts` and `stats` are for any.

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
            self.add(took_ns, weight)
        return 0 if took_ns > SHORT_NS else SKIPPED

    def add(self, took_ns: int, weight: int = 1) -> None:
        """Note how long a call took, for `weight` calls; the thread's."""
        self._calls += weight
        self._busy_ns += weight * took_ns
        self._max_ns = max(self._max_ns, took_ns)
        self._counts[_bucket(took_ns)] += weight

    def counts(self, nodes: tuple[str, ...]) -> CallCounts:
        """Return the counts so far; a call that goes on now counts as busy."""
        now_ns = self._ended_ns or time.perf_counter_ns()
        call_ns = self._call_ns
        busy_ns = self._busy_ns + (now_ns - self._waiter.waited_ns - call_ns if call_ns else 0)
        lasted_ns = now_ns - self._began_ns if self._began_ns else 0
        return CallCounts(nodes, lasted_ns, self._calls, busy_ns, self._max_ns, tuple(self._counts))

    def stats(self, nodes: tuple[str, ...]) -> CallStats:
        """The figures so far."""
        return self.counts(nodes).stats()


def _bucket(ns: int) -> int:
    """Return the bucket of a duration: eight for each power of two."""
    ns = max(ns, _STEPS)
    octave = ns.bit_length() - 4
    return octave * _STEPS + (ns >> octave) - _STEPS


def _upper_ns(bucket: int) -> int:
    octave, step = divmod(bucket, _STEPS)
    return (step + _STEPS + 1 << octave) - 1
