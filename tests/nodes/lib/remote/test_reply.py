"""A streamed chat completion as words; what a whole node makes of it is in chat/test_openai."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow_nodes.lib.remote.reply import RemoteReply


def event(text: Any = None, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text, **delta}, "finish_reason": reason}]}


def words_of(reply: RemoteReply, *events: dict[str, Any]) -> list[str]:
    found = [word for each in events for word in reply.take(each)]
    return [word.text for word in [*found, *reply.finish()]]


@given(st.lists(st.integers(0, 30), max_size=6))
def test_words_do_not_depend_on_how_the_text_is_cut(cuts: list[int]) -> None:
    text = "Well, <think>no</think>it is 3.5 km."
    at = sorted({0, len(text), *cuts})
    parts = [text[a:b] for a, b in itertools.pairwise(at)]
    assert words_of(RemoteReply(250), *map(event, parts), event(reason="stop")) == [
        "Well,",
        "it",
        "is",
        "3.5",
        "km.",
    ]


def test_words_leave_as_they_become_whole() -> None:
    reply = RemoteReply(250)
    assert [[w.text for w in reply.take(event(t))] for t in ("Good mor", "ning ", "you")] == [
        ["Good"],
        ["morning"],
        [],
    ]


def test_content_in_parts_and_a_refusal_are_said() -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hello "}]
    assert words_of(RemoteReply(250), event(parts), event(refusal="I cannot."), event(reason="stop")) == [
        "Hello", "I", "cannot.",
    ]  # fmt: skip


def test_half_a_character_becomes_a_question_mark() -> None:
    assert words_of(RemoteReply(250), event("caf\udcc3."), event(reason="stop")) == ["caf?."]


def test_tokens_are_the_servers_count_and_else_an_estimate() -> None:
    reply = RemoteReply(250)
    reply.take(event("Hello there, "))
    assert reply.tokens == 3
    reply.take(
        {
            "choices": [],
            "usage": {"completion_tokens": 12, "completion_tokens_details": {"reasoning_tokens": 5}},
        }
    )
    assert (reply.tokens, reply.thought) == (12, 5)


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "content_filter", "length", "eos"])
def test_stop_reason_is_always_one_of_the_documented_ones(reason: str) -> None:
    reply = RemoteReply(250)
    reply.take(event("Hi.", reason))
    assert reply.stop_reason == ("limit" if reason == "length" else "eos")


KEYS = ("choices", "delta", "message", "content", "usage", "tool_calls", "function", "name", "finish_reason")


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), grown))
def test_json_of_any_shape_raises_nothing(found: Any) -> None:
    reply = RemoteReply(250)
    for each in (found, {"choices": found}, {"choices": [found]}, {"choices": [{"delta": found}]}):
        if isinstance(each, dict):
            reply.take(each)
    reply.finish()
    assert reply.tokens >= 0
