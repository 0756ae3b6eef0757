"""A client's changes to the conversation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.realtime.stand_in import StandIn, Talk, code, kinds
from vflow.packet import Span
from vflow.report.turn import TurnRecord
from vflow.session import ReplyAudio, ReplyWord, TurnEnded, UserBegan, UserFinished
from vflow.web.commands import Cut


def message(role: str, kind: str, text: str | None = "Hello.", **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **fields}


def replying() -> tuple[Talk, str]:
    """A talk in whose reply three words of 100 ms were sent; with the id of its item."""
    talk = Talk()
    talk.tell(UserBegan(1, 0.0), UserFinished(1, 1.0))
    told: list[dict[str, Any]] = []
    for index, word in enumerate(("Rome", "grew", "out")):
        samples = np.zeros(2_400, np.float32)
        span = Span(1, index, word, 0, 2_400)
        told += talk.tell(ReplyWord(1, index, word), ReplyAudio(1, samples, 24_000, (span,)))
    return talk, told[0]["item"]["id"]


def text_of(talk: Talk, item_id: str) -> str:
    (found,) = talk.say("conversation.item.retrieve", item_id=item_id)
    text: str = found["item"]["content"][0]["transcript"]
    return text


def truncate(talk: Talk, item_id: str, ms: int, index: int = 0) -> list[dict[str, Any]]:
    return talk.say("conversation.item.truncate", item_id=item_id, content_index=index, audio_end_ms=ms)


def test_messages_are_entries_of_the_history() -> None:
    talk = Talk()
    first = talk.say("conversation.item.create", item=message("user", "input_text"))
    assert kinds(first) == ["conversation.item.added", "conversation.item.done"]
    second = talk.say("conversation.item.create", item=message("assistant", "output_text", "Hi."))
    assert second[0]["previous_item_id"] == first[0]["item"]["id"]
    assert talk.agent.calls == [("remember", "user", "Hello.", -1), ("remember", "assistant", "Hi.", -2)]


def test_a_system_message_joins_the_instructions_until_it_is_deleted() -> None:
    talk = Talk()
    told = talk.say("conversation.item.create", item=message("system", "input_text", "Hurry."))
    assert talk.agent.values["persona"] == "Be brief.\n\nHurry."
    talk.say("session.update", session={"instructions": "Be kind."})
    assert talk.agent.values["persona"] == "Be kind.\n\nHurry."
    talk.say("conversation.item.delete", item_id=told[0]["item"]["id"])
    assert talk.agent.values["persona"] == "Be kind."


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "function_call_output", "call_id": "c", "output": "x"}, "item.type"),
        ({"type": "message", "content": []}, "item.role"),
        (message("user", "input_audio"), "item.content[0].type"),
        (message("user", "input_image"), "item.content[0].type"),
        (message("assistant", "input_text"), "item.content[0].type"),
        (message("user", "input_text", " "), "item.content"),
        (message("user", "input_text", id=""), "item.id"),
        (message("boss", "input_text"), "item.role"),
    ],
)
def test_an_item_that_cannot_be_is_refused_with_its_field(item: dict[str, Any], param: str) -> None:
    talk = Talk()
    assert code(talk.say("conversation.item.create", item=item))[1] == param
    assert talk.agent.calls == []


def test_items_are_added_at_the_end() -> None:
    talk = Talk()
    told = talk.say("conversation.item.create", item=message("user", "input_text"), previous_item_id="root")
    last = told[0]["item"]["id"]
    for before in (last, None):
        at = {"previous_item_id": before}
        told = talk.say("conversation.item.create", item=message("user", "input_text"), **at)
        assert kinds(told)[0] == "conversation.item.added"
    refused = talk.say("conversation.item.create", item=message("user", "input_text"), previous_item_id=last)
    assert code(refused) == ("unsupported_value", "previous_item_id")


@pytest.mark.parametrize("verb", ["retrieve", "delete", "truncate"])
def test_malformed_item_is_refused(verb: str) -> None:
    more = {"content_index": 0, "audio_end_ms": 0} if verb == "truncate" else {}
    refused = Talk().say(f"conversation.item.{verb}", item_id="nobody", **more)
    assert code(refused) == (f"item_{verb}_invalid_item_id", "item_id")


@given(st.integers(0, 300))
def test_a_reply_is_cut_to_the_words_that_had_sounded(ms: int) -> None:
    talk, item_id = replying()
    talk.tell(TurnEnded(TurnRecord(1, words=["Rome", "grew", "out"], heard="Rome grew out")))
    assert kinds(truncate(talk, item_id, ms)) == ["conversation.item.truncated"]
    words = ["Rome", "grew", "out"][: sum(middle < ms for middle in (50, 150, 250))]
    assert text_of(talk, item_id) == " ".join(words)
    assert talk.agent.calls[-1] == ("settle", 1, " ".join(words))
    assert talk.commands == []


def test_a_cut_of_the_reply_that_goes_on_ends_it() -> None:
    talk, item_id = replying()
    assert kinds(truncate(talk, item_id, 160)) == ["conversation.item.truncated"]
    assert talk.commands == [Cut(1)]
    assert talk.tell(ReplyWord(1, 3, "of")) == []
    done = talk.tell(TurnEnded(TurnRecord(1, interrupted=True, heard="Rome grew out")))[-1]["response"]
    assert done["status_details"]["reason"] == "client_cancelled"
    assert done["output"][0]["content"][0]["transcript"] == "Rome grew" == text_of(talk, item_id)


def test_a_cut_beyond_the_end_or_of_no_reply_is_refused_and_changes_nothing() -> None:
    talk, item_id = replying()
    assert code(truncate(talk, item_id, 401)) == ("invalid_value", "audio_end_ms")
    assert code(truncate(talk, item_id, 100, index=1)) == ("invalid_value", "content_index")
    (user,) = [item for item in talk.core._dialogue.items._items.values() if item.role == "user"]
    assert code(truncate(talk, user.id, 0)) == ("invalid_value", "item_id")
    assert text_of(talk, item_id) == "Rome grew out"
    truncate(talk, item_id, 60)
    assert code(truncate(talk, item_id, 300)) == ("invalid_value", "audio_end_ms")


def test_items_are_deleted_with_their_entries_but_none_that_is_being_made() -> None:
    talk, item_id = replying()
    assert code(talk.say("conversation.item.delete", item_id=item_id))[0] == "item_delete_in_progress"
    talk.tell(TurnEnded(TurnRecord(1)))
    assert kinds(talk.say("conversation.item.delete", item_id=item_id)) == ["conversation.item.deleted"]
    assert talk.agent.calls[-1] == ("forget", "assistant", 1)
    assert code(talk.say("conversation.item.retrieve", item_id=item_id))[1] == "item_id"
    assert StandIn


def test_a_client_writes_no_more_than_a_session_may_cost() -> None:
    talk = Talk()
    long = message("user", "input_text", "x" * 100_000)
    told = [talk.say("conversation.item.create", item=long) for _ in range(10)]
    assert code(talk.say("conversation.item.create", item=long)) == ("conversation_too_long", "item.content")
    talk.say("conversation.item.delete", item_id=told[0][0]["item"]["id"])
    assert kinds(talk.say("conversation.item.create", item=long))[0] == "conversation.item.added"
