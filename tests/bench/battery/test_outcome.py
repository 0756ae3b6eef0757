"""The verdict on a scene, from stretches of sound and turns."""

from __future__ import annotations

from tests.bench.battery.made import ASKED, into_reply, played, scene, turn
from tests.scripted_agent import utterance
from vflow.bench.battery.outcome import Verdict, judge
from vflow.bench.battery.scene import Sound

REPLY = turn(1, decided=1500, audible=2000)
CUT = turn(1, decided=1500, audible=2000, flushed=3400, silent=3400)
OVER = (1000, 3000)
"""The question begins at 1 s, the sound over the reply at 3 s: its first sound is at 3.05 s."""


def test_an_answer_after_the_last_sound_is_ok_with_the_time_it_took() -> None:
    found = judge(played(scene("pause"), (1000,), ((1900, 4000),)))
    assert found.verdict is Verdict.OK
    assert found.times_ms == {"answer": 250}  # the hum ends at 1.65 s


def test_an_agent_that_speaks_within_a_turn_cuts_it() -> None:
    found = judge(played(scene("pause"), (1000,), ((1400, 1500), (1900, 4000))))
    assert (found.verdict, found.at_ns) == (Verdict.TURN_CUT, 1_400_000_000)
    assert found.times_ms == {"answer": 250}


def test_a_turn_that_nobody_answers_has_no_answer() -> None:
    assert judge(played(scene("digits"), (1000,))).verdict is Verdict.NO_ANSWER


def test_a_reply_that_goes_on_over_a_backchannel_is_ok() -> None:
    over = scene("backchannel", ASKED, into_reply())
    assert judge(played(over, OVER, ((2000, 6000),), (REPLY,))).verdict is Verdict.OK


def test_a_reply_that_a_backchannel_flushes_is_cut() -> None:
    over = scene("backchannel", ASKED, into_reply())
    found = judge(played(over, OVER, ((2000, 3300),), (CUT,)))
    assert (found.verdict, found.at_ns) == (Verdict.REPLY_CUT, 3_400_000_000)
    assert found.times_ms == {"silent": 250, "flush": 350}


def test_the_onset_of_a_sound_that_was_there_before_the_reply_has_no_times() -> None:
    television = Sound(utterance("news", ms=5000))
    found = judge(played(scene("background", television, ASKED), (500, 1000), ((2000, 3300),), (CUT,)))
    assert (found.verdict, found.times_ms) == (Verdict.REPLY_CUT, {})


def test_a_reply_that_was_over_before_the_flush_is_not_cut() -> None:
    over = scene("noise", ASKED, into_reply())
    early = turn(1, decided=1500, audible=2000, silent=3060, flushed=4000)
    assert judge(played(over, OVER, ((2000, 3060),), (early,))).verdict is Verdict.OK


def test_the_silence_of_a_hold_is_a_hole_from_300_ms_on() -> None:
    over = scene("backchannel", ASKED, into_reply())
    for until, verdict in ((3590, Verdict.OK), (3610, Verdict.HOLE)):
        agent = ((2000, 3300), (until, 6000))
        found = judge(played(over, OVER, agent, (REPLY,), ((3290, until),)))
        assert (found.verdict, found.times_ms) == (verdict, {"hole": until - 3300})


def test_a_silence_before_and_after_a_hold_is_not_counted() -> None:
    over = scene("backchannel", ASKED, into_reply())
    agent = ((2000, 2500), (5000, 6000))  # a reply that is made too slowly
    found = judge(played(over, OVER, agent, (REPLY,), ((3300, 3400),)))
    assert (found.verdict, found.times_ms) == (Verdict.OK, {"hole": 100})


def test_a_pause_of_the_voice_without_a_hold_is_no_hole() -> None:
    over = scene("backchannel", ASKED, into_reply())
    assert judge(played(over, OVER, ((2000, 3300), (3900, 6000)), (REPLY,))).verdict is Verdict.OK


def test_a_noise_that_becomes_a_turn_is_a_false_turn() -> None:
    alone = scene("noise", into_reply())
    assert judge(played(alone, (1000,))).verdict is Verdict.OK
    found = judge(played(alone, (1000,), (), (turn(1, decided=2000),)))
    assert (found.verdict, found.at_ns) == (Verdict.FALSE_TURN, 2_000_000_000)


def test_a_turn_that_was_taken_back_is_one_with_the_next() -> None:
    halves = (turn(1, taken_back=True, decided=1300), turn(2, decided=1900, audible=2000))
    over = scene("background", ASKED, into_reply())
    assert judge(played(over, OVER, ((2000, 6000),), halves)).verdict is Verdict.OK


def test_an_interruption_is_taken_where_the_reply_is_flushed_and_another_follows() -> None:
    over = scene("interruption", ASKED, into_reply(asks=True))
    found = judge(played(over, OVER, ((2000, 3300), (4000, 5000)), (CUT,)))
    assert found.verdict is Verdict.OK
    assert found.times_ms == {"silent": 250, "flush": 350}
    found = judge(played(over, OVER, ((2000, 3300),), (CUT,)))
    assert found.verdict is Verdict.NO_ANSWER


def test_a_reply_that_speaks_on_misses_an_interruption() -> None:
    over = scene("interruption", ASKED, into_reply(asks=True))
    assert judge(played(over, OVER, ((2000, 9000),), (REPLY,))).verdict is Verdict.MISSED
    late = turn(1, decided=1500, audible=2000, flushed=5100, silent=5100)
    assert judge(played(over, OVER, ((2000, 5100), (6000, 7000)), (late,))).verdict is Verdict.MISSED


def test_a_reply_that_ends_by_itself_is_not_judged() -> None:
    over = scene("interruption", ASKED, into_reply(asks=True))
    assert judge(played(over, OVER, ((2000, 3200),), (REPLY,))).verdict is Verdict.NOT_JUDGED
    assert judge(played(over, (1000,), ((2000, 3200),), (REPLY,))).verdict is Verdict.NOT_JUDGED


def test_an_outcome_is_plain_data() -> None:
    found = judge(played(scene("pause"), (1000,), ((1400, 1500),)))
    assert found.as_dict() == {
        "verdict": "turn cut",
        "at_ms": 1400.0,
        "times_ms": {},
        "why": "the agent spoke before the turn was over",
    }
