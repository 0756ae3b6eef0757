"""Limits: what one client may ask of the server, by a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow.web.commands import Closing
from vflow.web.limits import Limits, Meter, Window

SECOND_OF_AUDIO = 32_000  # bytes, at 16 kHz


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 100)), min_size=1, max_size=40))
def test_a_window_has_the_sum_of_what_came_within_it(steps: list[tuple[float, float]]) -> None:
    window, now, came = Window(5.0), 0.0, []
    for pause, amount in steps:
        now += pause
        came.append((now, amount))
        total = window.add(amount, now)
        # pieces of a twentieth are taken together
        least = sum(a for at, a in came if at > now - 5.0 + 0.25)
        most = sum(a for at, a in came if at > now - 5.0 - 0.25)
        assert least - 1e-6 <= total <= most + 1e-6


def test_audio_at_its_own_pace_is_never_too_fast() -> None:
    meter = Meter(Limits())
    for piece in range(3_000):
        meter.audio(SECOND_OF_AUDIO // 50, 16_000, piece * 0.02)


def test_audio_of_a_rate_that_lies_is_too_fast_within_the_window() -> None:
    meter = Meter(Limits())
    for piece in range(166):  # of 48 kHz, and 16 were said
        meter.audio(3 * SECOND_OF_AUDIO // 50, 16_000, piece * 0.02)
    with pytest.raises(Closing, match="more than 2 times as fast") as raised:
        meter.audio(3 * SECOND_OF_AUDIO // 50, 16_000, 3.33)
    assert (raised.value.close, raised.value.code) == (1008, "too_fast")


def test_a_burst_after_a_pause_of_the_network_is_taken() -> None:
    meter = Meter(Limits())
    for piece in range(100):
        meter.audio(SECOND_OF_AUDIO // 50, 16_000, piece * 0.02)
    meter.audio(5 * SECOND_OF_AUDIO, 16_000, 7.0)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(Closing, match="321 bytes are no whole number") as raised:
        Meter(Limits()).audio(321, 16_000, 0.0)
    assert raised.value.close == 1007


def test_a_message_that_is_too_large_is_refused_and_the_largest_is_not() -> None:
    meter = Meter(Limits())
    meter.message(65_536, 0.0)
    with pytest.raises(Closing, match="65,537 bytes; at most 65,536") as raised:
        meter.message(65_537, 0.0)
    assert raised.value.close == 1009


def test_messages_beyond_the_rate_are_a_flood() -> None:
    meter = Meter(Limits(messages_per_s=10, window_s=2))
    for _ in range(20):
        meter.message(1, 0.0)
    with pytest.raises(Closing, match="more than 10 messages a second"):
        meter.message(1, 0.1)
    meter = Meter(Limits(messages_per_s=10, window_s=2))
    for n in range(100):
        meter.message(1, n * 0.2)
