"""A measurement that does not end."""

from __future__ import annotations

import time
from typing import Any

import pytest


def test_a_measurement_that_does_not_end_is_interrupted(decoding: Any) -> None:
    alarm = decoding("alarm")
    ends = time.perf_counter() + 5

    def work() -> None:
        with alarm.at_most(0.05):
            while time.perf_counter() < ends:
                pass

    with pytest.raises(alarm.OutOfTime):
        work()
