"""An utterance over a reply, through `turn`: windows of 32 ms with scripted probabilities."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nodes.test_turn import WINDOW, Script, names, only, script, sent
from vflow import MS, Pause, SpeechEnd, SpeechStart, SpeechVoid, TalkEnd, TextPacket

VOICE, HUSH = 0.9, 0.0


def over_a_reply(**props: Any) -> Script:
    """Return a `turn` linked to a node that looks at words, while a reply is heard."""
    made = script(duck=-20.0, **props)
    made.harness.linked_sources = ("backchannel",)
    made.windows(20, HUSH)
    made.harness.is_speaking = True
    return made


def look(turn: Script, backchannel: bool | None, sure: bool = False) -> None:
    """Push a look at the words up to the last window."""
    meta = {"backchannel": backchannel, "sure": sure}
    packet = TextPacket(text="", turn=1, pts_ns=turn.at * WINDOW, meta=meta)
    turn.harness.push(packet, "backchannel")


def test_an_utterance_over_a_reply_makes_it_softer_and_does_not_interrupt_it_yet() -> None:
    turn = over_a_reply()
    start = only(turn.windows(8, VOICE), SpeechStart)
    assert start.meta == {"over_reply_ns": 20 * WINDOW}
    assert turn.harness.interrupted == []
    assert turn.harness.gains == [pytest.approx(0.1)]


def test_other_words_hold_it_and_enough_voice_interrupts() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    look(turn, False)
    assert turn.harness.holds == [True]
    turn.windows(3, VOICE)
    look(turn, False)
    assert turn.harness.interrupted == []
    turn.windows(3, VOICE)
    assert turn.harness.interrupted == [0]
    turn.windows(5, VOICE)
    end = only(turn.windows(15, HUSH), SpeechEnd)
    assert end.turn == 1


def test_a_backchannel_is_no_turn_and_the_reply_is_as_loud_as_before() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    look(turn, True)
    out = turn.windows(20, HUSH)
    assert names(out) == ["pause", "speech_void"]
    assert only(out, SpeechVoid).turn == 1
    assert turn.harness.interrupted == turn.harness.speculation == []
    assert turn.harness.gains == [pytest.approx(0.1), 1.0]


def test_a_reply_that_was_held_for_a_hum_goes_on() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    look(turn, False)
    turn.windows(3, VOICE)
    look(turn, True)
    assert turn.harness.holds == [True, False]
    assert names(turn.windows(20, HUSH)) == ["pause", "speech_void"]


def test_a_short_word_interrupts_at_its_pause_and_is_answered_in_advance_then() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    look(turn, False)
    assert names(turn.windows(4, HUSH)) == ["pause"]
    assert turn.harness.holds == [True, False]
    look(turn, False)
    assert turn.harness.interrupted == [0]
    pause, *_ = [item for item in turn.windows(3, HUSH) if isinstance(item, Pause)]
    assert turn.harness.speculation == [("speculate", 1)]
    assert pause.turn == 1


def test_speech_soon_after_a_word_of_assent_belongs_to_its_utterance() -> None:
    turn = over_a_reply()
    out = turn.windows(8, VOICE)
    look(turn, True)
    out += turn.windows(6, HUSH) + turn.windows(4, VOICE)
    look(turn, False)
    out += turn.windows(3, VOICE)
    look(turn, False)
    out += turn.windows(2, VOICE)
    assert turn.harness.interrupted == [0]
    out += turn.windows(20, HUSH)
    assert names(out) == ["speech_start", "pause", "resume", "pause", "speech_end"]
    assert sent(out)[-1] - sent(out)[0] == len(sent(out)) - 1


def test_an_utterance_that_outlasts_the_reply_is_a_turn() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    look(turn, True)
    turn.harness.is_speaking = False
    out = turn.windows(1, VOICE) + turn.windows(20, HUSH)
    assert names(out) == ["pause", "speech_end"]


def test_without_a_backchannel_node_voice_interrupts_at_once() -> None:
    turn = over_a_reply()
    turn.harness.linked_sources = ()
    turn.windows(7, VOICE)
    assert turn.harness.interrupted == [0]


def test_sure_look_interrupts_at_once() -> None:
    turn = over_a_reply()
    turn.windows(7, VOICE)
    look(turn, False, sure=True)
    assert turn.harness.interrupted == [0]


def test_a_look_at_another_turn_changes_nothing() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    packet = TextPacket(text="", turn=7, pts_ns=0, meta={"backchannel": False, "sure": True})
    turn.harness.push(packet, "backchannel")
    assert turn.harness.interrupted == []


def test_the_answer_that_is_expected_is_not_spent_on_a_backchannel() -> None:
    turn = over_a_reply()
    turn.harness.conversation.expect("phone")
    turn.windows(8, VOICE)
    look(turn, True)
    turn.windows(20, HUSH)
    assert turn.harness.conversation.take_expected() == "phone"


def test_an_utterance_that_is_ended_by_hand_is_a_turn() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    look(turn, True)
    assert names(turn.harness.event(TalkEnd())) == ["speech_end"]
    assert turn.harness.interrupted == [0]


def test_the_end_of_the_stream_leaves_no_reply_soft_or_held() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    look(turn, False)
    assert names(turn.harness.eos()) == ["speech_void", "eos"]
    assert (turn.harness.holds[-1], turn.harness.gains[-1]) == (False, 1.0)


def over_a_notice(**props: Any) -> Script:
    made = over_a_reply(**props)
    made.harness.is_protected = True
    return made


@pytest.mark.parametrize("looks", [True, False])
def test_what_is_said_over_protected_words_is_a_turn_when_they_have_sounded(looks: bool) -> None:
    turn = over_a_notice()
    turn.harness.linked_sources = ("backchannel",) * looks
    turn.windows(8, VOICE)
    if looks:
        look(turn, False)
        look(turn, False)
    turn.windows(20, VOICE)
    assert names(turn.windows(100, HUSH)) == ["pause"]
    assert turn.harness.interrupted == turn.harness.holds == turn.harness.gains == []
    turn.harness.is_protected = False
    assert names(turn.windows(1, HUSH)) == ["speech_end"]
    assert turn.harness.interrupted == [0]


def test_a_word_of_assent_over_protected_words_is_no_turn() -> None:
    turn = over_a_notice()
    turn.windows(8, VOICE)
    look(turn, True)
    assert names(turn.windows(60, HUSH)) == ["pause", "speech_void"]
    assert turn.harness.interrupted == []
    assert True not in turn.harness.holds


def test_voice_that_outlasts_protected_words_interrupts_after_them() -> None:
    turn = over_a_notice()
    turn.windows(40, VOICE)
    assert turn.harness.interrupted == []
    turn.harness.is_protected = False
    turn.windows(1, VOICE)
    assert turn.harness.interrupted == [0]


def test_speech_goes_on_over_protected_words_after_a_long_silence() -> None:
    turn = over_a_notice()
    out = turn.windows(30, VOICE) + turn.windows(60, HUSH) + turn.windows(30, VOICE) + turn.windows(60, HUSH)
    turn.harness.is_protected = False
    out += turn.windows(1, HUSH)
    assert names(out) == ["speech_start", "pause", "resume", "pause", "speech_end"]


@pytest.mark.parametrize("by", ["hand", "the end of the stream", "its length"])
def test_an_utterance_that_ends_over_protected_words_is_a_turn_and_interrupts_nothing(by: str) -> None:
    turn = over_a_notice(max_utterance="2s" if by == "its length" else "30s")
    turn.windows(20, VOICE)
    if by == "hand":
        out = turn.harness.event(TalkEnd())
    else:
        out = turn.windows(60, HUSH) if by == "its length" else turn.harness.eos()
    assert "speech_end" in names(out)
    assert turn.harness.interrupted == []


def test_the_rest_of_a_turn_does_not_take_back_protected_words() -> None:
    turn = script()
    turn.windows(20, VOICE)
    only(turn.windows(16, HUSH), SpeechEnd)
    turn.harness.is_protected = turn.harness.is_speaking = True
    turn.windows(30, VOICE)
    assert turn.harness.taken_back == turn.harness.interrupted[1:] == turn.harness.holds == []


def test_a_doubtful_utterance_waits_for_protected_words_that_begin_meanwhile() -> None:
    turn = over_a_reply()
    turn.windows(8, VOICE)
    turn.harness.is_protected = True
    turn.windows(60, VOICE)
    assert turn.harness.interrupted == []
    assert turn.harness.gains == [pytest.approx(0.1), 1.0]


@pytest.mark.parametrize(
    ("reply", "lead_ms", "backchannel", "end"),
    [
        ("Shall I go on?", 800, True, "speech_end"),
        ("Shall I go on?", 1200, True, "speech_void"),
        ("I shall go on.", 800, True, "speech_void"),
        ("Shall I go on?", 800, None, "speech_void"),
    ],
)
def test_assent_to_the_last_words_of_a_question_is_an_answer(
    reply: str, lead_ms: int, backchannel: bool | None, end: str
) -> None:
    turn = over_a_reply()
    turn.harness.conversation.append("user", "Tell me a story.", 0)
    turn.harness.conversation.append("assistant", reply, 0)
    turn.harness.lead = lead_ms * MS
    turn.windows(8, VOICE)
    look(turn, backchannel)
    assert names(turn.windows(20, HUSH)) == ["pause", end]
    assert turn.harness.interrupted == []
    assert turn.harness.gains[-1] == 1.0
