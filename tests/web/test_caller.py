"""A client with files in place of microphone and loudspeaker, at a real server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from websockets.asyncio.server import ServerConnection, serve

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from tests.web.live import TOKEN, Live, agent, spoken
from vflow.errors import VflowError
from vflow.web.address import Address
from vflow.web.caller import Caller

Told = list[Mapping[str, Any]]


def called(live: Live, folder: Path, token: str = TOKEN, port: int = 0) -> tuple[Told, Path]:
    """Ask a question out of a file; returns what was told, and the recording of the reply."""
    question, reply = folder / "question.wav", folder / "reply.wav"
    soundfile.write(question, np.frombuffer(spoken(), "<i2"), 16_000)
    stand_ins = {
        "mic": ("wav_source", {"file": str(question), "pace": "free"}),
        "speaker": ("wav_sink", {"file": str(reply), "sync": True}),
    }
    told: Told = []
    address = Address(f"ws://127.0.0.1:{port or live.port}/ws", token)
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


def test_address_without_a_server_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(VflowError, match=f"ws://127.0.0.1:{port}/ws: "):
        asyncio.run(Caller(Address(f"ws://127.0.0.1:{port}/ws"), print).talk())


def test_a_server_of_another_kind_is_an_error(live: Live) -> None:
    with pytest.raises(VflowError, match="refuses: "):
        asyncio.run(Caller(Address(f"ws://127.0.0.1:{live.port}/nothing"), print).talk())


class Scripted:
    """A server of one client, which says what is written down."""

    def __init__(self) -> None:
        self.reports: list[float] = []
        self.while_held = 0.0
        self.heard = 0
        """Pieces of the microphone's audio."""

    async def serve(self, socket: ServerConnection) -> None:
        assert json.loads(await socket.recv())["played"] is True
        about = {"session": "x", "resume": None, "resume_for_s": 0, "received": 0, "output_rate": 24_000}
        await socket.send(json.dumps({"type": "ready", **about}))
        for _ in range(10):  # half a second, in 16 bit
            await socket.send(b"\1\0\0\0" + b"\x00\x14" * 1_200)
        await self.read(socket, lambda: bool(self.reports))
        await socket.send('{"type": "held"}')
        at = self.heard
        await self.read(socket, lambda: self.heard > at + 15)  # 0.3 s
        self.while_held = self.reports[-1]
        await socket.send('{"type": "goes_on"}')
        await self.read(socket, lambda: self.reports[-1] == 0.5)
        await socket.send('{"type": "turn_ended", "turn": 1}')
        await socket.close()

    async def read(self, socket: ServerConnection, done: Callable[[], bool]) -> None:
        while not done():
            message = await socket.recv()
            self.heard += isinstance(message, bytes)
            if isinstance(message, str):
                self.reports.append(json.loads(message)["seconds"])


def test_playback_is_reported_and_paused_by_a_hold(tmp_path: Path) -> None:
    server, reply, silence = Scripted(), tmp_path / "reply.wav", tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(16_000 * 2, np.float32), 16_000)
    stand_ins: Any = {
        "mic": ("wav_source", {"file": str(silence), "pace": "clock"}),
        "speaker": ("wav_sink", {"file": str(reply), "sync": True}),
    }

    async def talk() -> None:
        async with serve(server.serve, "127.0.0.1", 0, subprotocols=["vflow.1"]) as listening:  # type: ignore[list-item]
            port = next(iter(listening.sockets)).getsockname()[1]
            async with asyncio.timeout(3 * PATIENCE_S):
                await Caller(Address(f"ws://127.0.0.1:{port}/ws"), lambda told: None, stand_ins).talk()

    asyncio.run(talk())
    assert server.reports == sorted(server.reports)
    assert server.while_held < 0.5
    samples, _ = soundfile.read(reply, dtype="int16")
    loud = np.flatnonzero(samples)
    assert np.diff(loud).max() > 0.1 * 24_000, "it was not paused"
    assert 12_000 - 10 <= len(loud) <= 12_000, "the fades of a pause end in 0"
