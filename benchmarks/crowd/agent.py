"""The agent of these benchmarks: what vflow serves is real, its STT, language model and voice are scripted.

    python -m crowd.agent [OPTIONS OF vflow serve]

The words, their times and the sound are those of `script`; `VAD` of the environment names the detector.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import vflow.cli.serve as verb
from crowd import script
from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Event,
    In,
    Node,
    Out,
    QueueOptions,
    Span,
    SpeechEnd,
    Text,
    TextPacket,
    TurnEnd,
)
from vflow.cli.main import main
from vflow.session import preloaded

END_AFTER = "480ms"


class ScriptedStt(Node):
    """Hears nothing, and writes the same text for each utterance."""

    heavy = True
    audio = In(
        Audio(rate=script.MIC_RATE, channels=1, features={"turns"}),
        queue=QueueOptions(packets=400, time_ns=10 * SECOND),
    )
    transcript = Out(Text("final"), bus=True)

    def process(self, packet: AudioPacket) -> None:
        return None

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, SpeechEnd):
            self.ctx.wait_until(self.ctx.now_ns() + round(script.STT_S * SECOND))
            yield TextPacket(text=script.TRANSCRIPT, pts_ns=event.pts_ns, turn=event.turn)


class ScriptedChat(Node):
    """Answers with the same words."""

    generates = True
    heavy = True
    text = In(Text("final"))
    words = Out(Text("word"), bus=True)

    def process(self, asked: TextPacket) -> Iterator[TextPacket | Event | None]:
        wait_s = script.FIRST_WORD_S
        for index, word in enumerate(script.REPLY.split()):
            self.ctx.wait_until(self.ctx.now_ns() + round(wait_s * SECOND))
            if self.ctx.cancelled(asked.turn):
                return
            yield TextPacket(text=word, index=index, turn=asked.turn, meta={"tokens": index + 1})
            wait_s = script.WORD_S
        yield TurnEnd(turn=asked.turn, meta={"tokens": index + 1, "stop_reason": "eos"})


class ScriptedVoice(Node):
    """Speaks each word as a tone."""

    heavy = True
    text = In(Text("chunk"), queue=QueueOptions(packets=2))
    audio = Out(Audio(rate=script.VOICE_RATE, channels=1))

    def open(self) -> None:
        self._word = np.frombuffer(script.tone(script.SOUND_S), np.int16).astype(np.float32)[:, None] / 32768

    def process(self, chunk: TextPacket) -> Iterator[AudioPacket | None]:
        self.ctx.wait_until(self.ctx.now_ns() + round(script.CHUNK_S * SECOND))
        for number, word in enumerate(chunk.text.split()):
            span = Span(chunk.turn, chunk.index + number, word, 0, len(self._word))
            spoken = AudioPacket(data=self._word, rate=script.VOICE_RATE, turn=chunk.turn, spans=(span,))
            yield from spoken.blocks(round(script.BLOCK_S * script.VOICE_RATE))
            yield None


NODES: dict[str, type[Node]] = {"b.stt": ScriptedStt, "b.chat": ScriptedChat, "b.tts": ScriptedVoice}


def graph(vad: str) -> dict[str, Any]:
    first, then = script.CHUNKS
    return {
        "nodes": {
            "mic": {"use": "mic"},
            "vad": {"use": vad, "speech_end_after": END_AFTER},
            "stt": {"use": "b.stt"},
            "chat": {"use": "b.chat"},
            "words": {"use": "word_buffer", "first": first, "then": then},
            "tts": {"use": "b.tts"},
            "speaker": {"use": "speaker"},
        },
        "links": ["mic -> vad -> stt -> chat -> words -> tts -> speaker"],
    }


def serve(options: list[str]) -> int:
    """Do what `vflow serve` does, with this graph in place of a file's."""
    load, given = preloaded.load_for_sessions, graph(os.environ.get("VAD", "vad"))
    verb.load_for_sessions = lambda _, **more: load(given, nodes=NODES, **more)
    return main(["serve", "scripted", *options])


if __name__ == "__main__":
    raise SystemExit(serve(sys.argv[1:]))
