"""The session's side of the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.realtime.clerk import agent
from vflow.errors import VflowError
from vflow.session.session import Session
from vflow.web.realtime.agent import SessionAgent


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[SessionAgent, Session]]:
    with agent(tmp_path) as preloaded, Session(preloaded) as session:
        yield SessionAgent(session), session


def test_properties_are_found_wherever_they_are(made: tuple[SessionAgent, Session]) -> None:
    found, session = made
    knobs = [found.knob(name) for name in ("threshold", "persona", "voice", "word_ms")]
    assert [(knob.node, knob.hot) for knob in knobs if knob] == [
        ("vad.turn", True), ("answer", True), ("voice", True), ("voice", False),
    ]  # fmt: skip
    assert found.knob("nothing") is None
    found.set("speech_end_after", "300ms")
    assert session.pipeline.nodes["vad.turn"].speech_end_after == 300_000_000  # type: ignore[attr-defined]
    with pytest.raises(VflowError):
        found.check("threshold", 7)


def test_agent_reports_the_abilities_of_its_graph(made: tuple[SessionAgent, Session]) -> None:
    found, _ = made
    assert (found.rate, found.hears, found.types, found.button, found.judges) == (
        24_000,
        True,
        True,
        False,
        False,
    )


def test_entries_are_kept_cut_and_removed(made: tuple[SessionAgent, Session]) -> None:
    found, session = made
    found.remember("user", "I am Ada.", -1)
    found.remember("assistant", "Hello Ada.", -2)
    found.settle(-2, "Hello")
    assert [entry.text for entry in session.conversation.entries()] == ["I am Ada.", "Hello"]
    found.forget("user", -1)
    assert [entry.text for entry in session.conversation.entries()] == ["Hello"]
