"""`tts.openai`: what is asked for a chunk, and what comes of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests import remote_server as remote
from tests.remote_server import Answer, Exchange, Remote, error, sends, serve
from vflow import MS, AudioPacket, Harness, SpokenUnit, TextPacket
from vflow_nodes.tts.openai import OpenAiTts

SOUND = (np.full(24_000, 0.5) * 32767).astype("<i2").tobytes()


@contextmanager
def tts(*answers: Answer, **values: Any) -> Iterator[tuple[Harness, Remote]]:
    with serve(*answers) as server:
        node = OpenAiTts(base_url=server.url, model="tiny", **{"retries": 0, **values})
        with Harness(node) as harness:
            yield harness, server


def chunk(*units: tuple[str, str], index: int = 0) -> TextPacket:
    text = " ".join(written for written, _ in units)
    return TextPacket(text=text, index=index, turn=1, units=tuple(SpokenUnit(*unit) for unit in units))


HELLO = chunk(("It", "It"), ("costs", "costs"), ("$2.", "two dollars."))


def packets(harness: Harness, of: TextPacket = HELLO) -> list[AudioPacket]:
    return [item for item in harness.push(of) if isinstance(item, AudioPacket)]


def test_the_spoken_form_is_sent_and_the_sound_carries_the_written_words() -> None:
    with tts(sends(200, SOUND), voice="nova", speed=1.5, instructions="calm") as (harness, server):
        found = packets(harness)
    assert server.asked[0].path == "/v1/audio/speech"
    assert server.asked[0].json == {
        "model": "tiny", "input": "It costs two dollars.", "voice": "nova", "response_format": "pcm",
        "speed": 1.5, "instructions": "calm",
    }  # fmt: skip
    assert sum(p.duration_ns for p in found) == (1000 + 280) * MS
    assert max(p.duration_ns for p in found) <= 100 * MS
    assert [span.word for p in found for span in p.spans] == ["It", "costs", "$2."]


def test_the_first_sound_goes_out_while_the_rest_still_comes() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin(kind="audio/pcm")
        exchange.write(SOUND[:24_000])
        exchange.wait()

    with tts(answer, gap="300ms") as (harness, _):
        found = packets(harness)
        assert len(found) >= 3
        (warning,) = [message.text for message in harness.messages if message.kind == "warning"]
    assert warning.startswith("'It costs two dollars.' is not spoken to its end: ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(500, "boom"), "(500): boom"),
        (error(404, "no voice 'x'"), "(404): no voice 'x'"),
        (sends(200, b"RIFF1234WAVE"), "sends wav, and not the bare samples"),
        (sends(200, b"ID3\x04" + SOUND), "sends mp3, and not the bare samples"),
        (sends(200, b""), "sent no sound"),
        (sends(200, {"error": {"message": "busy"}}), "sent application/json (busy)"),
        (remote.hangs_up, "closed the connection"),
        (remote.silent, "sent nothing whole for 0.3 s"),
    ],
)
def test_a_failure_is_told_and_the_next_chunk_is_spoken(answer: Answer, said: str) -> None:
    with tts(answer, sends(200, SOUND), patience="300ms") as (harness, _):
        assert packets(harness) == []
        (warning,) = [message.text for message in harness.messages if message.kind == "warning"]
        assert warning.startswith("'It costs two dollars.' is not spoken: 127.0.0.1")
        assert said in warning
        assert packets(harness)


def test_nothing_is_asked_for_a_chunk_in_which_nothing_is_said() -> None:
    with tts(sends(200, SOUND)) as (harness, server):
        (packet,) = packets(harness, chunk(("—", ""), index=4))
        assert (packet.duration_ns, packet.spans[0].index) == (10 * MS, 4)
        assert not server.asked


def test_the_rate_of_another_server_is_that_of_its_port() -> None:
    with tts(sends(200, SOUND), rate=16_000) as (harness, _):
        assert {packet.rate for packet in packets(harness)} == {16_000}
        assert str(harness.node.port_caps("audio")) == "audio(rate=16000, channels=1)"


def test_requests_and_sent_text_are_counted() -> None:
    with tts(sends(200, SOUND)) as (harness, _):
        packets(harness)
    stats = next(message for message in harness.messages if message.kind == "stats").data
    assert (stats["requests"], stats["characters"]) == (1, 21)
