"""Limits: what one client may ask of the server, by a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow.web.commands import Closing
from vflow.web.limits import Allowance, Limits, Meter

SECOND_OF_AUDIO = 32_000  # bytes, at 16 kHz


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 30)), min_size=1, max_size=40))
def test_no_more_is_allowed_than_the_rate_and_one_burst(steps: list[tuple[float, float]]) -> None:
    allowance, now, came = Allowance(2.0, 5.0), 0.0, 0.0
    for pause, amount in steps:
        now += pause
        if not allowance.take(amount, now):
            break
        came += amount
    assert came <= 2.0 * now + 10.0 + 1e-6


def test_audio_at_its_own_pace_is_never_too_fast() -> None:
    meter = Meter(Limits())
    for piece in range(3_000):
        meter.audio(SECOND_OF_AUDIO // 50, 16_000, piece * 0.02)


def test_audio_of_a_rate_that_lies_is_too_fast_once_the_burst_is_used_up() -> None:
    meter = Meter(Limits())
    for piece in range(498):  # of 48 kHz, and 16 were said: a second too much each second
        meter.audio(3 * SECOND_OF_AUDIO // 50, 16_000, piece * 0.02)
    meter.audio(0, 16_000, 9.96)
    with pytest.raises(Closing, match="faster than 2 times real time") as raised:
        meter.audio(3 * SECOND_OF_AUDIO // 50, 16_000, 9.96)
    assert (raised.value.close, raised.value.code) == (1008, "too_fast")


def test_a_burst_after_a_pause_of_the_network_is_taken() -> None:
    meter = Meter(Limits())
    for piece in range(100):
        meter.audio(SECOND_OF_AUDIO // 50, 16_000, piece * 0.02)
    meter.audio(9 * SECOND_OF_AUDIO, 16_000, 11.0)


def test_messages_held_up_by_the_server_do_not_exceed_a_limit() -> None:
    meter = Meter(Limits())
    for minute in range(10):
        meter.excuse(60.0)
        meter.audio(60 * SECOND_OF_AUDIO, 16_000, 60.0 * minute)
    with pytest.raises(Closing):
        meter.audio(700 * SECOND_OF_AUDIO, 16_000, 600.0)


def test_commands_are_counted_for_themselves() -> None:
    meter = Meter(Limits(commands_per_s=2, burst_s=3))
    for _ in range(6):
        meter.command(0.0)
    with pytest.raises(Closing, match="more than 2 commands a second") as raised:
        meter.command(0.1)
    assert raised.value.code == "flood"
    meter.message(1, 0.1)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(Closing, match="321 bytes are not a whole number") as raised:
        Meter(Limits()).audio(321, 16_000, 0.0)
    assert raised.value.close == 1007


def test_a_message_that_is_too_large_is_refused_and_the_largest_is_not() -> None:
    meter = Meter(Limits())
    meter.message(65_536, 0.0)
    with pytest.raises(Closing, match="65,537 bytes; at most 65,536") as raised:
        meter.message(65_537, 0.0)
    assert raised.value.close == 1009


def test_messages_beyond_the_rate_are_a_flood() -> None:
    meter = Meter(Limits(messages_per_s=10, burst_s=2))
    for _ in range(20):
        meter.message(1, 0.0)
    with pytest.raises(Closing, match="more than 10 messages a second"):
        meter.message(1, 0.05)
    meter = Meter(Limits(messages_per_s=10, burst_s=2))
    for n in range(100):
        meter.message(1, n * 0.2)


def test_a_realtime_client_may_send_longer_messages_and_more_audio_at_once() -> None:
    limits = Limits(message_bytes=1_000, event_bytes=5_000, burst_s=5, event_burst_s=15)
    assert limits.largest_bytes == 5_000
    own = limits.of_events()
    assert (own.message_bytes, own.burst_s, own.idle_s) == (5_000, 15, 900)
    meter = Meter(own)
    meter.message(5_000, 0)
    meter.audio(30 * 48_000, 24_000, 0)
    with pytest.raises(Closing):
        meter.audio(48_000, 24_000, 0)
