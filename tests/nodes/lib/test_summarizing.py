"""A conversation that outgrows its context: the model writes down what leaves it, between turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nodes.chat import tiny_model
from vflow import Harness, Played, TextPacket
from vflow_nodes.chat import Chat
from vflow_nodes.lib.summary import HEADING

TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.build(tmp_path_factory.mktemp("model"), TEMPLATE)


@pytest.fixture
def harness(folder: Path) -> Iterator[Harness]:
    options = {"min_words": 0, "min_tokens": 0, "persona": "Be kind."}
    with Harness(Chat(model=str(folder), device="cpu", context=900, max_tokens=2, **options)) as harness:
        yield harness


def ask(harness: Harness, turns: range) -> None:
    """Ask in several turns that get replies, and once more."""
    for turn in turns:
        harness.conversation.append("user", f"Question {turn} {'x' * 60}", turn)
        harness.conversation.append("assistant", f"Answer {turn} {'y' * 60}", turn)
    harness.push(TextPacket(text="And now?", turn=turns.stop))


def prompt(node: Any) -> str:
    text: str = node._language.tokenizer.decode(node._prompt())
    return text


def write(harness: Harness, deadline_s: float = 60) -> None:
    """Fire the node's timers until no summary is being written."""
    node: Any = harness.node
    end = time.monotonic() + deadline_s
    while harness.timer_ns is not None:
        assert time.monotonic() < end
        harness.time_ns, harness.timer_ns = harness.timer_ns, None
        list(node.on_timer())
        if node._writing is not None:
            node._language.engine.call(lambda: None).result(deadline_s)


def test_turns_that_leave_the_context_are_kept_as_a_summary(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = harness.node
    monkeypatch.setattr("vflow_nodes.lib.summary.Summary.poll", lambda self: "Ada sails.")
    ask(harness, range(1, 6))
    assert HEADING not in prompt(node)
    write(harness)
    text = prompt(node)
    assert text.startswith(f"[system]Be kind.\n\n{HEADING} Ada sails.")
    assert "Question 1 " not in text
    assert "And now?" in text


def test_summary_is_written_by_the_model_in_its_own_session(harness: Harness) -> None:
    node: Any = harness.node
    ask(harness, range(1, 6))
    replies = node._language.engine.stats()["replies"]
    write(harness)
    assert node._language.engine.stats()["replies"] == replies + 1
    assert node._writing is None


def test_a_model_that_writes_no_summary_is_warned_of_once(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = harness.node
    monkeypatch.setattr("vflow_nodes.lib.summary.Summary.poll", lambda self: "")
    for turns in (range(1, 6), range(7, 9)):
        ask(harness, turns)
        write(harness)
    assert HEADING not in prompt(node)
    told = [message.text for message in harness.messages if message.kind == "warning"]
    assert [text for text in told if "summary" in text] == [
        "the model wrote no summary of the turns that the context has no room for, and they are forgotten; "
        "set 'model' to another, or set 'context' higher"
    ]


def test_summary_of_deleted_turns_is_dropped(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    node: Any = harness.node
    ask(harness, range(1, 6))
    list(node.on_timer())
    harness.conversation.delete(1)
    monkeypatch.setattr("vflow_nodes.lib.summary.Summary.poll", lambda self: "Ada sails.")
    list(node.on_timer())
    assert "Ada sails." not in prompt(node)


def test_a_short_conversation_needs_none(harness: Harness) -> None:
    ask(harness, range(1, 2))
    write(harness)
    node: Any = harness.node
    assert node._memory.summary == ""
    assert HEADING not in prompt(node)


def test_a_turn_that_begins_ends_a_summary_that_is_being_written(harness: Harness) -> None:
    node: Any = harness.node
    ask(harness, range(1, 6))
    list(node.on_timer())
    writing = node._writing
    assert writing is not None
    harness.push(TextPacket(text="Well?", turn=9))
    assert writing._reply.over
    assert node._writing is None


def test_a_flush_ends_it_and_it_is_begun_anew(harness: Harness) -> None:
    node: Any = harness.node
    ask(harness, range(1, 6))
    list(node.on_timer())
    harness.timer_ns = None
    harness.cancel(6, played=(Played(6, 100, 24000, heard="a", words=1),))
    assert node._writing is None
    assert harness.timer_ns is not None


def test_none_forgets_and_says_once_what_would_help(folder: Path) -> None:
    node = Chat(model=str(folder), device="cpu", context=300, max_tokens=2, summary="none", persona="Hi.")
    with Harness(node) as harness:
        ask(harness, range(1, 6))
        harness.push(TextPacket(text="And then?", turn=9))
        assert harness.timer_ns is None
        told = [message.text for message in harness.messages if message.kind == "warning"]
    assert [text for text in told if "outgrown" in text] == [
        "the conversation has outgrown the context, and its oldest turns are left out; "
        "set 'summary: model', or set 'context' higher"
    ]
