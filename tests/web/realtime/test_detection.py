"""Turn detection, mapped on a graph's properties."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.realtime.stand_in import StandIn, Talk, code
from vflow.packet import MS

PARAM = "session.audio.input.turn_detection"


def detect(talk: Talk, detection: Any) -> Any:
    """Set a detection; return the session's after it, or the code and field of the error."""
    events = talk.say("session.update", session={"audio": {"input": {"turn_detection": detection}}})
    if events[0]["type"] == "error":
        return code(events)
    return events[0]["session"]["audio"]["input"]["turn_detection"]


def test_a_graph_says_how_it_finds_turns() -> None:
    def first(agent: StandIn) -> Any:
        return Talk(agent).created["session"]["audio"]["input"]["turn_detection"]

    assert first(StandIn())["type"] == "semantic_vad"
    assert first(StandIn(judges=False)) == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 400,
        "silence_duration_ms": 480,
        "create_response": True,
        "interrupt_response": True,
    }
    assert first(StandIn(detect=False)) is None
    assert first(StandIn(button=True).without("detect")) is None


def test_server_vad_is_silence_alone() -> None:
    talk = Talk()
    asked = {
        "type": "server_vad",
        "threshold": 0.7,
        "prefix_padding_ms": 200,
        "silence_duration_ms": 900,
        "create_response": False,
        "interrupt_response": False,
    }
    assert detect(talk, asked) == asked
    values = talk.agent.values
    assert (values["threshold"], values["pre_roll"], values["speech_end_after"]) == (0.7, "200ms", "900ms")
    assert (values["waits"], values["answers"], values["barge_in"]) == ({}, False, False)


def test_semantic_vad_waits_as_eagerly_as_asked_for_and_brings_the_graphs_own_back() -> None:
    talk = Talk()
    detect(talk, {"type": "server_vad", "threshold": 0.9})
    detect(talk, {"type": "semantic_vad", "eagerness": "low"})
    assert talk.agent.values["waits"] == {0.5: "600ms"}
    assert talk.agent.values["speech_end_after"] == "960ms"
    assert talk.agent.values["threshold"] == 0.5
    made = detect(talk, {"type": "semantic_vad"})
    assert made == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }
    assert talk.agent.values["waits"] == {0.5: "300ms"}


def test_where_nothing_judges_the_session_says_that_silence_ends_a_turn() -> None:
    talk = Talk(StandIn(judges=False))
    assert detect(talk, {"type": "semantic_vad"})["type"] == "server_vad"


def test_null_gives_the_turns_to_the_client() -> None:
    talk = Talk()
    assert detect(talk, False) is None  # as some clients say it
    assert detect(talk, None) is None
    values = talk.agent.values
    assert (values["detect"], values["barge_in"], values["pre_roll"]) == (False, False, "0ms")
    assert values["answers"] is False
    back = detect(talk, {"type": "server_vad"})
    assert back["prefix_padding_ms"] == 400
    assert talk.agent.values["detect"] is True


@pytest.mark.parametrize(
    ("agent", "detection", "param"),
    [
        (StandIn(), {"type": "server_vad", "threshold": 0.05}, f"{PARAM}.threshold"),
        (StandIn(), True, PARAM),
        (StandIn(), {"type": "server_vad", "idle_timeout_ms": 6_000}, f"{PARAM}.idle_timeout_ms"),
        (
            StandIn().without("answers"),
            {"type": "server_vad", "create_response": False},
            f"{PARAM}.create_response",
        ),
        (StandIn(button=True).without("detect"), {"type": "server_vad"}, PARAM),
        (StandIn().without("detect"), {"type": "server_vad"}, PARAM),
        (StandIn().without("detect"), None, PARAM),
    ],
)
def test_unsupported_detection_is_refused_with_its_field_and_changes_nothing(
    agent: StandIn, detection: Any, param: str
) -> None:
    talk = Talk(agent)
    before = dict(agent.values)
    found_code, found_param = detect(talk, detection)
    assert found_param == param
    assert found_code in ("unsupported_value", "invalid_value")
    assert agent.values == before
    assert MS
