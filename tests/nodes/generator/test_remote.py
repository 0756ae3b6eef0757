"""`generator.remote`: an utterance goes out as sound; a reply and a transcript come."""

from __future__ import annotations

import base64
import io
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests import remote_server as remote
from tests.remote_server import Answer, Exchange, Remote, error, reply, sends, serve
from vflow import AudioPacket, Harness, Pause, SpeechEnd, SpeechStart, TextPacket, TurnEnd
from vflow.graph.roles import ROLES
from vflow.ports import inputs_of, outputs_of
from vflow_nodes.generator.remote import RemoteGenerator

LOUD = np.full(8000, 0.25, np.float32)
HEARD = sends(200, {"text": "What is it?"})


@contextmanager
def generator(answer: Answer, written: Answer = HEARD, **values: Any) -> Iterator[tuple[Harness, Remote]]:
    """Run a generator at a server with these answers and transcripts."""

    def either(exchange: Exchange) -> None:
        (written if exchange.path.endswith("/transcriptions") else answer)(exchange)

    with serve(either) as server:
        node = RemoteGenerator(base_url=server.url, model="ears", persona="", **{"retries": 0, **values})
        with Harness(node) as harness:
            yield harness, server


def say(harness: Harness, turn: int = 1, data: Any = LOUD) -> None:
    harness.event(SpeechStart(turn=turn))
    harness.push(AudioPacket(data=data, rate=16_000, turn=turn), "audio")


def end(harness: Harness, turn: int = 1) -> tuple[list[str], list[str], str]:
    """End the utterance; return the words, the transcripts and the stop reason."""
    harness.pull()
    harness.event(SpeechEnd(turn=turn))
    ended = [item for item in harness.pull("words") if isinstance(item, TurnEnd)]
    return (
        taken(harness, "words"),
        taken(harness, "transcript"),
        ended[0].meta["stop_reason"] if ended else "",
    )


def taken(harness: Harness, port: str) -> list[str]:
    messages = [m.data for m in harness.messages if m.kind == "packet" and m.data["port"] == port]
    return [data["packet"].text for data in messages]


def chats(server: Remote) -> list[Any]:
    return [asked.json["messages"] for asked in server.asked if asked.path.endswith("/completions")]


def test_the_utterance_goes_out_as_sound_and_its_transcript_is_the_history() -> None:
    with generator(reply("It is ", "a test.")) as (harness, server):
        say(harness)
        assert end(harness) == (["It", "is", "a", "test."], ["What is it?"], "eos")
        say(harness, 2)
        end(harness, 2)
    (first,) = chats(server)[0]
    (part,) = first["content"]
    assert (first["role"], part["type"], part["input_audio"]["format"]) == ("user", "input_audio", "wav")
    with wave.open(io.BytesIO(base64.b64decode(part["input_audio"]["data"]))) as file:
        assert (file.getframerate(), file.getnframes()) == (16_000, 8000)
    assert chats(server)[1][:2] == [
        {"role": "user", "content": "What is it?"},
        {"role": "assistant", "content": "It is a test."},
    ]


def test_a_transcript_that_is_faster_than_the_reply_does_not_wait_for_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = threading.Event()

    def goes_on(exchange: Exchange) -> None:
        exchange.begin()
        while not told.wait(0.02) and not exchange.server.remote.over.is_set():
            exchange.write(remote.chunk("more "))
        exchange.write(remote.chunk("last.", "stop") + remote.DONE)

    with generator(goes_on) as (harness, _):
        original = harness.node._told  # type: ignore[attr-defined]
        monkeypatch.setattr(harness.node, "_told", lambda *of: (told.set(), original(*of))[1])
        say(harness)
        assert end(harness)[1] == ["What is it?"]
        order = [m.data["packet"].text for m in harness.messages if m.kind == "packet"]
        assert order.index("What is it?") < order.index("last.")


def test_silence_is_not_sent() -> None:
    with generator(reply("No.")) as (harness, server):
        say(harness, data=LOUD * 0)
        assert end(harness) == ([], [""], "eos")
        assert not server.asked


def test_a_transcript_that_fails_costs_no_reply() -> None:
    with generator(reply("Yes."), error(404, "no such model")) as (harness, _):
        say(harness)
        assert end(harness) == (["Yes."], ["(speech)"], "eos")
        assert harness.conversation.messages()[0]["content"] == "(speech)"
        assert "'transcribe: false'" in next(m.text for m in harness.messages if m.kind == "warning")


def test_without_transcribe_one_request_is_made() -> None:
    with generator(reply("Yes."), transcribe=False) as (harness, server):
        say(harness)
        assert end(harness) == (["Yes."], ["(speech)"], "eos")
        assert len(server.asked) == 1


def test_failed_reply_ends_its_turn_and_keeps_its_words() -> None:
    with generator(remote.hangs_up) as (harness, _):
        say(harness)
        assert end(harness) == ([], ["What is it?"], "error")
        assert harness.conversation.messages() == [{"role": "user", "content": "What is it?"}]


def test_typed_turns_are_answered_as_text() -> None:
    with generator(reply("Yes.")) as (harness, server):
        harness.push(TextPacket(text="Really?", turn=1), "text")
        assert chats(server) == [[{"role": "user", "content": "Really?"}]]
        assert taken(harness, "transcript") == []


def test_a_pause_is_answered_only_where_it_may_cost() -> None:
    for speculate, asked in ((False, 0), (True, 1)):
        with generator(reply("Yes."), transcribe=False, speculate=speculate) as (harness, server):
            say(harness)
            harness.speculative_turn = 1
            harness.event(Pause(turn=1))
            assert len(server.asked) == asked
            harness.event(SpeechEnd(turn=1))
            assert len(server.asked) == 1


def test_a_turn_whose_answer_in_advance_was_taken_back_is_answered_anew() -> None:
    with generator(reply("Yes."), transcribe=False, speculate=True) as (harness, server):
        say(harness)
        harness.speculative_turn = 1
        harness.event(Pause(turn=1))
        harness.retracted(1)
        assert harness.conversation.messages() == []
        harness.event(SpeechEnd(turn=1))
        assert len(server.asked) == 2
    stats = next(message for message in harness.messages if message.kind == "stats").data
    assert (stats["in_advance"], stats["void_in_advance"]) == (1, 1)


def test_remote_generator_has_the_ports_of_its_role() -> None:
    role = ROLES["generator"]
    assert set(inputs_of(RemoteGenerator)) == set(role.inputs)
    assert set(outputs_of(RemoteGenerator)) == set(role.outputs)
