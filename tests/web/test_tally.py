"""Counts of what was served."""

from __future__ import annotations

import pytest

from vflow.packet import MS
from vflow.report.turn import TurnRecord
from vflow.web.tally import BUCKETS_S, Latency, Tally


def test_a_latency_falls_into_the_first_bucket_that_holds_it() -> None:
    latency = Latency()
    for seconds in (0.0, 0.025, 0.0251, 0.8, 99.0):
        latency.add(seconds)
    counted = {
        bound: count for bound, count in zip([*BUCKETS_S, "more"], latency.counts, strict=True) if count
    }
    assert counted == {0.025: 2, 0.05: 1, 0.8: 1, "more": 1}
    assert latency.sum_s == pytest.approx(99.8501)


def test_turn_counts_by_its_outcome_and_its_latencies() -> None:
    tally = Tally()
    record = TurnRecord(1)
    record.at_ns = {"voice_off": 0, "decided": 400 * MS, "audible": 700 * MS}
    tally.turn(record)
    assert tally.turns == {"heard": 1}
    sums = {name: round(latency.sum_s, 3) for name, latency in tally.latencies.items() if latency.sum_s}
    assert sums == {"endpoint": 0.4, "compute": 0.3, "v2v": 0.7}
