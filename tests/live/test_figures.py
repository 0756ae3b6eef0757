"""The figures of a pipeline: what was between two looks, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.stand_ins import PATIENCE_S
from vflow import Pipeline
from vflow.graph.graph import Graph
from vflow.graph.loader import load_text
from vflow.live.figures import RATE_S, WINDOW_S, Figures
from vflow.runtime.call_times import CallCounts
from vflow.runtime.link import LinkStats
from vflow.runtime.node_times import timed

MS = 1_000_000
BUCKETS = 64 * 8


class Counted:
    """Stands in for a pipeline: one thread, one link, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.link = LinkStats("a.out -> b.in", 0, 0, 0, 0, 0.0)
        self.counts = CallCounts(("b", "c"), 1, 0, 0, 0, (0,) * BUCKETS)
        self.threads = SimpleNamespace(call_counts=lambda: [self.counts])
        self.graph = Graph("g.yaml")
        self.clock = SimpleNamespace(now_ns=lambda: 5_000 * MS)

    def stats(self) -> list[LinkStats]:
        return [self.link]

    def passes(self, seconds: float, calls: int = 0, busy_ms: float = 0, bucket: int = 0) -> None:
        """Advance time by `seconds`, with `calls` in a bucket of durations."""
        self.now_s += seconds
        buckets = list(self.counts.buckets)
        buckets[bucket] += calls
        self.counts = replace(
            self.counts,
            lasted_ns=self.counts.lasted_ns + round(seconds * 1_000) * MS,
            calls=self.counts.calls + calls,
            busy_ns=self.counts.busy_ns + round(busy_ms * MS),
            max_ns=10_000 * MS,
            buckets=tuple(buckets),
        )
        self.link = replace(self.link, pushed=self.link.pushed + calls)


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def figures(counted: Counted) -> Figures:
    return Figures(cast("Pipeline", counted), lambda: counted.now_s)


def test_first_look_counts_nothing_from_before(counted: Counted, figures: Figures) -> None:
    counted.passes(50, calls=1_000, busy_ms=40_000)
    counted.link = replace(counted.link, fill=0.25, age_ms=12.5, dropped=3, dropped_ms=60.0, stale=1)
    found = figures.look()
    assert found["at_ms"] == 5_000
    assert found["links"] == {
        "a.out -> b.in": {
            "fill": 0.25,
            "age_ms": 12.5,
            "per_s": 0.0,
            "dropped": 3,
            "dropped_ms": 60.0,
            "stale": 1,
        }
    }
    (thread,) = found["threads"]
    assert thread["nodes"] == ["b", "c"]
    assert (thread["busy"], thread["p99_ms"], thread["per_s"]) == (0.0, 0.0, 0.0)


def test_rates_and_busy_time_cover_the_last_second(counted: Counted, figures: Figures) -> None:
    figures.look()
    counted.passes(5, calls=5_000, busy_ms=5_000)
    figures.look()
    for _ in range(5):
        counted.passes(RATE_S / 4, calls=10, busy_ms=50)
        found = figures.look()
    (thread,) = found["threads"]
    assert thread["per_s"] == found["links"]["a.out -> b.in"]["per_s"] == 40.0
    assert thread["busy"] == pytest.approx(0.2)


def test_percentiles_forget_calls_older_than_the_window(counted: Counted, figures: Figures) -> None:
    figures.look()
    counted.passes(1, calls=100, bucket=160)
    assert (slow := figures.look()["threads"][0]["p99_ms"]) > 0
    for _ in range(round(WINDOW_S) + 3):
        counted.passes(1, calls=1, bucket=80)
        found = figures.look()["threads"][0]
    assert found["p99_ms"] < slow / 100


def test_looks_do_not_pile_up(counted: Counted, figures: Figures) -> None:
    for _ in range(1_000):
        counted.passes(0.25, calls=1)
        figures.look()
    assert len(figures._looks) <= WINDOW_S / 0.25 + 3


def test_a_pipeline_that_runs_is_seen() -> None:
    text = "nodes: {a: {use: test_tone, duration: 100ms}, b: {use: 'null'}}\nlinks: [a -> b]\n"
    pipeline = Pipeline(load_text(text))
    figures = Figures(pipeline)
    json.dumps(figures.look())
    with pipeline:
        assert pipeline.wait(PATIENCE_S)
        found: dict[str, Any] = figures.look()
    assert [link["per_s"] > 0 for link in found["links"].values()] == [True]
    assert [thread["nodes"] for thread in found["threads"]] == [["b"]]


def test_nodes_that_share_a_thread_have_figures_of_their_own_where_they_are_timed() -> None:
    text = """
nodes: {a: {use: test_tone, duration: 100ms}, b: {use: identity}, c: {use: identity}, d: {use: 'null'}}
links: [a -> b -> c -> d]
"""
    pipeline = Pipeline(timed(load_text(text)))
    figures = Figures(pipeline)
    figures.look()
    with pipeline:
        assert pipeline.wait(PATIENCE_S)
    found = figures.look()
    assert found["nodes"].keys() == {"b", "c", "d"}
    assert {"busy", "p50_ms", "p99_ms", "per_s"} <= next(iter(found["nodes"].values())).keys()
