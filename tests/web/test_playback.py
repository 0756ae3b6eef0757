"""Playback is tracked by the clock, and by the client's reports once one came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow.web.playback import Playback


def test_a_client_that_reports_nothing_hears_by_the_clock() -> None:
    playback = Playback(promised=False)
    playback.sent(1, 0.4, now_s=10.0)
    assert playback.heard(10.1) == [(1, pytest.approx(0.1))]
    assert playback.sounding
    assert playback.heard(11.0) == [(1, pytest.approx(0.4))]
    assert not playback.sounding
    assert playback.heard(12.0) == []


def test_a_pause_of_the_reply_is_not_heard_as_audio() -> None:
    playback = Playback(promised=False)
    playback.sent(1, 0.1, 0.0)
    playback.sent(1, 0.1, 5.0)
    assert playback.heard(5.05) == [(1, pytest.approx(0.15))]


def test_one_reply_sounds_after_the_other() -> None:
    playback = Playback(promised=False)
    playback.sent(1, 0.2, 0.0)
    playback.sent(2, 0.2, 0.0)
    assert playback.heard(0.3) == [(1, pytest.approx(0.2)), (2, pytest.approx(0.1))]


def test_the_clock_stands_still_while_the_reply_is_held() -> None:
    playback = Playback(promised=False)
    playback.sent(1, 1.0, 0.0)
    playback.hold(True, 0.1)
    assert playback.heard(0.6) == [(1, pytest.approx(0.1))]
    playback.hold(False, 1.0)
    assert playback.heard(1.1) == [(1, pytest.approx(0.2))]


def test_nothing_more_is_heard_of_a_reply_that_was_cut() -> None:
    playback = Playback(promised=False)
    playback.sent(1, 1.0, 0.0)
    playback.cut(1, 0.25)
    assert playback.heard(9.0) == [(1, pytest.approx(0.25))]
    assert not playback.sounding


def test_the_clock_is_silent_once_the_client_reports() -> None:
    playback = Playback(promised=False)
    playback.sent(1, 1.0, 0.0)
    assert playback.report(1, 0.05, 0.1) == pytest.approx(0.05)
    assert playback.heard(0.5) == []


def test_the_clock_waits_a_second_for_a_client_that_has_promised_reports() -> None:
    playback = Playback(promised=True)
    playback.sent(1, 0.4, 5.0)
    assert playback.heard(5.5) == []
    assert playback.heard(6.1) == [(1, pytest.approx(0.4))]


def test_a_report_counts_for_no_more_than_can_have_sounded() -> None:
    playback = Playback(promised=True)
    assert playback.report(1, 1.0, 0.0) is None
    playback.sent(1, 0.4, 1.0)
    assert playback.report(1, 1e6, 2.0) == pytest.approx(1.4)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 2), st.sampled_from(["send", "hold", "go on", "cut", "look"]), st.integers(1, 4)
        ),
        max_size=40,
    )
)
def test_the_clock_never_hears_more_than_was_sent_nor_than_time_has_passed(
    steps: list[tuple[float, str, int]],
) -> None:
    playback, now, sent, heard = Playback(promised=False), 0.0, {}, {}
    for pause, what, turn in steps:
        now += pause
        if what == "send":
            turn = max([turn, *sent])
            sent[turn] = sent.get(turn, 0.0) + 0.5
            playback.sent(turn, 0.5, now)
        elif what == "cut":
            playback.cut(turn, now)
        elif what == "look":
            for number, seconds in playback.heard(now):
                assert seconds > heard.get(number, 0.0)
                heard[number] = seconds
        else:
            playback.hold(what == "hold", now)
    assert all(seconds <= sent[turn] + 1e-6 for turn, seconds in heard.items())
    assert sum(heard.values()) <= now + 1e-6
