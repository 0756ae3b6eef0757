"""A session outlives its connection: the client comes back, and nothing is missing or comes twice."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from tests.web.cutting import returning
from tests.web.live import QUIET, Live, agent, spoken
from vflow.web.limits import Limits
from vflow_nodes.app_source import AppSource

WORD_MS = 40
REPLY = scripted_agent.REPLY.split()


def closed(connection: ClientConnection) -> tuple[int | None, str | None]:
    """Read until it is closed; returns code and reason."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            connection.recv(PATIENCE_S)
    return connection.close_code, connection.close_reason


def expected() -> bytes:
    """PCM16 of the whole reply."""
    frames = WORD_MS * scripted_agent.VOICE_RATE // 1000
    word = (0.2 * np.sin(np.arange(frames) * 0.1)).astype(np.float32)
    return (np.tile(word, len(REPLY)) * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_reply_that_is_cut_in_the_middle_of_words_goes_on_from_the_exact_sample(
    live: Live, seed: int
) -> None:
    with returning(live, cuts=5, seed=seed) as (client, network):
        client.say('{"type": "ask", "text": "go on"}')
        turn = client.wait_for("turn_ended")
        assert network.cuts == client.returns == 5
    assert client.audio == expected()
    assert [word["text"] for word in client.all("word")] == REPLY
    assert turn["heard"] == scripted_agent.REPLY
    assert not turn["interrupted"]
    assert len(client.all("user")) == 1
    live.until(lambda: not live.roster.guests)
    assert live.roster.served == 1


def test_a_reply_over_raw_audio_goes_on_from_the_exact_sample(live: Live) -> None:
    with returning(live, cuts=4, path="/raw") as (client, network):
        client.say(spoken())
        while not [m for m in client.all("transcript") if m["role"] == "agent"]:
            client.read()
        assert network.cuts == client.returns == 4
    assert client.audio == expected()


def test_speech_during_a_lost_connection_is_heard_once_and_whole(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed, push = [], AppSource.push

    def heard(source: AppSource, samples: Any, rate: int | None = None) -> bool:
        taken = push(source, samples, rate)
        if taken:
            pushed.append(samples)
        return taken

    monkeypatch.setattr(AppSource, "push", heard)
    with returning(live) as (client, network):
        said, size = spoken(), 640
        for at in range(0, len(said), size):
            client.say(said[at : at + size])
            if at // size in (8, 14, 20):
                network.cut()
                came_back = client.returns
                while client.returns == came_back:
                    client.read()
        client.wait_for("turn_ended")
        assert client.returns == 3
    assert b"".join(pushed) == said


def test_a_client_that_is_away_holds_its_place_and_its_reply_until_its_time_is_over(tmp_path: Path) -> None:
    limits = replace(QUIET, sessions=1, resume_for_s=1.0)
    with (
        agent(tmp_path, word_ms=WORD_MS) as preloaded,
        Live(preloaded, limits) as live,
        returning(live) as (client, network),
    ):
        client.say('{"type": "ask", "text": "go on"}')
        client.wait_for("word")
        network.cut()
        live.until(lambda: [guest.state for guest in live.roster.guests] == ["away"])
        with live.client() as other:
            other.say("start")
            assert other.closed() == (1013, "full")
        live.until(lambda: not live.roster.guests)
        with live.client() as other:
            other.begin()
        live.until(lambda: not live.roster.guests)
        with live.client() as late:
            late.say("resume", **identity(client), received=client.received)
            assert late.closed() == (1008, "resume")
        assert live.closed["lost"] == 1


def identity(client: Any) -> dict[str, str]:
    return {"session": client.about["session"], "token": client.about["resume"]}


def test_a_second_connection_takes_the_session_over_from_the_first(live: Live) -> None:
    with returning(live) as (client, _):
        client.say('{"type": "ask", "text": "go on"}')
        client.wait_for("word")
        with live.client() as second:
            second.say("resume", **identity(client), received=client.received)
            assert second.wait_for("ready")["session"] == client.about["session"]
            assert closed(client.socket) == (1001, "the session goes on in another connection")
            rest = second.wait_for("turn_ended")
            assert rest["heard"] == scripted_agent.REPLY
            texts = [m["text"] for m in [*client.texts, *second.texts] if m["type"] == "word"]
    assert live.closed["replaced"] == 1
    assert texts == REPLY


@pytest.mark.parametrize("wrong", ["token", "session", "received", "protocol"])
def test_wrong_token_does_not_resume_or_disturb_a_session(live: Live, wrong: str) -> None:
    with returning(live) as (client, _), returning(live) as (other, _):
        client.say('{"type": "ask", "text": "go on"}')
        client.wait_for("word")
        fields = {**identity(client), "received": client.received}
        if wrong in ("token", "session"):
            fields[wrong] = identity(other)[wrong]
        elif wrong == "received":
            fields["received"] = 10**6
        with live.client("/raw?resume" if wrong == "protocol" else "/ws") as thief:
            thief.say("resume", **fields)
            assert thief.closed() == (1008, "missed" if wrong == "received" else "resume")
        assert client.wait_for("turn_ended")["heard"] == scripted_agent.REPLY
        assert client.returns == 0


def test_resume_is_said_first_and_once(live: Live) -> None:
    with returning(live) as (client, _):
        client.say('{"type": "resume", "session": "x", "token": "y", "received": 0}')
        assert closed(client.socket)[0] == 1007


def test_where_no_session_waits_none_can_be_resumed(tmp_path: Path) -> None:
    with (
        agent(tmp_path) as preloaded,
        Live(preloaded, replace(QUIET, resume_for_s=0)) as live,
        returning(live) as (client, network),
    ):
        assert client.about["resume"] is None
        network.cut()
        live.until(lambda: not live.roster.guests)


def test_stopping_server_does_not_wait_for_absent_clients(tmp_path: Path) -> None:
    with (
        agent(tmp_path, word_ms=500) as preloaded,
        Live(preloaded) as live,
        returning(live) as (client, network),
    ):
        client.say('{"type": "ask", "text": "go on"}')
        client.wait_for("word")
        network.cut()
        live.until(lambda: [guest.state for guest in live.roster.guests] == ["away"])
        live.stop()
        live.until(lambda: not live.roster.guests)


def test_client_that_resumes_too_often_is_closed(tmp_path: Path) -> None:
    with (
        agent(tmp_path, word_ms=WORD_MS) as preloaded,
        Live(preloaded, Limits(sessions=4, commands_per_s=1, burst_s=5)) as live,
        live.client() as other,
        returning(live) as (client, _),
    ):
        other.begin()
        other.say("ask", text="go on")
        codes = []
        for _ in range(10):
            with live.client() as again:
                again.say("resume", **identity(client), received=client.received)
                codes.append(again.read() or {})
                with contextlib.suppress(OSError):  # the server was first
                    again.socket.socket.shutdown(socket.SHUT_RDWR)  # its network, not the client, ends it
        assert [code["type"] for code in codes].count("ready") <= 6
        assert codes[-1]["code"] == "flood"
        assert other.wait_for("turn_ended")["heard"] == scripted_agent.REPLY
