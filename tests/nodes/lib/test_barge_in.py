"""Speech over a reply holds or interrupts it, by times in ms and looks at the words."""

from __future__ import annotations

import pytest

from vflow import MS
from vflow_nodes.lib.barge_in import BargeIn, Step

OTHER, BACKCHANNEL, NOTHING = False, True, None


def after(*looks: tuple[int, bool | None], now_ms: int, paused: bool = False) -> tuple[Step, ...]:
    """Give a policy looks at these times, a step 50 ms after each, and a last step; return the steps."""
    policy, steps = BargeIn(0), []
    for at_ms, found in looks:
        policy.looked(at_ms * MS, found)
        steps.append(policy.step((at_ms + 50) * MS, False))
    return (*steps, policy.step(now_ms * MS, paused))


def test_voice_does_nothing_before_the_first_look() -> None:
    assert after(now_ms=300) == ("",)


def test_other_words_hold_the_reply_and_interrupt_it_once_there_is_enough_voice() -> None:
    assert after((256, OTHER), (352, OTHER), (448, OTHER), now_ms=500) == (
        "hold",
        "",
        "interrupt",
        "interrupt",
    )


@pytest.mark.parametrize("found", [BACKCHANNEL, NOTHING])
def test_a_backchannel_or_a_noise_leaves_the_reply_alone(found: bool | None) -> None:
    assert after((256, found), (352, found), (448, found), now_ms=600) == ("", "", "", "")


def test_hum_misheard_once_does_not_interrupt() -> None:
    assert after((256, OTHER), (352, BACKCHANNEL), now_ms=480) == ("hold", "go_on", "")


def test_other_words_that_follow_a_backchannel_interrupt() -> None:
    assert after((256, BACKCHANNEL), (448, OTHER), (544, OTHER), now_ms=600) == (
        "",
        "hold",
        "interrupt",
        "interrupt",
    )


def test_a_pause_lets_a_held_reply_go_on() -> None:
    assert after((256, OTHER), now_ms=352, paused=True) == ("hold", "go_on")


def test_a_short_word_interrupts_at_its_pause() -> None:
    policy = BargeIn(0)
    policy.looked(256 * MS, OTHER)
    policy.looked(352 * MS, OTHER)
    assert policy.step(400 * MS, True) == "interrupt"


def test_one_look_counts_once() -> None:
    policy = BargeIn(0)
    for _ in range(3):
        policy.looked(352 * MS, OTHER)
    assert policy.step(460 * MS, True) == ""


def test_voice_that_nobody_looks_at_interrupts_in_the_end() -> None:
    assert after(now_ms=700) == ("",)
    assert after(now_ms=710) == ("interrupt",)


def test_long_utterance_interrupts_even_if_it_looks_like_assent() -> None:
    looks = [(at, BACKCHANNEL) for at in range(256, 1400, 96)]
    assert set(after(*looks, now_ms=1490)) == {""}
    assert after(*looks, now_ms=1500)[-1] == "interrupt"


def test_sure_look_interrupts_without_a_second_look_or_more_voice() -> None:
    policy = BargeIn(0)
    policy.looked(10 * MS, OTHER, sure=True)
    assert policy.step(230 * MS, False) == "interrupt"


def test_voice_speaks_unless_a_look_has_found_assent_or_nothing() -> None:
    barge_in = BargeIn(0)
    assert barge_in.speaks(500 * MS)
    for backchannel, speaks in ((True, False), (False, True), (None, False)):
        barge_in.looked((400 + 10 * speaks) * MS + 20 * MS * (backchannel is None), backchannel)
        assert barge_in.speaks(500 * MS) == speaks
    assert barge_in.speaks(1500 * MS)
