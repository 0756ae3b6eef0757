"""`stt.openai`: transcribe each utterance with a model behind an OpenAI-compatible endpoint.

Source: https://platform.openai.com/docs/api-reference/audio/createTranscription, as Whisper servers have it.
"""

from __future__ import annotations

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
    Resume,
    Samples,
    SpeechEnd,
    SpeechStart,
    Text,
    TextPacket,
    prop,
)
from vflow_nodes.lib.remote.fallback import utterance
from vflow_nodes.lib.remote.faults import RemoteError
from vflow_nodes.lib.remote.node import RemoteNode
from vflow_nodes.lib.remote.utterance import RATE, audible, transcribe


class OpenAiStt(RemoteNode):
    """Transcribe utterances with a remote model. The user's speech is sent there as sound when the turn ends.

    If a request fails, the transcript is empty, a warning says so, and the next utterance is transcribed.
    """

    speculates = True
    example = "stt: {use: stt.openai, model: whisper-1}"

    model: str = prop("gpt-4o-mini-transcribe", doc="the model's name there")
    language: str = prop("", doc="of the speech, such as en; '' lets the model find out")
    prompt: str = prop("", doc="names and words that the user may say, so that the model spells them right")
    speculate: bool = prop(
        False, doc="send at a pause that may end the turn: sooner, but if the user goes on, paid for twice"
    )

    audio = In(
        Audio(rate=RATE, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=1000, time_ns=30 * SECOND),
    )
    transcript = Out(Text("final"), doc="one for each turn; '' if nothing was understood", bus=True)

    def open(self) -> None:
        super().open()
        self._forget()
        self._seconds = 0.0
        self._in_advance = self._void = 0

    def usage(self) -> dict[str, Any]:
        return {
            "audio_s": round(self._seconds, 1),
            "in_advance": self._in_advance,
            "void_in_advance": self._void,
        }

    def _forget(self) -> None:
        self._turn = 0
        self._blocks: list[Samples] = []
        self._guess: str | None = None  # the transcript at the pause
        self._given = False  # whether it was sent in advance

    def process(self, packet: AudioPacket) -> None:
        if self._turn and packet.turn == self._turn:
            self._blocks.append(packet.mono())

    async def on_event(self, event: Event) -> AsyncGenerator[TextPacket, None]:
        if isinstance(event, SpeechStart):
            self._forget()
            self._turn = event.turn
        elif self._turn == 0 or event.turn != self._turn:
            return
        elif isinstance(event, Pause) and self.speculate:
            self._in_advance += 1
            self._guess = await self._text()
            if self._guess is not None and self.ctx.speculative(event):
                self._given = True
                yield TextPacket(text=self._guess, pts_ns=event.pts_ns, turn=event.turn)
        elif isinstance(event, Resume):
            self._spoke_on()
        elif isinstance(event, SpeechEnd):
            given, text, samples = self._given, self._guess, self._samples()
            if text is None:
                text = await self._text()
            self._forget()
            if text is None and self.spare is not None:
                items = utterance(samples, RATE, event.turn, event.pts_ns)
                async with aclosing(self.spare.take(*items)) as transcripts:
                    async for transcript in transcripts:
                        yield transcript
            elif not given:
                yield TextPacket(text=text or "", pts_ns=event.pts_ns, turn=event.turn)

    def on_cancel(self, flush: Flush) -> None:
        """Forget that a transcript was sent in advance: the user spoke on, and it was taken back."""
        super().on_cancel(flush)
        if flush.retracts and flush.turn == self._turn:
            self._spoke_on()

    def _spoke_on(self) -> None:
        self._void += self._guess is not None
        self._guess, self._given = None, False

    def _samples(self) -> Samples:
        return np.concatenate(self._blocks) if self._blocks else np.empty(0, np.float32)

    async def _text(self) -> str | None:
        """Return the words said so far; None if the request failed, though the next may succeed."""
        if self.spare is not None and self.spare.on_duty:
            return None
        samples = self._samples()
        if audible(samples):
            self._seconds += len(samples) / RATE
        fields = {name: value for name in ("language", "prompt") if (value := getattr(self, name))}
        try:
            return await transcribe(self.client, self.model, samples, fields)
        except RemoteError as error:
            if self.spare is not None:
                self.spare.relieve(error, f"turn {self._turn}")
                return None
            self.fail(self._turn, f"turn {self._turn} is not transcribed: {error}")
            return None
