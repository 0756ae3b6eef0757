"""Responses: one goes on at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.web.realtime.stand_in import StandIn, Talk, code, kinds
from vflow.report.turn import TurnRecord
from vflow.session import Interrupted, ReplyAudio, ReplyWord, ReplyWritten, TurnEnded, UserBegan, UserFinished
from vflow.web.commands import Cut


def spoken(turn: int) -> list[Any]:
    return [UserBegan(turn, float(turn)), UserFinished(turn, turn + 0.5)]


def ended(turn: int, **record: Any) -> TurnEnded:
    return TurnEnded(TurnRecord(turn, **record))


def test_a_response_that_is_asked_is_a_prompt() -> None:
    talk = Talk()
    assert kinds(talk.say("response.create", response={"instructions": "Greet."})) == ["response.created"]
    assert talk.agent.calls == [("prompt", "Greet.")]
    assert code(talk.say("response.create")) == ("conversation_already_has_active_response", None)
    assert kinds(talk.tell(ReplyWord(1, 0, "Hi"), ended(1)))[-1] == "response.done"
    assert kinds(talk.say("response.create")) == ["response.created"]
    assert talk.agent.calls[1:] == [("prompt", None)]


def test_response_with_barge_in_false_in_its_metadata_is_protected() -> None:
    talk = Talk()
    talk.say("response.create", response={"metadata": {"barge_in": "false"}})
    assert talk.agent.calls == [("prompt", None), ("protect", 1)]


def test_generator_without_prompts_is_asked_the_client_s_texts() -> None:
    talk = Talk(StandIn().without("answers"))
    assert code(talk.say("response.create"))[0] == "unsupported_value"
    for text in ("I am Ada.", "Who am I?"):
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        talk.say("conversation.item.create", item=item)
    talk.say("response.create")
    assert talk.agent.calls == [("ask", "I am Ada.\nWho am I?")]


def test_changes_of_one_response_are_undone_at_its_end() -> None:
    talk = Talk()
    talk.say("response.create", response={"max_output_tokens": 5, "audio": {"output": {"speed": 1.4}}})
    assert (talk.agent.values["max_tokens"], talk.agent.values["speed"]) == (5, 1.4)
    talk.tell(ended(1))
    assert (talk.agent.values["max_tokens"], talk.agent.values["speed"]) == (250, 1.0)


def test_a_response_apart_from_the_conversation_is_refused() -> None:
    talk = Talk()
    assert code(talk.say("response.create", response={"conversation": "none"}))[1] == "response.conversation"
    assert code(talk.say("response.create", response={"input": []}))[1] == "response.input"
    assert talk.agent.calls == []


def test_the_end_of_a_cut_reply_is_told_after_the_speech_that_cut_it() -> None:
    talk = Talk()
    talk.tell(*spoken(1), ReplyWord(1, 0, "Rome"))
    assert talk.tell(Interrupted(1), ended(1, interrupted=True)) == []
    assert talk.tell(ReplyWord(1, 1, "grew")) == []
    told = kinds(talk.tell(UserBegan(2, 9.0)))
    assert told[0] == "input_audio_buffer.speech_started"
    assert told[-1] == "response.done"


def test_the_end_of_a_cut_reply_is_told_in_time_where_no_speech_comes() -> None:
    talk = Talk()
    talk.tell(*spoken(1), Interrupted(1), ended(1, interrupted=True))
    assert kinds(talk.events(talk.core.levels({}))) == ["response.done"]
    assert talk.core.levels({}) == []


def test_a_reply_waits_for_the_one_before_it() -> None:
    talk = Talk()
    talk.tell(*spoken(1), *spoken(2), ReplyWord(1, 0, "one"))
    samples = np.zeros(480, np.float32)
    waiting = talk.tell(ReplyWord(2, 0, "two"), ReplyAudio(2, samples, 24_000), ended(2))
    assert waiting == []
    told = talk.tell(ended(1))
    assert [event["response"]["id"] for event in told if event["type"] == "response.done"] == list(
        dict.fromkeys(event["response"]["id"] for event in told if "response" in event)
    )
    assert kinds(told).count("response.done") == 2
    assert [event["delta"] for event in told if event["type"].endswith("transcript.delta")] == ["two"]


def test_a_reply_that_is_cut_while_it_waits_was_never_there() -> None:
    talk = Talk()
    talk.tell(*spoken(1), *spoken(2), ReplyWord(2, 0, "two"))
    told = kinds(
        talk.tell(Interrupted(2), ended(1, interrupted=True), ended(2, interrupted=True), *spoken(3))
    )
    assert told.count("response.done") == 1
    assert told.count("response.created") == 1


def test_a_response_is_cancelled_by_its_id_or_without_one() -> None:
    talk = Talk()
    assert code(talk.say("response.cancel")) == ("response_cancel_not_active", None)
    (created,) = talk.say("response.create")
    assert code(talk.say("response.cancel", response_id="another"))[0] == "response_cancel_not_active"
    assert talk.say("response.cancel", response_id=created["response"]["id"]) == []
    assert talk.commands == [Cut(1)]
    assert talk.tell(ReplyWord(1, 0, "late")) == []
    (done,) = talk.tell(Interrupted(1), ended(1, interrupted=True))
    assert done["response"]["status_details"]["reason"] == "client_cancelled"


def test_a_response_that_is_asked_right_after_a_cancel_comes_after_its_end() -> None:
    talk = Talk()
    talk.say("response.create")
    talk.say("response.cancel")
    assert talk.say("response.create", response={"instructions": "Again."}) == []
    assert code(talk.say("response.create"))[0] == "conversation_already_has_active_response"
    told = talk.tell(Interrupted(1), ended(1, interrupted=True))
    assert kinds(told) == ["response.done", "response.created"]
    assert talk.agent.calls[-1] == ("prompt", "Again.")


def test_a_cancel_of_which_nothing_is_heard_ends_the_response_all_the_same() -> None:
    talk = Talk()
    talk.say("response.create")
    talk.say("response.cancel")
    told = [event for _ in range(9) for event in talk.events(talk.core.levels({}))]
    assert [event["response"]["status"] for event in told] == ["cancelled"]
    assert kinds(talk.say("response.create")) == ["response.created"]


def test_a_reply_in_words_is_over_with_its_last_word_and_its_sound_is_cut() -> None:
    talk = Talk()
    talk.say("response.create", response={"output_modalities": ["text"]})
    told = talk.tell(ReplyWord(1, 0, "Rome"), ReplyWritten(1, 7, "limit", 30))
    done = told[-1]["response"]
    assert (done["status"], done["usage"]["output_tokens"]) == ("incomplete", 7)
    assert (done["usage"]["input_tokens"], done["usage"]["total_tokens"]) == (30, 37)
    assert talk.agent.calls[-2:] == [("settle", 1, "Rome"), ("cut", 1)]
    assert kinds(talk.say("response.create")) == ["response.created"]
    assert talk.agent.calls[-1] == ("cut", 1)  # a flush would drop what is made meanwhile
    talk.tell(Interrupted(1), ended(1, interrupted=True))
    assert talk.agent.calls[-1] == ("prompt", None)


def test_a_cut_of_which_nothing_is_heard_is_not_waited_for_without_end() -> None:
    talk = Talk()
    talk.say("response.create", response={"output_modalities": ["text"]})
    talk.tell(ReplyWord(1, 0, "Rome"), ReplyWritten(1, 7, "eos"))
    talk.say("response.create")
    for _ in range(9):
        talk.core.levels({})
    assert talk.agent.calls[-1] == ("prompt", None)


def test_a_reply_in_sound_is_not_over_with_its_last_word() -> None:
    talk = Talk()
    talk.tell(*spoken(1), ReplyWord(1, 0, "Rome"))
    assert talk.tell(ReplyWritten(1, 7, "eos")) == []
    assert kinds(talk.tell(ended(1, tokens=7)))[-1] == "response.done"


def test_a_reply_in_words_that_is_cancelled_is_heard_as_far_as_it_was_sent() -> None:
    talk = Talk()
    talk.say("response.create", response={"output_modalities": ["text"]})
    talk.tell(ReplyWord(1, 0, "Rome"), ReplyAudio(1, np.zeros(2_400, np.float32), 24_000))
    talk.tell(ReplyWord(1, 1, "grew"))
    talk.say("response.cancel")
    talk.tell(Interrupted(1), ended(1, interrupted=True, heard="Rome"))
    assert talk.agent.calls[-1] == ("settle", 1, "Rome grew")
