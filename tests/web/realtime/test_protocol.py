"""Conversations with a Realtime client, on a real server."""

from __future__ import annotations

from pathlib import Path

from tests.web.live import Live
from tests.web.realtime.clerk import REPLY, WORD_MS, Clerk, agent
from tests.web.realtime.client import RATE, Client, client, hum

VAD = {"type": "server_vad"}


def clerk() -> Clerk:
    """The agent of the session that has answered."""
    (found,) = [each for each in Clerk.met if each.prompts]
    return found


def begun(reader: Client) -> Client:
    reader.wait_for("session.created")
    reader.detect(VAD)
    return reader


def heard_of_reply(words: int) -> str:
    return " ".join(REPLY.split()[:words])


def test_a_spoken_question_is_answered_in_words_and_sound(live: Live) -> None:
    with client(live) as reader:
        begun(reader).append(hum())
        done = reader.wait_for("response.done")["response"]
    assert done["status"] == "completed"
    assert done["usage"]["output_tokens"] == len(REPLY.split())
    assert done["output"][0]["content"][0]["transcript"] == reader.words(done["id"]) == REPLY
    frames = len(REPLY.split()) * WORD_MS * RATE // 1000
    assert len(reader.audio(done["id"])) == frames * 2
    assert reader.types("input_audio_buffer", "conversation", "response") == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        *reader.types("response.output_audio_transcript.delta", "response.output_audio.delta"),
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    said = next(e for e in reader.events if e["type"].endswith("transcription.completed"))["transcript"]
    assert clerk().history == [("user", said), ("assistant", REPLY)]


def test_events_of_speech_have_the_places_in_the_clients_audio(live: Live) -> None:
    with client(live) as reader:
        begun(reader)
        for _ in range(2):  # the second one follows silence that the client did not send
            reader.append(hum())
            reader.wait_for("response.done")
    starts = [e["audio_start_ms"] for e in reader.events if e["type"].endswith("speech_started")]
    ends = [e["audio_end_ms"] for e in reader.events if e["type"].endswith("speech_stopped")]
    lasts_ms = len(hum()) // 48
    for start, end, sent_ms in zip(starts, ends, (0, lasts_ms), strict=True):
        # 50 ms of silence, a hum of 600 ms, then 200 ms that end it; the pre-roll has what was before
        assert sent_ms - 400 <= start <= sent_ms + 50
        assert sent_ms + 850 - 64 <= end <= sent_ms + 850 + 96
    ids = [e["item_id"] for e in reader.events if e["type"].startswith("input_audio_buffer")]
    assert len(set(ids)) == 2


def test_speech_cuts_the_reply_and_the_played_part_is_remembered(live: Live) -> None:
    with client(live) as reader:
        begun(reader).append(hum())
        first = reader.wait_for("response.created")["response"]["id"]
        while len(reader.audio(first)) < 4 * WORD_MS * RATE // 1000 * 2:
            reader.read()
        reader.append(hum())
        started = reader.wait_for("input_audio_buffer.speech_started")
        at = len(reader.events)
        done = reader.wait_for("response.done")["response"]
        assert done["id"] == first
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        item = done["output"][0]
        assert item["status"] == "incomplete"
        reader.say(
            "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=3 * WORD_MS
        )
        reader.wait_for("conversation.item.truncated", item_id=item["id"], audio_end_ms=3 * WORD_MS)
        assert reader.retrieve(item["id"]) == heard_of_reply(3)
        second = reader.wait_for("response.done")["response"]
        assert second["status"] == "completed"
        reader.write("And then?")
        reader.say("response.create")
        reader.wait_for("response.done")
        later = [e["type"] for e in reader.events[at:] if e.get("response_id") == first]
    assert not [kind for kind in later if kind.endswith(".delta")]
    assert started["item_id"] != item["id"]
    texts = [text for role, text in clerk().history if role == "assistant"]
    assert texts == [heard_of_reply(3), REPLY, REPLY]
    assert heard_of_reply(3) in clerk().prompts[-1][1]


