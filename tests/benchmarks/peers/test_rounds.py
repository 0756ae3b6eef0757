"""The results of rounds of measurements: percentiles, and targets that are met or missed."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def rounds(benchmark: Any) -> Any:
    return benchmark("peers.rounds")


@pytest.mark.parametrize(
    ("value", "at_least", "met"), [(1.2, False, True), (1.4, False, False), (1.4, True, True)]
)
def test_a_target_is_met_from_its_side(rounds: Any, value: float, at_least: bool, met: bool) -> None:
    assert rounds.Figure("hop", value, 1.3, at_least=at_least).met is met


def test_a_percentile_is_one_of_the_values(rounds: Any) -> None:
    assert rounds.percentile([float(n) for n in range(100)], 99) == 99.0
    assert rounds.percentile([3.0, 1.0, 2.0], 50) == 2.0
