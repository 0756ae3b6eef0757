"""A node that answers in the place of a remote one, under the same contract, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest

from tests.remote_server import Remote, error, reply, sends, serve, stream
from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Event,
    Flush,
    GraphError,
    Harness,
    In,
    Node,
    Out,
    SpeechEnd,
    SpeechStart,
    Text,
    TextPacket,
    TurnEnd,
    Unavailable,
)
from vflow.graph.loader import load_text
from vflow_nodes.chat.openai import OpenAiChat
from vflow_nodes.generator.remote import RemoteGenerator
from vflow_nodes.lib.remote import fallback
from vflow_nodes.stt.openai import OpenAiStt
from vflow_nodes.tts.openai import OpenAiTts

DOWN = "http://127.0.0.1:9/v1"
"""Port 9 is discard: nobody listens there."""
LOUD = np.full(16_000, 0.25, np.float32)
SOUND = (np.full(2_400, 0.5) * 32767).astype("<i2").tobytes()


class Spare(Node):
    """Stands in for a chat, and remembers its input."""

    generates = True
    text = In(Text("final"))
    words = Out(Text("word"))
    given: list[Any]

    def open(self) -> None:
        self.given = []

    def process_text(self, packet: TextPacket) -> Iterator[Any]:
        self.given.append(packet.text)
        self.ctx.conversation.append("user", packet.text, packet.turn)
        yield self.words, TextPacket(text="Here.", turn=packet.turn)
        yield None
        yield self.words, TurnEnd(turn=packet.turn, meta={"tokens": 1, "stop_reason": "eos"})

    def on_timer(self) -> Iterator[Any]:
        yield self.words, TextPacket(text="By the way.", turn=1)

    def on_flush(self, flush: Flush) -> None:
        self.given.append("flush")

    def on_cancel(self, flush: Flush) -> None:
        self.given.append("cancel")

    def close(self) -> None:
        self.ctx.post("stats", "spare", packets=len(self.given))


class Ears(Node):
    """Stands in for a speech-to-text, as a coroutine."""

    audio = In(Audio(rate=16_000, channels=1))
    transcript = Out(Text("final"))
    frames = 0

    async def process(self, packet: AudioPacket) -> None:
        self.frames += packet.frames

    async def on_event(self, event: Event) -> TextPacket | None:
        if not isinstance(event, SpeechEnd):
            self.frames = 0
            return None
        return TextPacket(text=f"{self.frames} samples", turn=event.turn)


class Voice(Node):
    """Stands in for a voice."""

    text = In(Text("chunk", {"spoken"}))
    audio = Out(Audio(rate=24_000, channels=1))

    async def process(self, chunk: TextPacket) -> AsyncIterator[AudioPacket]:
        yield AudioPacket(data=np.full(100, 0.1, np.float32), rate=24_000, turn=chunk.turn)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the stand-ins of this file by name."""
    find = fallback.node_class
    known: dict[str, type[Node]] = {"spare": Spare, "ears": Ears, "voice": Voice}
    monkeypatch.setattr(fallback, "node_class", lambda use: known.get(use) or find(use))


@contextmanager
def chat(*answers: Any, use: str = "spare", **values: Any) -> Iterator[tuple[Harness, Remote, OpenAiChat]]:
    with serve(*answers) as server:
        node = OpenAiChat(base_url=server.url, model="tiny", retries=0, fallback={"use": use}, **values)
        with Harness(node) as harness:
            yield harness, server, node


def ask(harness: Harness, turn: int = 1) -> tuple[list[str], str]:
    harness.pull()
    *words, end = harness.push(TextPacket(text="Hello?", turn=turn))
    assert isinstance(end, TurnEnd)
    return [word.text for word in words if isinstance(word, TextPacket)], end.meta["stop_reason"]


def told(harness: Harness, kind: str) -> list[str]:
    return [message.text for message in harness.messages if message.kind == kind]


def test_another_node_answers_a_turn_that_fails_and_the_warning_and_the_stats_say_so() -> None:
    with chat(error(429, "slow down")) as (harness, server, _):
        assert ask(harness) == (["Here."], "eos")
        place = server.place
        assert harness.conversation.messages() == [{"role": "user", "content": "Hello?"}]
    (warning,) = told(harness, "warning")
    assert warning.startswith(
        f"the fallback spare takes over for 30 s, from turn 1 on: {place} gets more requests"
    )
    (stats,) = (message.data for message in harness.messages if message.kind == "stats")
    assert (stats["failed"], stats["fallback"]) == (1, {"use": "spare", "answered": 1, "packets": 1})


def test_an_endpoint_that_failed_is_asked_again_after_30_s() -> None:
    with chat(error(500, "down"), reply("Yes.")) as (harness, server, _):
        ask(harness, 1)
        assert ask(harness, 2) == (["Here."], "eos")
        assert (len(server.asked), len(told(harness, "warning"))) == (1, 1)
        harness.advance(30 * SECOND)
        assert ask(harness, 3) == (["Yes."], "eos")


def test_a_reply_that_broke_off_is_not_begun_anew() -> None:
    with chat(stream("One moment, ", end=b"")) as (harness, _, node):
        words, reason = ask(harness)
        assert (words[:1], reason) == (["One"], "error")
        assert node.spare is not None
        assert node.spare.answered == 0


def test_a_server_that_is_down_at_the_start_does_not_end_the_run() -> None:
    with Harness(OpenAiChat(base_url=DOWN, model="tiny", retries=0, fallback={"use": "spare"})) as harness:
        assert ask(harness) == (["Here."], "eos")
    assert "cannot be reached" in told(harness, "warning")[0]


