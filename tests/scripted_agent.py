"""An agent whose reply is written in its graph, for tests without a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vflow import (
    Audio,
    AudioPacket,
    Duration,
    Event,
    In,
    Node,
    Out,
    Span,
    SpeechEnd,
    Text,
    TextPacket,
    TurnEnd,
    prop,
)
from vflow.bench.speech import RATE, Clip
from vflow.packet import MS, SECOND

VOICE_RATE = 24_000
REPLY = (
    "Rome grew out of a few small villages on seven hills beside a river, and it ruled"
    " the sea around it for very many years."
)


class Answer(Node):
    """Answers every utterance with the same words, one word per `every`."""

    generates = True
    heavy = True
    text: str = prop(REPLY, doc="the reply")
    every: Duration = prop("8ms", doc="between two words, and before the first")
    tokens: int = prop(3, doc="tokens of a word")
    stop_reason: str = prop("eos")
    audio = In(Audio(rate=16_000, channels=1, features={"turns"}))
    typed = In(Text("final"), optional=True)
    say = In(Text("reply"), optional=True)
    words = Out(Text("word"), bus=True)

    def process_audio(self, packet: AudioPacket) -> None:
        return None

    def process_typed(self, packet: TextPacket) -> Iterator[TextPacket | Event | None]:
        yield from self._say(self.text, packet.turn)

    def process_say(self, packet: TextPacket) -> Iterator[TextPacket | Event | None]:
        yield from self._say(packet.text, packet.turn)

    def on_event(self, event: Event) -> Iterator[TextPacket | Event | None]:
        if isinstance(event, SpeechEnd):
            yield from self._say(self.text, event.turn)

    def _say(self, text: str, turn: int) -> Iterator[TextPacket | Event | None]:
        tokens = 0
        for index, word in enumerate(text.split()):
            self.ctx.wait_until(self.ctx.now_ns() + self.every)
            if self.ctx.cancelled(turn):
                return
            tokens += self.tokens
            yield TextPacket(text=word, index=index, turn=turn, meta={"tokens": tokens})
        self.ctx.wait_until(self.ctx.now_ns() + self.every)
        meta = {"tokens": tokens + 1, "stop_reason": self.stop_reason}
        yield TurnEnd(turn=turn, meta=meta)


class Voice(Node):
    """Speaks each word as a tone."""

    heavy = True
    word_ms: int = prop(120)
    text = In(Text("word"))
    audio = Out(Audio(rate=VOICE_RATE, channels=1))

    def process(self, word: TextPacket) -> AudioPacket:
        frames = self.word_ms * VOICE_RATE // 1000
        data = (0.2 * np.sin(np.arange(frames) * 0.1)).astype(np.float32)[:, None]
        span = Span(word.turn, word.index, word.text, 0, frames)
        return AudioPacket(data=data, rate=VOICE_RATE, turn=word.turn, spans=(span,))


NODES = {"t.answer": Answer, "t.voice": Voice}


def graph(folder: Path, budget: str = "", word_ms: int = 120, **answer: object) -> Path:
    """Write the graph's file; `word_ms` is a property of `Voice`, `answer` are properties of `Answer`."""
    given = "".join(f", {name}: {json.dumps(value)}" for name, value in answer.items())
    path = folder / "agent.yaml"
    path.write_text(
        f"""vflow: 1
{budget}
nodes:
  mic:     {{use: mic}}
  vad:     {{use: vad.energy, speech_end_after: 200ms}}
  answer:  {{use: t.answer{given}}}
  voice:   {{use: t.voice, word_ms: {word_ms}}}
  speaker: {{use: speaker}}
links:
  - mic -> vad -> answer -> voice -> speaker
""",
        encoding="utf-8",
    )
    return path


def utterance(said: str = "hum", fixed: bool = False, ms: int = 600) -> Clip:
    """Return a clip that the energy detector takes for speech: 50 ms of silence, a hum, 50 ms of silence."""
    hum = 0.2 * np.sin(np.arange(ms * RATE // 1000) * 0.08)
    samples = np.pad(hum, 50 * RATE // 1000).astype(np.float32)
    return Clip(said, "a hum", samples, 50 * MS, 50 * MS + ms * SECOND // 1000, fixed)
