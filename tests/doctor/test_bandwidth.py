"""The speed of reading memory is measured, or left out if too little memory is free."""

from __future__ import annotations

import pytest

from vflow.doctor import bandwidth


def test_memory_is_read_at_some_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "SECONDS", 0.01)
    speed = bandwidth.memory_gb_s(1, bandwidth.LEAST * 4)
    assert speed is not None
    assert 0.01 < speed < 10_000


def test_the_speed_of_memory_is_not_measured_if_it_is_short() -> None:
    assert bandwidth.memory_gb_s(1, bandwidth.LEAST) is None