def test_a_flush_and_an_interruption_reach_both() -> None:
    with chat(error(500, "down")) as (harness, _, node):
        ask(harness)
        harness.flush(1)
        harness.cancel(1)
        assert node.spare is not None
        assert isinstance(node.spare.node, Spare)
        assert node.spare.node.given[:2] == ["Hello?", "flush"]
        assert "cancel" in node.spare.node.given


def test_the_fallbacks_work_between_turns_is_done() -> None:
    with chat(error(500, "down")) as (harness, _, node):
        ask(harness)
        assert node.spare is not None
        harness.pull()
        node.spare.node.ctx.wake_at(harness.time_ns + SECOND)
        (said,) = (item for item in harness.advance(2 * SECOND) if isinstance(item, TextPacket))
        assert said.text == "By the way."
        assert node.spare.answered == 1


def test_another_endpoint_can_be_named_and_where_it_fails_too_the_turn_has_failed() -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(serve(error(500, "down"), reply("Yes."))) for _ in range(2))
        values = {"use": "chat.openai", "base_url": second.url, "model": "other", "retries": 0}
        node = OpenAiChat(base_url=first.url, model="tiny", retries=0, fallback=values)
        harness = stack.enter_context(Harness(node))
        assert ask(harness, 1) == ([], "error")
        assert ask(harness, 2) == (["Yes."], "eos")
        assert second.asked[-1].json["model"] == "other"
    failed = [m.data["failed_turn"] for m in harness.messages if "failed_turn" in m.data]
    assert failed == [1]


def test_an_utterance_that_is_not_transcribed_is_given_to_the_other_whole() -> None:
    with serve(error(500, "down")) as server:
        node = OpenAiStt(base_url=server.url, model="tiny", retries=0, fallback={"use": "ears"})
        with Harness(node) as harness:
            for turn in (1, 2):
                harness.event(SpeechStart(turn=turn))
                harness.push(AudioPacket(data=LOUD, rate=16_000, turn=turn))
                harness.push(AudioPacket(data=LOUD[:4000], rate=16_000, turn=turn))
                harness.event(SpeechEnd(turn=turn, pts_ns=2 * SECOND))
            texts = [(item.turn, item.text) for item in harness.pull() if isinstance(item, TextPacket)]
        assert texts == [(1, "20000 samples"), (2, "20000 samples")]
        assert len(server.asked) == 1


def test_a_chunk_that_is_not_spoken_is_spoken_by_the_other_voice() -> None:
    with serve(error(500, "down"), sends(200, SOUND)) as server:
        node = OpenAiTts(base_url=server.url, model="tiny", retries=0, fallback={"use": "voice"})
        with Harness(node) as harness:
            frames = []
            for index in range(2):
                harness.pull()
                items = harness.push(TextPacket(text="Hello there.", index=2 * index, turn=1))
                frames.append(sum(item.frames for item in items if isinstance(item, AudioPacket)))
        assert frames == [100, 100]
    assert "from 'Hello there.' on" in told(harness, "warning")[0]


def test_a_generator_that_hears_hands_the_sound_over_and_tells_no_transcript_of_its_own() -> None:
    with ExitStack() as stack:
        first = stack.enter_context(serve(error(500, "down")))
        second = stack.enter_context(serve(reply("Yes.")))
        values = {"use": "generator.remote", "base_url": second.url, "transcribe": False}
        node = RemoteGenerator(base_url=first.url, retries=0, fallback=values)
        harness = stack.enter_context(Harness(node))
        harness.event(SpeechStart(turn=1))
        harness.push(AudioPacket(data=LOUD, rate=16_000, turn=1), "audio")
        harness.event(SpeechEnd(turn=1))
        words = [item for item in harness.pull("words") if isinstance(item, TextPacket)]
        transcripts = [item for item in harness.pull("transcript") if isinstance(item, TextPacket)]
        assert ([word.text for word in words], len(transcripts)) == (["Yes."], 1)
        assert [entry.role for entry in harness.conversation.entries()] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": "smollm2"}, "'fallback' names no node; write it as fallback: {use: chat"),
        ({"use": "chatt"}, "fallback: chatt: no node is named 'chatt'; did you mean 'chat'"),
        ({"use": "chat.openai", "modell": "x"}, "fallback: chat.openai: no property 'modell'"),
        ({"use": "voice"}, "fallback: voice: it has no output 'words'; name a node of the same role"),
        ({"use": "generator.cascade"}, "generator.cascade is a graph used as a node; name one node"),
    ],
)
def test_a_fallback_that_cannot_take_its_place_is_refused_before_the_run(
    values: dict[str, object], said: str
) -> None:
    with pytest.raises(Unavailable) as raised:
        OpenAiChat(fallback=values)
    assert said in str(raised.value)


def test_a_voice_of_another_rate_is_refused() -> None:
    with pytest.raises(Unavailable, match=r"it makes audio\(rate=24000.*and not audio\(rate=16000"):
        OpenAiTts(rate=16_000, fallback={"use": "voice"})


def test_the_refusal_has_a_place_in_the_graph() -> None:
    text = (
        "nodes:\n  text: {use: line_source}\n  chat: {use: chat.openai, fallback: {use: console}}\n"
        "  end: {use: 'null'}\nlinks: [text -> chat -> end]\n"
    )
    with pytest.raises(GraphError) as raised:
        load_text(text, file="g.yaml")
    (found,) = raised.value.diagnostics
    assert (str(found.place), "fallback: console: it has no" in found.message) == ("g.yaml:3:3", True)
