"""A client with files in place of microphone and loudspeaker, at a real server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests import scripted_agent
from tests.web.live import TOKEN, Live, agent, spoken
from vflow.errors import VflowError
from vflow.web.address import Address
from vflow.web.caller import Caller

Told = list[Mapping[str, Any]]


def called(live: Live, folder: Path, token: str = TOKEN) -> tuple[Told, Path]:
    """Ask a question out of a file; returns what was told, and the recording of the reply."""
    question, reply = folder / "question.wav", folder / "reply.wav"
    soundfile.write(question, np.frombuffer(spoken(), "<i2"), 16_000)
    stand_ins = {
        "mic": ("wav_source", {"file": str(question), "pace": "free"}),
        "speaker": ("wav_sink", {"file": str(reply), "sync": True}),
    }
    told: Told = []
    address = Address(f"ws://127.0.0.1:{live.port}/ws", token)
    asyncio.run(Caller(address, told.append, stand_ins).talk())
    return told, reply


def test_a_question_is_answered_into_the_recording(live: Live, tmp_path: Path) -> None:
    told, reply = called(live, tmp_path)
    (turn,) = [message for message in told if message["type"] == "turn_ended"]
    assert turn["heard"] == scripted_agent.REPLY
    samples, rate = soundfile.read(reply)
    sounding = np.abs(samples) > 0.01
    words = len(scripted_agent.REPLY.split())
    assert rate == scripted_agent.VOICE_RATE
    assert sounding.sum() / rate == pytest.approx(words * 0.04, rel=0.1)


def test_a_refusal_is_an_error_in_the_servers_words(live: Live, tmp_path: Path) -> None:
    with pytest.raises(VflowError, match="the token is missing or wrong"):
        called(live, tmp_path, token="wrong")


def test_a_session_that_fails_is_an_error(tmp_path: Path) -> None:
    class Failing(scripted_agent.Answer):
        def on_event(self, event: Any) -> Any:
            raise ValueError

    with (
        agent(tmp_path, {"t.answer": Failing}) as preloaded,
        Live(preloaded) as live,
        pytest.raises(VflowError, match="the agent failed"),
    ):
        called(live, tmp_path)


def test_an_address_at_which_nobody_is_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(VflowError, match=f"ws://127.0.0.1:{port}/ws: "):
        asyncio.run(Caller(Address(f"ws://127.0.0.1:{port}/ws"), print).talk())


def test_a_server_of_another_kind_is_an_error(live: Live) -> None:
    with pytest.raises(VflowError, match="refuses: "):
        asyncio.run(Caller(Address(f"ws://127.0.0.1:{live.port}/nothing"), print).talk())
