"""`chat.openai`: a remote model's words, under the contract of a generator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests import remote_server as remote
from tests.remote_server import Answer, Remote, chunk, error, event, reply, sends, serve, stream
from vflow import Harness, Pause, SpeechEnd, SpeechStart, TextPacket, TurnEnd, Unavailable
from vflow.flush import Played
from vflow_nodes.chat.openai import OpenAiChat

KEY = "sk-not-to-be-seen-anywhere-123456"


@contextmanager
def chat(
    *answers: Answer, models: Answer = remote.NO_LIST, **values: Any
) -> Iterator[tuple[Harness, Remote]]:
    values = {"model": "tiny", "persona": "Be brief.", "retries": 0, **values}
    with (
        serve(*answers, models=models) as server,
        Harness(OpenAiChat(base_url=server.url, **values)) as harness,
    ):
        yield harness, server


def ask(harness: Harness, text: str = "Hello?", turn: int = 1, **more: Any) -> tuple[list[str], TurnEnd]:
    """Ask; return the words of the reply, and its end."""
    harness.pull()
    *words, end = harness.push(TextPacket(text=text, turn=turn, **more))
    assert isinstance(end, TurnEnd)
    return [word.text for word in words if isinstance(word, TextPacket)], end


def reply_of(*parts: bytes | str) -> Answer:
    return stream(*parts, chunk(reason="stop"))


def warnings(harness: Harness) -> list[str]:
    return [message.text for message in harness.messages if message.kind == "warning"]


def test_words_are_said_as_they_come_and_both_sides_remembered() -> None:
    with chat(reply("Good mor", "ning, ", "friend."), reply("Yes.")) as (harness, server):
        items = harness.push(TextPacket(text="Hello?", turn=1, meta={"language": "en"}))
        words = [item for item in items if isinstance(item, TextPacket)]
        assert [(w.text, w.index, w.turn) for w in words] == [
            ("Good", 0, 1),
            ("morning,", 1, 1),
            ("friend.", 2, 1),
        ]
        assert all(word.meta["language"] == "en" for word in words)
        assert items[-1].meta == {"tokens": 7, "stop_reason": "eos", "prompt_tokens": 20}
        ask(harness, "Really?", 2)
    assert server.asked[1].json["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Good morning, friend."},
        {"role": "user", "content": "Really?"},
    ]
    stats = next(message for message in harness.messages if message.kind == "stats").data
    assert (stats["requests"], stats["prompt_tokens"], stats["completion_tokens"]) == (2, 40, 14)


def test_the_request_has_the_properties_that_were_set_and_no_others() -> None:
    values: dict[str, Any] = {
        "temperature": 0.5,
        "seed": 3,
        "max_tokens": 9,
        "body": {"reasoning_effort": "low"},
    }
    with chat(reply("Hi."), **values) as (harness, server):
        ask(harness, turn=2)
    body = server.asked[0].json
    body.pop("messages")
    assert body == {
        "model": "tiny", "stream": True, "max_tokens": 9, "stream_options": {"include_usage": True},
        "temperature": 0.5, "seed": 5, "reasoning_effort": "low",
    }  # fmt: skip


def test_nothing_is_asked_for_a_turn_without_words_or_one_that_is_cancelled() -> None:
    with chat(reply("Hi.")) as (harness, server):
        assert ask(harness, " ")[1].meta["stop_reason"] == "eos"
        harness.cancel(2)
        harness.pull()
        assert not harness.push(TextPacket(text="too late", turn=2))
        assert not server.asked
        assert harness.conversation.messages() == [{"role": "user", "content": "too late"}]


def test_the_limit_ends_a_reply_with_a_whole_sentence_where_it_can() -> None:
    texts = [f"{word} " for word in ["One", "is", "surely", "enough.", "Two", "is", "not", "so"]]
    with chat(stream(*texts, chunk(reason="length")), max_tokens=8) as (harness, _):
        words, end = ask(harness)
    assert end.meta["stop_reason"] == "limit"
    assert words == ["One", "is", "surely", "enough."]


@pytest.mark.parametrize(
    ("answer", "words", "counted"),
    [
        (reply("<think>", "Hm, a greeting.", "</think>", "Hello."), ["Hello."], "thought_tokens"),
        (reply_of(chunk("", reasoning_content="Hm."), "Hello."), ["Hello."], "thought_tokens"),
        (reply_of(chunk("", reasoning="Hm."), "Hello."), ["Hello."], "thought_tokens"),
        (stream("One moment.", chunk("", tool_calls=[{"index": 0, "function": {"name": "weather"}}]),
                chunk(reason="tool_calls")), ["One", "moment."], "tool_calls"),
        (reply('<tool_call>{"name": "time"}</tool_call>', " Done."), ["Done."], "tool_calls"),
        (reply("Fine.\nUser: And you?"), ["Fine."], "made_up_turns"),
    ],
)  # fmt: skip
def test_only_speech_is_said_and_the_rest_counted(answer: Answer, words: list[str], counted: str) -> None:
    with chat(answer) as (harness, _):
        said, end = ask(harness)
        assert said == words
        assert end.meta[counted] > 0
        assert harness.conversation.messages()[1]["content"] == " ".join(words)


def test_a_thought_that_fills_the_limit_is_not_said_and_is_told() -> None:
    with chat(stream(chunk("", reasoning_content="Hm"), chunk(reason="length"))) as (harness, _):
        assert ask(harness)[0] == []
        assert "'max_tokens'" in warnings(harness)[0]


def test_a_model_that_closes_a_thought_it_never_opened_is_waited_for_from_then_on() -> None:
    lone = reply("Secret plan. ", "</think>", "Hello.")
    with chat(lone, lone) as (harness, _):
        ask(harness)
        assert ask(harness, turn=2)[0] == ["Hello."]


def test_a_server_that_does_not_stream_is_understood() -> None:
    whole = {
        "choices": [{"message": {"role": "assistant", "content": "Hello you."}, "finish_reason": "stop"}]
    }
    with chat(sends(200, whole)) as (harness, _):
        words, end = ask(harness)
    assert (words, end.meta["stop_reason"]) == (["Hello", "you."], "eos")


@pytest.mark.parametrize("name", ["stream_options", "temperature", "seed"])
def test_a_parameter_that_the_server_does_not_know_is_left_out_from_then_on(name: str) -> None:
    refusal = error(400, f"Unknown parameter: '{name}'")
    with chat(refusal, reply("Hi."), temperature=1.0, seed=1) as (harness, server):
        assert ask(harness)[0] == ["Hi."]
        assert ask(harness, turn=2)[0] == ["Hi."]
        assert not warnings(harness)
    assert [name in asked.json for asked in server.asked] == [True, False, False]


def test_the_limit_is_sent_by_the_name_that_the_server_asks_for() -> None:
    refusal = error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    with chat(refusal, reply("Hi.")) as (harness, server):
        assert ask(harness)[0] == ["Hi."]
    assert "max_tokens" not in server.asked[1].json
    assert server.asked[1].json["max_completion_tokens"] == 250


def test_a_request_that_fails_ends_its_turn_and_the_next_one_is_answered() -> None:
    with chat(error(500, "out of memory"), reply("Hi.")) as (harness, _):
        words, end = ask(harness)
        assert (words, end.meta) == ([], {"tokens": 0, "stop_reason": "error"})
        assert "turn 1 is not answered: 127.0.0.1" in warnings(harness)[0]
        assert "(500): out of memory" in warnings(harness)[0]
        assert ask(harness, turn=2)[0] == ["Hi."]


def test_an_apology_is_said_where_no_word_comes_and_is_not_remembered() -> None:
    with chat(error(500, "boom"), stream("Hello ", end=b""), apology="I cannot now.") as (harness, _):
        words, end = ask(harness)
        assert (words, end.meta["stop_reason"]) == (["I", "cannot", "now."], "error")
        assert ask(harness, turn=2)[0] == ["Hello"]
        assert [(e.role, e.text) for e in harness.conversation.entries()] == [
            ("user", "Hello?"), ("user", "Hello?"), ("assistant", "Hello"),
        ]  # fmt: skip


def test_half_a_character_is_sent_as_a_question_mark() -> None:
    with chat(reply("Hi.")) as (harness, server):
        assert ask(harness, "caf\udcc3")[0] == ["Hi."]
    assert server.asked[0].json["messages"][-1]["content"] == "caf?"
    assert server.asked[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "answer",
    [
        stream("Hello there", end=b""),
        stream("Hello there", end=b'data: {"choices": [{"del'),
        stream("Hello there", event({"error": {"message": "overloaded"}})),
        stream("Hello there", b"data: oops\n\n"),
        remote.waits("Hello there"),
    ],
    ids=["closed", "half an event", "error", "rubbish", "stalls"],
)
def test_broken_off_reply_keeps_its_words_and_ends_with_error(answer: Answer) -> None:
    with chat(answer, gap="300ms") as (harness, _):
        words, end = ask(harness)
        assert (words, end.meta["stop_reason"]) == (["Hello"] + ["there"] * (len(words) - 1), "error")
        assert "turn 1 is not answered to its end: " in warnings(harness)[0]
        assert harness.conversation.messages()[1]["content"] == " ".join(words)


def test_an_event_of_another_kind_says_nothing() -> None:
    strange = [event({"choices": 3}), event({"choices": [{"delta": {"content": 7}}]}), event({"x": [None]})]
    with chat(stream(*strange, "Hi.", chunk(reason="stop"))) as (harness, _):
        assert ask(harness)[0] == ["Hi."]


def test_the_oldest_messages_are_left_out_where_there_is_no_room() -> None:
    with chat(reply("Hi."), context=128) as (harness, server):
        for turn in range(1, 6):
            ask(harness, f"{turn} " + "word " * 20, turn)
        assert ["outgrown" in text for text in warnings(harness)] == [True]
    roles = [message["role"] for message in server.asked[-1].json["messages"]]
    assert roles[:2] == ["system", "user"]
    assert len(roles) < 8


def test_history_keeps_the_heard_part_of_an_interrupted_reply() -> None:
    with chat(reply("One two three.")) as (harness, _):
        ask(harness)
        harness.cancel(1, played=(Played(turn=1, samples=9, rate=16000, heard="One two", words=2),))
        assert harness.conversation.messages()[1]["content"] == "One two"


# speculation: a request costs money


def test_a_transcript_in_advance_waits_for_the_end_of_its_turn() -> None:
    with chat(reply("Hi.")) as (harness, server):
        harness.event(SpeechStart(turn=1))
        harness.push(TextPacket(text="Hello?", turn=1))
        harness.event(Pause(turn=1))
        assert not server.asked
        said = harness.event(SpeechEnd(turn=1))
        assert [item.text for item in said if isinstance(item, TextPacket)] == ["Hi."]


def test_a_transcript_that_was_taken_back_is_never_asked() -> None:
    with chat(reply("Hi.")) as (harness, server):
        harness.event(SpeechStart(turn=1))
        harness.push(TextPacket(text="Hello", turn=1))
        harness.retracted(1)
        harness.push(TextPacket(text="Hello, who are you?", turn=1))
        harness.event(SpeechEnd(turn=1))
        assert [asked.json["messages"][-1]["content"] for asked in server.asked] == ["Hello, who are you?"]


def test_speculate_asks_at_the_pause_and_counts_requests_in_vain() -> None:
    with chat(reply("Hi."), speculate=True) as (harness, _):
        harness.event(SpeechStart(turn=1))
        assert ask(harness, "Hello")[0] == ["Hi."]
        harness.retracted(1)
        assert harness.conversation.messages() == []
        assert ask(harness, "Hello, who are you?")[0] == ["Hi."]
        harness.event(SpeechEnd(turn=1))
    stats = next(message for message in harness.messages if message.kind == "stats").data
    assert (stats["requests"], stats["in_advance"], stats["void_in_advance"]) == (2, 2, 1)


def test_a_typed_turn_is_answered_at_once() -> None:
    with chat(reply("Hi.")) as (harness, _):
        harness.event(SpeechStart(turn=1))
        assert ask(harness, "typed", 2)[0] == ["Hi."]


def test_a_text_to_say_costs_no_request() -> None:
    with chat(reply("Hi.")) as (harness, server):
        items = harness.push(TextPacket(text="Good morning.", turn=1), "say")
        assert [item.text for item in items if isinstance(item, TextPacket)] == ["Good", "morning."]
        assert not server.asked


# the key, and the first look


def test_the_key_is_in_nothing_that_is_posted_or_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_KEY", KEY)
    echo = error(401, f"Incorrect API key provided: {KEY}. Or {json.dumps(KEY)}, {KEY[:11]}...")
    failed = stream("Hello", event({"error": {"message": f"no credit for {KEY}"}}))
    listed = sends(200, {"data": [{"id": f"of-{KEY}"}]})
    with chat(echo, failed, models=listed, key_env="TINY_KEY") as (harness, server):
        ask(harness)
        ask(harness, turn=2)
        assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in repr(vars(harness.node))
    posted = repr(harness.messages)
    assert len(warnings(harness)) == 3
    assert not any(KEY[at : at + 8] in posted for at in range(len(KEY) - 8))
    with (
        serve(echo, models=echo) as server,
        pytest.raises(Unavailable, match="refuses the key in TINY_KEY") as caught,
    ):
        Harness(OpenAiChat(base_url=server.url, key_env="TINY_KEY")).__enter__()
    assert KEY not in str(caught.value)


def test_a_server_that_is_down_is_told_before_anything_is_said() -> None:
    with serve(reply("Hi.")) as server:
        pass
    with pytest.raises(Unavailable, match=r"cannot be reached \(Connection refused\)"):
        Harness(OpenAiChat(base_url=server.url, retries=0)).__enter__()


def test_a_model_that_the_server_does_not_list_is_warned_of() -> None:
    listed = sends(200, {"data": [{"id": "llama3.2:latest"}, {"id": "qwen3"}, {"no": 1}]})
    with chat(reply("Hi."), models=listed, model="tiny") as (harness, _):
        assert "lists no model 'tiny'; it has llama3.2:latest, qwen3" in warnings(harness)[0]
    with chat(reply("Hi."), models=listed, model="llama3.2") as (harness, _):
        assert not warnings(harness)


def test_openai_is_not_asked_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(Unavailable, match="OPENAI_API_KEY is not set"):
        Harness(OpenAiChat()).__enter__()


def test_prompt_is_sent_with_its_instructions_and_unanswered_words_are_kept() -> None:
    with chat(reply("Ahoy."), reply("Yes.")) as (harness, server):
        harness.push(
            TextPacket(text="", turn=1, meta={"prompted": True, "instructions": "You are a pirate."})
        )
        harness.node.answers = False
        assert ask(harness, "I am Ada.", 2)[0] == []
        harness.node.answers, harness.node.persona = True, "Be kind."
        ask(harness, "Who am I?", 3)
        bodies = [[m["content"] for m in request.json["messages"]] for request in server.asked]
    assert bodies == [["You are a pirate.", "Hello."], ["Be kind.", "Ahoy.", "I am Ada. Who am I?"]]
