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
from vflow_nodes.chat.summary import HEADING, REQUEST, asked, instructed

TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"


def test_a_persona_says_what_was_said_earlier() -> None:
    assert instructed("Be kind.", "") == "Be kind."
    assert instructed("Be kind.", "Ada sails.") == f"Be kind.\n\n{HEADING} Ada sails."


def test_the_model_is_asked_for_the_notes_and_what_came_since() -> None:
    said = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
    (message,) = asked("Ada sails.", said)
    assert message["content"] == f"Notes: Ada sails.\nUser: Hi.\nAssistant: Hello.\n\n{REQUEST}"
    assert asked("", said)[0]["content"].startswith("User: Hi.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.build(tmp_path_factory.mktemp("model"), TEMPLATE)


@pytest.fixture
def harness(folder: Path) -> Iterator[Harness]:
    options = {"min_words": 0, "min_tokens": 0, "persona": "Be kind."}
    with Harness(Chat(model=str(folder), device="cpu", context=900, max_tokens=2, **options)) as harness:
        yield harness


def ask(harness: Harness, turns: range) -> None:
    """Turns that were said and answered before, and one more."""
    for turn in turns:
        harness.conversation.append("user", f"Question {turn} {'x' * 60}", turn)
        harness.conversation.append("assistant", f"Answer {turn} {'y' * 60}", turn)
    harness.push(TextPacket(text="And now?", turn=turns.stop))


def prompt(node: Any) -> str:
    text: str = node._language.tokenizer.decode(node._prompt())
    return text


def write(harness: Harness, deadline_s: float = 60) -> None:
    """Let the node look after its summary until none is being written."""
    node: Any = harness.node
    end = time.monotonic() + deadline_s
    while harness.timer_ns is not None:
        assert time.monotonic() < end
        harness.time_ns, harness.timer_ns = harness.timer_ns, None
        list(node.on_timer())
        if node._writing is not None:
            node._language.engine.call(lambda: None).result(deadline_s)


def test_what_leaves_the_context_is_kept_as_a_summary(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = harness.node
    monkeypatch.setattr("vflow_nodes.chat.summary.Summary.poll", lambda self: "Ada sails.")
    ask(harness, range(1, 6))
    assert HEADING not in prompt(node)
    write(harness)
    text = prompt(node)
    assert text.startswith(f"[system]Be kind.\n\n{HEADING} Ada sails.")
    assert "Question 1 " not in text
    assert "And now?" in text


def test_the_model_itself_writes_it_in_a_session_of_its_own(harness: Harness) -> None:
    node: Any = harness.node
    ask(harness, range(1, 6))
    replies = node._language.engine.stats()["replies"]
    write(harness)
    assert node._language.engine.stats()["replies"] == replies + 1
    assert node._writing is None


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
