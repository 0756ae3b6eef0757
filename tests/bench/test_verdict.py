"""A verdict: what breaks it, and how its figures are written."""

from __future__ import annotations

import pytest

from vflow.bench.verdict import Standing, limit, spread, verdict


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "-"),
        (19, "max of 19: 18 ms"),
        (20, "p50 10, max 19 ms"),
        (58, "p50 28, max 57 ms"),
        (59, "p50 29, p95 56, max 58 ms"),
        (298, "p50 148, p95 283, max 297 ms"),
        (299, "p50 149, p95 284, p99 296, max 298 ms"),
    ],
)
def test_a_percentile_is_shown_where_the_samples_suffice(count: int, shown: str) -> None:
    assert spread([float(n) for n in range(count)]) == shown


def test_a_sample_at_the_limit_breaks_a_promise() -> None:
    found = limit("stop", 100, "flush to silence", [("turn 1", 99.9), ("turn 2", 100.0)])
    assert (found.standing, found.failures) == (Standing.BROKEN, ("turn 2: 100 ms",))
    assert found.promised == "flush to silence < 100 ms"


def test_without_samples_nothing_is_kept() -> None:
    found = verdict("length", "at least 10 words", "0 words", 0, [])
    assert (found.standing, found.measured) == (Standing.NOT_MEASURED, "-")


def test_as_json_has_it_the_standing_is_in_small_letters() -> None:
    assert verdict("length", "10 words", "3 words", 1, ["turn 1: 3 words"]).as_dict() == {
        "name": "length", "promised": "10 words", "measured": "3 words", "n": 1,
        "standing": "broken", "failures": ["turn 1: 3 words"],
    }  # fmt: skip
