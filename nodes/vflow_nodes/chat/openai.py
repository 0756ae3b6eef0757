"""`chat.openai`: answer each transcript with words of a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from vflow import Event, Flush, In, SpeechEnd, SpeechStart, Text, TextPacket, prop
from vflow_nodes.lib.generator import Emission
from vflow_nodes.lib.remote.chat import RemoteChat


class OpenAiChat(RemoteChat):
    """Answer transcripts with a model behind an OpenAI-compatible endpoint: OpenAI, vLLM, Ollama, llama.cpp.

    The persona and the conversation are sent there with each turn. An interruption closes the request at
    once. If a request fails, its turn ends with the reason `error` and a warning; the next turn is answered.
    """

    example = "chat: {use: chat.openai, base_url: 'http://localhost:11434/v1', model: llama3.2}"

    answers: bool = prop(
        True,
        doc="whether what the user says is answered; else it is remembered until a reply is asked",
        hot=True,
    )

    text = In(Text("final"), doc="what the user said")

    def open(self) -> None:
        super().open()
        self._speaks = 0  # the turn that has not ended: its transcript may be made in advance
        self._waits: TextPacket | None = None  # such a transcript, kept until the turn ends
        self._ahead = 0  # the turn that was answered in advance

    async def process_text(self, packet: TextPacket) -> AsyncGenerator[Emission, None]:
        if packet.turn and packet.turn == self._speaks:
            if not self.speculate:
                self._waits = packet
                return
            self._ahead = packet.turn
            self.spent["in_advance"] += 1
        async with aclosing(self.answer(packet)) as answer:
            async for emission in answer:
                yield emission

    async def on_event(self, event: Event) -> AsyncGenerator[Emission, None]:
        if isinstance(event, SpeechStart):
            self._speaks, self._waits = event.turn, None
        elif isinstance(event, SpeechEnd) and event.turn == self._speaks:
            self._speaks = self._ahead = 0
            packet, self._waits = self._waits, None
            if packet is not None:
                async with aclosing(self.answer(packet)) as answer:
                    async for emission in answer:
                        yield emission

    def on_flush(self, flush: Flush) -> None:
        super().on_flush(flush)
        if not flush.retracts:
            return
        if self._waits is not None and flush.concerns(self._waits.turn):
            self._waits = None
        if self._ahead and flush.concerns(self._ahead):
            self.spent["void_in_advance"] += 1
            self._ahead = 0
