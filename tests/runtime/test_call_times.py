"""Counts of calls tell how busy a thread is, and how long its calls take."""

from __future__ import annotations

import pytest

from vflow.runtime import call_times
from vflow.runtime.call_times import SHORT_NS, SKIPPED, CallTimes

MS = 1_000_000


class Stopwatch:
    """Stands in for the clock, and for the time that a thread has waited."""

    def __init__(self) -> None:
        self.now_ns = 1
        self.waited_ns = 0

    def perf_counter_ns(self) -> int:
        return self.now_ns

    def work(self, ns: int, waits: int = 0) -> None:
        self.now_ns += ns + waits
        self.waited_ns += waits


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    stopwatch = Stopwatch()
    monkeypatch.setattr(call_times, "time", stopwatch)
    return stopwatch


@pytest.fixture
def times(watch: Stopwatch) -> CallTimes:
    made = CallTimes(watch)
    made.begin()
    return made


def test_waits_inside_a_call_are_not_busy(watch: Stopwatch, times: CallTimes) -> None:
    times.timed(watch.work, 30 * MS, 50 * MS)
    watch.work(20 * MS)
    stats = times.stats(("a",))
    assert (stats.calls, stats.busy, stats.max_ms) == (1, 0.3, 30.0)


@pytest.mark.parametrize("ns", [7, 900, 25_000, 3 * MS, 700 * MS, 60_000 * MS])
def test_percentiles_are_right_to_an_eighth(watch: Stopwatch, times: CallTimes, ns: int) -> None:
    for _ in range(99):
        times.timed(watch.work, ns)
    times.timed(watch.work, 10 * ns)
    stats = times.stats(("a",))
    assert stats.p50_ms == pytest.approx(ns / MS, rel=0.125, abs=0.001)
    assert stats.p99_ms == pytest.approx(ns / MS, rel=0.125, abs=0.001)
    assert stats.max_ms == pytest.approx(10 * ns / MS, abs=0.001)


def test_call_that_still_runs_counts_as_busy(watch: Stopwatch, times: CallTimes) -> None:
    found = []

    def call() -> None:
        watch.work(80 * MS)
        found.append(times.stats(("a",)).busy)

    watch.work(20 * MS)
    times.timed(call)
    assert found == [0.8]


def test_call_that_raises_is_counted(watch: Stopwatch, times: CallTimes) -> None:
    def call() -> None:
        watch.work(10 * MS)
        raise KeyError

    with pytest.raises(KeyError):
        times.timed(call)
    assert times.stats(("a",)).calls == 1


def test_calls_are_skipped_only_after_a_short_one(watch: Stopwatch, times: CallTimes) -> None:
    assert times.timed(watch.work, SHORT_NS) == SKIPPED
    assert times.timed(watch.work, SHORT_NS + 1, weight=SKIPPED + 1) == 0
    assert times.stats(("a",)).calls == SKIPPED + 2


def test_thread_that_has_not_begun_has_no_figures() -> None:
    stats = CallTimes(Stopwatch()).stats(("a",))
    assert (stats.calls, stats.busy, stats.p99_ms) == (0, 0.0, 0.0)


def test_two_counts_say_what_was_between(watch: Stopwatch, times: CallTimes) -> None:
    times.timed(watch.work, 500 * MS)
    before = times.counts(("a",))
    watch.work(90 * MS)
    times.timed(watch.work, 10 * MS)
    between = times.counts(("a",)).since(before).stats()
    assert (between.nodes, between.calls, between.busy) == (("a",), 1, 0.1)
    for figure_ms in (between.p50_ms, between.p99_ms, between.max_ms):
        assert figure_ms == pytest.approx(10, rel=0.125)


def test_nothing_between_two_counts_is_told_as_nothing(times: CallTimes) -> None:
    counts = times.counts(("a",))
    none = counts.since(counts).stats()
    assert (none.calls, none.busy, none.p50_ms, none.p99_ms, none.max_ms) == (0, 0.0, 0.0, 0.0, 0.0)
