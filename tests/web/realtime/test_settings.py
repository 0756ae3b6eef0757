"""Settings of a session, and of one response."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.realtime.stand_in import StandIn, Talk, code


def update(talk: Talk, **session: Any) -> dict[str, Any]:
    (event,) = talk.say("session.update", session=session)
    assert event["type"] == "session.updated", event
    found: dict[str, Any] = event["session"]
    return found


def test_first_settings_describe_the_graph() -> None:
    session = Talk().created["session"]
    assert (session["model"], session["instructions"]) == ("gpt-realtime", "Be brief.")
    assert session["output_modalities"] == ["audio"]
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "voice": "ada",
        "speed": 1.0,
    }
    assert Talk(StandIn(rate=None)).created["session"]["output_modalities"] == ["text"]


def test_instructions_limits_and_speed_are_properties_of_the_graph() -> None:
    talk = Talk()
    session = update(talk, instructions="Be kind.", max_output_tokens=20, audio={"output": {"speed": 1.2}})
    assert (session["instructions"], session["max_output_tokens"]) == ("Be kind.", 20)
    assert session["audio"]["output"]["speed"] == 1.2
    values = talk.agent.values
    assert (values["persona"], values["max_tokens"], values["speed"]) == ("Be kind.", 20, 1.2)
    update(talk, max_output_tokens="inf")
    assert talk.agent.values["max_tokens"] == 250
    assert update(talk)["instructions"] == "Be kind."


def test_default_settings_of_stock_clients_are_accepted() -> None:
    talk = Talk()
    session = update(
        talk,
        type="realtime",
        model="gpt-realtime-2",
        tools=[],
        tool_choice="auto",
        tracing={"workflow_name": "x"},
        audio={
            "input": {"noise_reduction": {"type": "near_field"}, "transcription": {"model": "whisper-1"}},
            "output": {"voice": "ash", "format": {"type": "audio/pcmu"}},
        },
    )
    assert session["audio"]["output"]["voice"] == "ada"  # whose voice it is
    assert session["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    assert session["audio"]["input"]["noise_reduction"] is None
    assert session["audio"]["input"]["transcription"] == {"model": "whisper-1"}
    assert update(talk, tracing=None)["model"] == "gpt-realtime-2"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "tools": ({"tools": [{"type": "function", "name": "f"}]}, "session.tools"),
    "a tool that has to be called": ({"tool_choice": "required"}, "session.tool_choice"),
    "both modalities": ({"output_modalities": ["text", "audio"]}, "session.output_modalities"),
    "a voice of nobody": ({"audio": {"output": {"voice": "nobody"}}}, "session.audio.output.voice"),
    "a voice of one's own": ({"audio": {"output": {"voice": {"id": "v"}}}}, "session.audio.output.voice"),
    "a speed beyond the voice's": ({"audio": {"output": {"speed": 0.3}}}, "session.audio.output.speed"),
    "a rate": (
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}},
        "session.audio.input.format.rate",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_setting_that_cannot_change_is_refused_and_nothing_changes(what: str) -> None:
    fields, param = REFUSED[what]
    talk = Talk()
    before = dict(talk.agent.values)
    assert code(talk.say("session.update", session={"instructions": "Be kind.", **fields}))[1] == param
    assert talk.agent.values == before
    assert update(talk)["instructions"] == "Be brief."


def test_a_graph_with_a_fixed_persona_says_so() -> None:
    talk = Talk(StandIn().without("persona"))
    assert code(talk.say("session.update", session={"instructions": "x"})) == (
        "unsupported_value",
        "session.instructions",
    )
