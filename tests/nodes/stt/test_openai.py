"""`stt.openai`: what is sent of an utterance and when, and what is made of the answer."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests import remote_server as remote
from tests.remote_server import Answer, Asked, Remote, error, sends, serve
from vflow import AudioPacket, Harness, Pause, Resume, SpeechEnd, SpeechStart, TextPacket
from vflow_nodes.lib.remote import utterance
from vflow_nodes.lib.remote.utterance import RATE
from vflow_nodes.stt.openai import OpenAiStt

LOUD = np.full(RATE // 2, 0.25, np.float32)


def heard(text: str) -> Answer:
    return sends(200, {"text": text})


@contextmanager
def stt(*answers: Answer, **values: Any) -> Iterator[tuple[Harness, Remote]]:
    with serve(*answers) as server:
        node = OpenAiStt(base_url=server.url, model="tiny", **{"retries": 0, **values})
        with Harness(node) as harness:
            yield harness, server


def say(harness: Harness, *blocks: np.ndarray, turn: int = 1) -> None:
    harness.event(SpeechStart(turn=turn))
    for block in blocks:
        harness.push(AudioPacket(data=block, rate=RATE, turn=turn))


def transcripts(harness: Harness) -> list[str]:
    return [item.text for item in harness.pull() if isinstance(item, TextPacket)]


def sent(asked: Asked) -> tuple[dict[str, str], int]:
    """Return the fields of an upload, and how many samples its wav has."""
    boundary = re.search(r"boundary=(\S+)", asked.headers["content-type"])
    assert boundary is not None
    fields, frames = {}, 0
    for part in asked.body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="(\w+)"', head)
        assert name is not None
        if name[1] == b"file":
            with wave.open(io.BytesIO(content)) as file:
                assert file.getparams()[:3] == (1, 2, RATE)
                frames = file.getnframes()
        else:
            fields[name[1].decode()] = content.decode()
    return fields, frames


def test_an_utterance_is_sent_as_a_wav_when_it_ends_and_its_transcript_comes() -> None:
    with stt(heard(" What is\nthe capital? "), language="en", prompt="Paris") as (harness, server):
        say(harness, LOUD, LOUD)
        harness.event(Pause(turn=1))
        assert not server.asked
        harness.event(SpeechEnd(turn=1, pts_ns=5))
        assert transcripts(harness) == ["What is the capital?"]
    assert server.asked[0].path == "/v1/audio/transcriptions"
    fields = {"model": "tiny", "response_format": "json", "language": "en", "prompt": "Paris"}
    assert sent(server.asked[0]) == (fields, RATE)


def test_silence_and_clicks_are_not_sent() -> None:
    with stt(heard("You")) as (harness, server):
        for blocks in ((), (LOUD[:100],), (LOUD * 0.001,)):
            say(harness, *blocks)
            harness.event(SpeechEnd(turn=1))
            assert transcripts(harness) == [""]
        assert not server.asked


def test_a_long_utterance_is_sent_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utterance, "PIECE", RATE)
    with stt(heard("one"), heard("two")) as (harness, server):
        say(harness, LOUD, LOUD, LOUD)
        harness.event(SpeechEnd(turn=1))
        assert transcripts(harness) == ["one two"]
    assert [sent(asked)[1] for asked in server.asked] == [RATE, RATE // 2]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(500, "boom"), "(500): boom"),
        (sends(200, {"words": []}), "JSON without a transcript"),
        (sends(200, b"\x00\x01"), "what is no JSON"),
        (remote.hangs_up, "closed the connection"),
        (remote.silent, "sent nothing whole for 0.3 s"),
    ],
)
def test_a_failure_is_an_empty_transcript_with_a_warning(answer: Answer, said: str) -> None:
    with stt(answer, heard("Hello."), patience="300ms") as (harness, _):
        for turn in (1, 2):
            say(harness, LOUD, turn=turn)
            harness.event(SpeechEnd(turn=turn))
        assert transcripts(harness) == ["", "Hello."]
        (warning,) = [message.text for message in harness.messages if message.kind == "warning"]
        assert warning.startswith("turn 1 is not transcribed: 127.0.0.1")
        assert said in warning


def test_with_speculate_it_is_sent_at_the_pause_and_not_again() -> None:
    with stt(heard("Hello."), speculate=True) as (harness, server):
        say(harness, LOUD)
        harness.speculative_turn = 1
        harness.event(Pause(turn=1))
        assert transcripts(harness) == ["Hello."]
        harness.event(SpeechEnd(turn=1))
        assert transcripts(harness) == []
        assert len(server.asked) == 1


def test_a_request_in_vain_is_counted_and_the_whole_is_sent_again() -> None:
    with stt(heard("Hello"), heard("Hello you."), speculate=True) as (harness, server):
        say(harness, LOUD)
        harness.speculative_turn = 1
        harness.event(Pause(turn=1))
        harness.retracted(1)
        harness.event(Resume(turn=1))
        harness.push(AudioPacket(data=LOUD, rate=RATE, turn=1))
        harness.pull()
        harness.event(SpeechEnd(turn=1))
        assert transcripts(harness) == ["Hello you."]
        assert [sent(asked)[1] for asked in server.asked] == [RATE // 2, RATE]
    stats = next(message for message in harness.messages if message.kind == "stats").data
    assert (stats["in_advance"], stats["void_in_advance"], stats["audio_s"]) == (1, 1, 1.5)