def test_a_truncation_after_the_reply_has_ended_shortens_the_memory(live: Live) -> None:
    with client(live) as reader:
        begun(reader).append(hum())
        item = reader.wait_for("response.done")["response"]["output"][0]
        reader.say("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=130)
        reader.wait_for("conversation.item.truncated")
        assert reader.retrieve(item["id"]) == heard_of_reply(2)
        assert clerk().history[-1] == ("assistant", heard_of_reply(2))
        beyond = {"item_id": item["id"], "content_index": 0, "audio_end_ms": 5_000}
        assert reader.refusal("conversation.item.truncate", **beyond) == ("invalid_value", "audio_end_ms")
        assert clerk().history[-1] == ("assistant", heard_of_reply(2))


def test_nothing_of_a_reply_comes_after_its_truncation(tmp_path: Path) -> None:
    Clerk.met.clear()
    with agent(tmp_path, word_ms=120) as preloaded, Live(preloaded) as live, client(live) as reader:
        begun(reader).append(hum())
        item = reader.wait_for("response.output_item.added")["item"]
        reader.wait_for("response.output_audio.delta")
        reader.say("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=0)
        reader.wait_for("conversation.item.truncated")
        at = len(reader.events)
        done = reader.wait_for("response.done")["response"]
        assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert not [e for e in reader.events[at:] if e["type"].endswith(".delta")]
        assert reader.retrieve(item["id"]) == ""
        reader.write("go on")
        reader.say("response.create")
        reader.wait_for("response.done")
    assert [text for role, text in clerk().history if role == "assistant"] == [REPLY]


def test_nothing_of_a_response_comes_after_it_was_cancelled(live: Live) -> None:
    with client(live) as reader:
        begun(reader).append(hum())
        reader.wait_for("response.output_audio.delta")
        reader.say("response.cancel")
        done = reader.wait_for("response.done")["response"]
        assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert reader.refusal("response.cancel") == ("response_cancel_not_active", None)
        reader.append(hum())
        reader.wait_for("response.done")
    own = [e["type"] for e in reader.events if e.get("response_id") == done["id"]]
    assert own[-1] == "response.output_item.done"


def test_committed_audio_is_answered_on_request(live: Live) -> None:
    with client(live) as reader:
        reader.wait_for("session.created")
        assert reader.detect(None)["audio"]["input"]["turn_detection"] is None
        reader.append(hum())
        reader.say("input_audio_buffer.commit")
        item_id = reader.wait_for("input_audio_buffer.committed")["item_id"]
        said = reader.wait_for("conversation.item.input_audio_transcription.completed")
        assert said["item_id"] == item_id
        reader.say("response.create", response={"metadata": {"mine": "1"}})
        done = reader.wait_for("response.done")["response"]
    assert done["status"] == "completed"
    assert done["metadata"] == {"mine": "1"}
    assert clerk().history == [("user", said["transcript"]), ("assistant", REPLY)]
    assert not reader.types("input_audio_buffer.speech")


def test_response_right_after_a_commit_knows_the_committed_words(live: Live) -> None:
    with client(live) as reader:
        reader.wait_for("session.created")
        reader.detect(None)
        for at in range(3):
            reader.append(hum(300 + 100 * at))
            reader.say("input_audio_buffer.commit")
            reader.say("response.create")
            reader.wait_for("response.done")
    assert [len(texts) for _, texts in clerk().prompts] == [1, 3, 5]
    assert [role for role, _ in clerk().history] == ["user", "assistant"] * 3


def test_an_utterance_waits_for_its_response_where_the_client_wants_to_ask(live: Live) -> None:
    with client(live) as reader:
        reader.wait_for("session.created")
        reader.detect({**VAD, "create_response": False})
        reader.append(hum())
        reader.wait_for("conversation.item.input_audio_transcription.completed")
        assert not reader.types("response.created")
        reader.say("response.create")
        assert reader.wait_for("response.done")["response"]["status"] == "completed"
    assert [role for role, _ in clerk().history] == ["user", "assistant"]


def test_a_reply_goes_on_where_speech_is_not_to_interrupt_and_the_next_one_waits(live: Live) -> None:
    with client(live) as reader:
        reader.wait_for("session.created")
        reader.detect({**VAD, "interrupt_response": False})
        reader.append(hum())
        reader.wait_for("response.output_audio.delta")
        reader.append(hum())
        done = [reader.wait_for("response.done")["response"] for _ in range(2)]
    assert [response["status"] for response in done] == ["completed"] * 2
    assert [reader.words(response["id"]) for response in done] == [REPLY] * 2
    kinds = reader.types("response.created", "response.done")
    assert kinds == ["response.created", "response.done"] * 2


def test_an_agent_speaks_first_when_it_is_asked(live: Live) -> None:
    with client(live) as reader:
        begun(reader)
        reader.say("response.create", response={"instructions": "Greet the caller."})
        assert reader.wait_for("response.done")["response"]["status"] == "completed"
        reader.say("response.create")
        reader.wait_for("response.done")
    assert clerk().prompts == [("Greet the caller.", ["Hello."]), ("Be brief.", [REPLY, "Go on."])]
    assert clerk().history == [("assistant", REPLY)] * 2


def test_a_written_history_is_known_and_a_system_message_joins_the_instructions(live: Live) -> None:
    with client(live) as reader:
        begun(reader)
        reader.update(instructions="Be kind.")
        reader.write("I am Ada.")
        reader.write("Hello Ada.", "assistant", id="mine")
        note = reader.write("She is in a hurry.", "system")
        reader.write("Who am I?")
        assert reader.refusal("conversation.item.create", item={
            "type": "message", "role": "user", "id": "mine", "content": [{"type": "input_text", "text": "x"}]
        }) == ("item_create_duplicate_id", "item.id")  # fmt: skip
        reader.say("response.create")
        reader.wait_for("response.done")
        reader.say("conversation.item.delete", item_id=note["id"])
        reader.wait_for("conversation.item.deleted", item_id=note["id"])
        reader.say("conversation.item.delete", item_id="mine")
        reader.wait_for("conversation.item.deleted", item_id="mine")
        reader.say("response.create")
        reader.wait_for("response.done")
    first, second = clerk().prompts
    assert first == ("Be kind.\n\nShe is in a hurry.", ["I am Ada.", "Hello Ada.", "Who am I?"])
    assert second[0] == "Be kind."
    assert second[1][0] == "I am Ada. Who am I?"


def test_a_reply_in_words_has_no_sound(live: Live) -> None:
    with client(live) as reader:
        begun(reader)
        reader.write("hello")
        reader.say("response.create", response={"output_modalities": ["text"]})
        done = reader.wait_for("response.done")["response"]
    assert done["output_modalities"] == ["text"]
    assert done["output"][0]["content"][0] == {"type": "output_text", "text": REPLY}
    assert reader.words(done["id"]) == REPLY
    assert not reader.types("response.output_audio")
    assert clerk().history[-1] == ("assistant", REPLY)


def test_a_limit_of_tokens_holds_for_one_response(live: Live) -> None:
    with client(live) as reader:
        begun(reader)
        reader.say("response.create", response={"max_output_tokens": 2})
        done = reader.wait_for("response.done")["response"]
        assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
        reader.say("response.create")
        assert reader.wait_for("response.done")["response"]["status"] == "completed"


def test_one_response_at_a_time(live: Live) -> None:
    with client(live) as reader:
        begun(reader)
        reader.say("response.create")
        reader.wait_for("response.created")
        twice = reader.refusal("response.create")
        assert twice == ("conversation_already_has_active_response", None)
        assert reader.wait_for("response.done")["response"]["status"] == "completed"


def test_output_that_is_cleared_is_cut(live: Live) -> None:
    with client(live) as reader:
        begun(reader)
        reader.say("response.create")
        reader.wait_for("response.output_audio.delta")
        reader.say("output_audio_buffer.clear")
        cleared = reader.wait_for("output_audio_buffer.cleared")
        done = reader.wait_for("response.done")["response"]
    assert cleared["response_id"] == done["id"]
    assert done["status"] == "cancelled"
