"""Replies that are held, go on, are cut or taken back, in virtual time: what is in the recording is what was
counted, and the history has it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.properties.scripted import ScriptedChat, ScriptedReply, name_to_code
from tests.stand_ins import PATIENCE_S
from vflow import (
    MS,
    Audio,
    AudioPacket,
    Flush,
    In,
    ManualClock,
    Message,
    Node,
    Out,
    Pipeline,
    Span,
    Text,
    TextPacket,
    prop,
)
from vflow.flush import UNHEARD_WORDS
from vflow.graph.loader import load_text
from vflow.report.turn_log import TurnLog

RATE = 1000
WORD, WORDS = 100, 9
"""Frames of a word, and words of a reply."""
HALVES = ("what is the", "capital of France")
GRAPH = """
nodes:
  user:    {{use: s.user, seed: {seed}, last: {last}}}
  chat:    {{use: s.chat, seed: {seed}, slowest: {chat}}}
  words:   {{use: word_buffer}}
  voice:   {{use: s.voice}}
  speaker: {{use: wav_sink, file: "{file}", buffer: {buffer}ms, latency: {latency}ms}}
links: [user -> chat -> words -> voice -> speaker]
"""


class Nine(ScriptedChat):
    """Answers with nine words."""

    def generate(self, parts: Sequence[Any], turn: int, one_line: bool) -> Any:
        return ScriptedReply(self, [f"w{turn}.0.{index}" for index in range(WORDS)])


class Voice(Node):
    """Says each word for 100 ms."""

    heavy = True
    text = In(Text("chunk"))
    audio = Out(Audio(rate=RATE, channels=1))

    def process(self, chunk: TextPacket) -> Iterator[AudioPacket]:
        for word in chunk.text.split():
            span = Span(chunk.turn, name_to_code(word)[2], word, 0, WORD)
            said = np.full(WORD, 0.5, np.float32)
            yield AudioPacket(data=said, rate=RATE, turn=chunk.turn, spans=(span,))


class User(Node):
    """Asks, holds the reply now and then, and at last cuts it, takes it back or hears it out."""

    live = True
    seed: int = prop(0)
    last: str = prop("")
    text = Out(Text("final"), bus=True)

    def open(self) -> None:
        self.kept: list[bool] = []
        """Return for each hold that kept audio whether the agent counted as speaking until its end."""

    def produce(self) -> Iterator[TextPacket]:
        draw = random.Random(f"{self.seed} user")
        turn = self.ctx.new_turn()
        yield TextPacket(text=HALVES[0], turn=turn)
        for _ in range(draw.randint(1, 4)):
            self._pass(draw.randint(0, 500))
            kept = self.ctx.lead_ns() > 10 * MS
            self.ctx.hold(True)
            speaking = True
            for _ in range(draw.randint(0, 10)):
                self._pass(draw.randint(0, 100))
                speaking = speaking and self.ctx.speaking()
            if kept:
                self.kept.append(speaking)
            if draw.random() < 0.8:
                self.ctx.hold(False)
        if self.last == "is cut":
            self.ctx.interrupt(turn)
        elif self.last == "is taken back":
            self.ctx.take_back(turn)
        self.ctx.hold(False)
        yield TextPacket(text=HALVES[1], turn=self.ctx.new_turn())

    def _pass(self, ms: int) -> None:
        self.ctx.wait_until(self.ctx.now_ns() + ms * MS)


@dataclass
class Talk:
    """The record of a talk: its audio, its messages, and its history."""

    recorded: int
    kept: list[bool]
    history: list[tuple[str, str, int]]
    messages: list[dict[str, str]]
    shown: list[Message]
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def flush(self) -> Flush | None:
        return next((m.data["flush"] for m in self.shown if m.kind == "flush"), None)


def talk(seed: int, last: str, folder: Path) -> Talk:
    draw = random.Random(seed)
    file = folder / "reply.wav"
    values = {
        "chat": draw.choice((0, 30)),
        "buffer": draw.choice((0, 100, 500)),
        "latency": draw.choice((0, 60)),
    }
    nodes: dict[str, type[Node]] = {"s.user": User, "s.chat": Nine, "s.voice": Voice}
    graph = load_text(GRAPH.format(seed=seed, last=last, file=file, **values), file="talk.yaml", nodes=nodes)
    pipeline = Pipeline(graph, clock=ManualClock(seed))
    shown: list[Message] = []
    log = TurnLog(graph)
    pipeline.bus.listen(shown.append)
    pipeline.bus.listen(log.listen)
    with pipeline:
        assert pipeline.wait(PATIENCE_S), "it does not end"
    user = pipeline.nodes["user"]
    assert isinstance(user, User)
    return Talk(
        int(np.count_nonzero(soundfile.read(file)[0])),
        user.kept,
        [(entry.role, entry.text, entry.turn) for entry in pipeline.conversation.entries()],
        pipeline.conversation.messages(),
        shown,
        log.report(pipeline.stats()),
    )


def reply(turn: int, words: int = WORDS) -> str:
    return " ".join(f"w{turn}.0.{index}" for index in range(words))


@pytest.mark.parametrize("last", ["is heard out", "is cut", "is taken back"])
@pytest.mark.parametrize("part", range(5))
def test_a_reply_that_was_held_is_counted_as_it_was_recorded(part: int, last: str, tmp_path: Path) -> None:
    for seed in range(part * 20, part * 20 + 20):
        held = talk(seed, last, tmp_path)
        assert all(held.kept), seed
        flush = held.flush
        samples = WORDS * WORD
        if flush is not None:
            records = [record for record in flush.played if record.turn == 1]
            samples = sum(record.samples for record in records)
            assert flush.takes_back == (last == "is taken back")
        assert held.recorded == samples + WORDS * WORD, seed
        words = sum(WORD // 2 + index * WORD < samples for index in range(WORDS))
        unheard = words <= UNHEARD_WORDS if last == "is taken back" else words == 0
        wanted = [("user", HALVES[0], 1), ("assistant", reply(1, words), 1), ("user", HALVES[1], 2)]
        assert held.history == [
            *(wanted[::2] if unheard else wanted), ("assistant", reply(2), 2)
        ], seed  # fmt: skip
        if unheard:
            assert held.messages[0]["content"] == " ".join(HALVES)
        first, second = held.report["turns"]
        assert (first["heard"], second["heard"]) == (reply(1, words), reply(2)), seed
        assert first["taken_back"] == (unheard and last == "is taken back"), seed
        assert not second["taken_back"]
        assert [m.text for m in held.shown if m.kind in ("warning", "error")] == []


def test_the_bus_tells_of_each_hold_how_long_it_was(tmp_path: Path) -> None:
    for seed in range(20):
        held = talk(seed, "is heard out", tmp_path)
        told = [m.data for m in held.shown if m.kind == "hold"]
        assert [data["phase"] for data in told] == ["begun", "released"] * (len(told) // 2)
        long = [data["held_ns"] / MS for data in told if data["held_ns"] > 300 * MS]
        assert held.report["turns"][0]["held_ms"] <= sum(long)
