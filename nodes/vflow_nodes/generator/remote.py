"""`generator.remote`: answer with a remote model that hears the utterance itself, such as Voxtral on vLLM.

Source: https://platform.openai.com/docs/guides/audio (`input_audio`), which vLLM takes too.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import numpy as np

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Event,
    Flush,
    In,
    Out,
    Pause,
    QueueOptions,
    Samples,
    SpeechEnd,
    SpeechStart,
    Text,
    TextPacket,
    prop,
)
from vflow_nodes.lib.generator import Emission
from vflow_nodes.lib.remote.chat import Items, RemoteChat
from vflow_nodes.lib.remote.fallback import utterance
from vflow_nodes.lib.remote.faults import RemoteError
from vflow_nodes.lib.remote.utterance import RATE, audible, transcribe, wav

UNKNOWN = "(speech)"
"""The text of an utterance in the history if it has no transcript."""


class RemoteGenerator(RemoteChat):
    """Answer utterances with a remote model that hears them itself, and write down the user's words.

    The utterance is sent as sound, the conversation before it as text. Its transcript is a second request to
    the same server, beside the reply; if that fails, the history has `(speech)` in its place.
    """

    speculates = True
    example = "generator: {use: generator.remote, base_url: 'http://localhost:8000/v1', model: voxtral}"

    model: str = prop("gpt-4o-audio-preview", doc="the model's name there: one that hears")
    transcribe: bool = prop(
        True, doc="write down the user's words, for display and history: a second request"
    )
    transcriber: str = prop("", doc="the model that transcribes; '' for the one that answers")
    language: str = prop("", doc="of the transcript, such as en; '' lets the model find out")

    audio = In(
        Audio(rate=RATE, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=1000, time_ns=30 * SECOND),
    )
    text = In(Text("final"), doc="what the user typed", optional=True)
    transcript = Out(Text("final"), doc="one for each utterance; '' if nothing was said", bus=True)

    def open(self) -> None:
        super().open()
        # a client of its own: its request runs on while words wait downstream, and no clock may wait for it
        self._scribe = self.client.beside()
        self._turn = 0
        self._blocks: list[Samples] = []
        self._given = False  # whether the utterance is answered already
        self._written: asyncio.Task[str] | None = None  # its transcript
        self._said: str | None = None  # the user's text in the history for the turn being answered

    def process_audio(self, packet: AudioPacket) -> None:
        if self._turn and packet.turn == self._turn:
            self._blocks.append(packet.mono())

    async def process_text(self, packet: TextPacket) -> AsyncGenerator[Emission, None]:
        self._said = None
        async with aclosing(self.answer(packet)) as answer:
            async for emission in answer:
                yield emission

    async def on_event(self, event: Event) -> AsyncGenerator[Emission, None]:
        if isinstance(event, SpeechStart):
            self._turn, self._blocks, self._given = event.turn, [], False
        elif self._turn == 0 or event.turn != self._turn:
            return
        elif isinstance(event, Pause) and self.speculate and not self._given and self.ctx.speculative(event):
            self._given = True
            self.spent["in_advance"] += 1
            async with aclosing(self._hear(event.turn)) as answer:
                async for emission in answer:
                    yield emission
        elif isinstance(event, SpeechEnd):
            self._turn = 0
            if not self._given:
                async with aclosing(self._hear(event.turn)) as answer:
                    async for emission in answer:
                        yield emission

    async def _hear(self, turn: int) -> AsyncGenerator[Emission, None]:
        """Yield the reply to an utterance, and the transcript."""
        samples = np.concatenate(self._blocks) if self._blocks else np.empty(0, np.float32)
        if not audible(samples):
            yield self.transcript, TextPacket(text="", turn=turn, pts_ns=self.ctx.now_ns())
            yield self.words, self.ended(turn, 0, "eos")
            return
        if self.ctx.cancelled(turn):
            self.ctx.conversation.append("user", UNKNOWN, turn)
            return
        sound = {"data": base64.b64encode(wav(samples)).decode(), "format": "wav"}
        heard: dict[str, Any] = {"role": "user", "content": [{"type": "input_audio", "input_audio": sound}]}
        self._said, self.instructions = UNKNOWN, None
        on_duty = self.spare is not None and self.spare.on_duty
        if self.transcribe and not on_duty:
            self._written = asyncio.get_running_loop().create_task(self._write_down(samples))
        try:
            instead = utterance(samples, RATE, turn, self.ctx.now_ns())
            async with aclosing(self.reply(turn, [*self.messages(heard=True), heard], {}, instead)) as reply:
                async for emission in reply:
                    written = self._written
                    if written is not None and written.done():
                        self._written = None
                        yield self._told(turn, written.result())
                    yield emission
        finally:
            if self._written is not None:
                self._written.cancel()
                self._written = None

    async def stand_in(self, turn: int, instead: Items) -> AsyncGenerator[Emission, None]:
        if self._written is not None:  # the fallback writes down what it hears
            self._written.cancel()
            self._written = None
        async with aclosing(super().stand_in(turn, instead)) as emissions:
            async for emission in emissions:
                yield emission

    async def finished(self, turn: int) -> AsyncGenerator[Emission, None]:
        """Yield the transcript, if the reply was faster."""
        written, self._written = self._written, None
        if written is not None:
            yield self._told(turn, await written)  # a cancelled wait cancels it
        elif self._said is not None and not self.transcribe:
            yield self._told(turn, "")

    def _told(self, turn: int, text: str) -> Emission:
        """Return the transcript to send, and enter it, or its placeholder, into the history."""
        self._said = text or UNKNOWN
        return self.transcript, TextPacket(text=self._said, turn=turn, pts_ns=self.ctx.now_ns())

    async def _write_down(self, samples: Samples) -> str:
        """Return the words that were said; '' if the request fails."""
        fields = {"language": self.language} if self.language else {}
        try:
            return await transcribe(self._scribe, self.transcriber or self.model, samples, fields)
        except RemoteError as error:
            self._tell("transcript", f"no transcript is made: {error}; or set 'transcribe: false'")
            return ""

    def answered(self, turn: int, text: str, tokens: list[int]) -> None:
        if self._said is not None:
            self.ctx.conversation.append("user", self._said, turn)
        super().answered(turn, text, tokens)

    def on_cancel(self, flush: Flush) -> None:
        super().on_cancel(flush)
        if not flush.retracts:
            return
        self.ctx.conversation.delete(flush.turn)
        if self._given and flush.turn == self._turn:
            self.spent["void_in_advance"] += 1
            self._given = False
