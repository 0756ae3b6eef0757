"""An agent without a model that transcribes, remembers and can be prompted, as a real one can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from tests import scripted_agent
from tests.web.serving import Talker
from vflow import Audio, AudioPacket, Duration, Event, In, Out, SpeechEnd, Text, TextPacket, join_words, prop
from vflow.session.preloaded import Preloaded, load_for_sessions
from vflow.web.supply import serving_options
from vflow_nodes.lib.generator import Emission, Generator

WORD_MS = 60
REPLY = "Rome grew out of villages on seven hills beside a river in Italy."
"""The agent's reply."""


class Clerk(Generator):
    """Its transcript is how many milliseconds it heard; it replies with the words of `reply`."""

    reply: str = prop(REPLY)
    persona: str = prop("Be brief.", hot=True)
    answers: bool = prop(True, hot=True)
    max_tokens: int = prop(250, ge=1, le=1024, hot=True)
    every: Duration = prop("2ms", doc="between two words")
    audio = In(Audio(rate=16_000, channels=1, features={"turns"}))
    text = In(Text("final"), optional=True)
    transcript = Out(Text("final"), bus=True)

    met: ClassVar[list[Clerk]] = []
    """All instances that were opened."""

    def open(self) -> None:
        self.heard_ns = 0
        self.prompts: list[tuple[str, list[str]]] = []
        """The persona, and the texts of the history, for each reply."""
        Clerk.met.append(self)

    @property
    def history(self) -> list[tuple[str, str]]:
        return [(entry.role, entry.text) for entry in self.ctx.conversation.entries()]

    def process_audio(self, packet: AudioPacket) -> None:
        self.heard_ns += packet.duration_ns

    def on_event(self, event: Event) -> Iterator[Emission | tuple[Out, TextPacket]]:
        if isinstance(event, SpeechEnd):
            heard_ms, self.heard_ns = self.heard_ns // 1_000_000, 0
            said = TextPacket(text=f"I hummed for {heard_ms} ms", turn=event.turn)
            yield self.transcript, said
            yield from self.process_text(said)

    def process_text(self, packet: TextPacket) -> Iterator[Emission]:
        turn = packet.turn
        if not self.enter(packet, turn):
            yield self.words, self.ended(turn, 0, "eos")
            return
        if self.ctx.cancelled(turn):
            return
        texts = [message["content"] for message in self.history_messages()]
        self.prompts.append((self.instructions or self.persona, texts))
        said: list[str] = []
        words = self.reply.split()[: self.max_tokens]
        try:
            for word in words:
                self.ctx.wait_until(self.ctx.now_ns() + self.every)
                said.append(word)
                yield (
                    self.words,
                    TextPacket(text=word, index=len(said) - 1, turn=turn, meta={"tokens": len(said)}),
                )
                yield None
        finally:
            self.answered(turn, join_words(said), [])
        whole = len(words) == len(self.reply.split())
        yield self.words, self.ended(turn, len(said), "eos" if whole else "limit")

    def history_messages(self) -> list[dict[str, str]]:
        return Generator.history(self)


NODES = {"t.clerk": Clerk, "t.voice": Talker}


def agent(
    folder: Path, word_ms: int = WORD_MS, vad: str = "vad.energy, speech_end_after: 200ms", **clerk: Any
) -> Preloaded:
    """Preload the agent."""
    given = "".join(f", {name}: {value}" for name, value in clerk.items())
    file = folder / "clerk.yaml"
    file.write_text(
        f"""vflow: 1
nodes:
  mic:     {{use: mic}}
  vad:     {{use: {vad}}}
  answer:  {{use: t.clerk{given}}}
  voice:   {{use: t.voice, word_ms: {word_ms}}}
  speaker: {{use: speaker}}
links:
  - mic -> vad -> answer -> voice -> speaker
""",
        encoding="utf-8",
    )
    return Preloaded(load_for_sessions(file, nodes={**scripted_agent.NODES, **NODES}, **serving_options()))
