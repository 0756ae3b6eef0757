"""A measurement that does not end."""

from __future__ import annotations

import time
from typing import Any

import pytest


def test_a_measurement_that_does_not_end_is_interrupted(decoding: Any) -> None:
    alarm = decoding("alarm")
    began = time.perf_counter()

    def work() -> None:
        with alarm.at_most(0.05):
            while time.perf_counter() - began < 10:
                pass

    with pytest.raises(alarm.OutOfTime):
        work()
    assert time.perf_counter() - began < 5
