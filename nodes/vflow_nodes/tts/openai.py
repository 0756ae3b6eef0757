"""`tts.openai`: speak with a model behind an OpenAI-compatible endpoint.

Source: https://platform.openai.com/docs/api-reference/audio/createSpeech: `pcm` is 24 kHz, 16 bit, one
channel, without a header.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from vflow import Audio, AudioPacket, Caps, In, Out, QueueOptions, SpokenUnit, Text, TextPacket, prop
from vflow_nodes.lib.remote.faults import RemoteError
from vflow_nodes.lib.remote.node import RemoteNode, listed
from vflow_nodes.lib.remote.pcm import Pace, SpeechStream, parts_of
from vflow_nodes.lib.text import speakable
from vflow_nodes.lib.word_breaks import words_of

if TYPE_CHECKING:
    from vflow_nodes.lib.remote.client import RemoteClient

_OTHERS = {
    b"RIFF": "wav",
    b"ID3": "mp3",
    b"\xff\xfb": "mp3",
    b"\xff\xf3": "mp3",
    b"OggS": "ogg",
    b"fLaC": "flac",
}
"""The first bytes of file formats: a server that sends one sends no bare samples."""


class OpenAiTts(RemoteNode):
    """Speak chunks of text with a remote voice; a chunk is heard while the rest of it still comes.

    The reply is sent to the endpoint chunk by chunk. The spans of words are estimated from their letters. If
    a request fails, its chunk is not heard, a warning says so, and the next chunk is spoken.
    """

    example = "tts: {use: tts.openai, voice: alloy}"

    model: str = prop("gpt-4o-mini-tts", doc="the model's name there")
    voice: str = prop("alloy", doc="a voice that the server has")
    speed: float = prop(1.0, ge=0.25, le=4.0, doc="pace of speech, 1 is the voice's own", hot=True)
    instructions: str = prop("", doc="how to speak, if the model takes that: calm, in a whisper")
    rate: int = prop(24_000, ge=8000, le=48_000, unit="Hz", doc="of the samples that the server sends")
    body: dict[str, object] = prop({}, doc="more fields of the request, as the server takes them")

    text = In(Text("chunk", {"spoken"}), queue=QueueOptions(packets=2))
    audio = Out(Audio(channels=1))

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1) if port == "audio" else super().port_caps(port)

    def open(self) -> None:
        super().open()
        self._pace = Pace()
        self._characters = 0

    def usage(self) -> dict[str, Any]:
        return {"characters": self._characters}

    async def _offers(self, client: RemoteClient) -> list[str]:
        lines = await super()._offers(client)
        place = client.endpoint.place
        try:
            found = listed(await client.whole("GET", "audio/voices"), "voices")
        except RemoteError:  # the API of OpenAI has no such list
            return [*lines, f"voices at {place}: it does not list them"]
        names = [client.endpoint.hide(name) for name in found]
        return [
            *lines,
            f"voices at {place}:" if names else f"voices at {place}: none",
            *(f"  {n}" for n in names),
        ]

    async def process(self, chunk: TextPacket) -> AsyncGenerator[AudioPacket, None]:
        units = chunk.units or [SpokenUnit(word, speakable(word)) for word in words_of(chunk.text)]
        text = " ".join(unit.spoken.strip() for unit in units if unit.spoken.strip())
        parts = parts_of(units, chunk.index)
        speech = SpeechStream(parts, chunk.turn, self.rate, self._pace, self.ctx.now_ns())
        spare = self.spare
        if spare is not None and spare.on_duty:
            async with aclosing(spare.take(("text", chunk))) as spoken:
                async for packet in spoken:
                    yield packet
            return
        if any(map(str.isalnum, text)):
            try:
                async with aclosing(self._sound(text)) as pieces:
                    async for piece in pieces:
                        for packet in speech.push(piece):
                            yield packet
            except RemoteError as error:
                if spare is not None and not speech.begun:
                    spare.relieve(error, repr(text[:40]))
                    async with aclosing(spare.take(("text", chunk))) as spoken:
                        async for packet in spoken:
                            yield packet
                    return
                part = " to its end" if speech.begun else ""
                self.fail(chunk.turn, f"{text[:40]!r} is not spoken{part}: {error}")
                return
        for packet in speech.finish():
            yield packet

    async def _sound(self, text: str) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a text's speech as they come. Raises: RemoteError."""
        body: dict[str, Any] = {
            "model": self.model,
            "input": text,
            "voice": self.voice,
            "response_format": "pcm",
        }
        if self.speed != 1:
            body["speed"] = self.speed
        if self.instructions:
            body["instructions"] = self.instructions
        self._characters += len(text)
        first = True
        async with aclosing(self.client.data("audio/speech", body | self.body)) as pieces:
            async for piece in pieces:
                kind = next((kind for begins, kind in _OTHERS.items() if piece.startswith(begins)), "")
                if first and kind:
                    place = self.client.endpoint.place
                    raise RemoteError(
                        f"{place} sends {kind}, and not the bare samples (pcm) that were asked for"
                    )
                first = False
                yield piece
        if first:
            raise RemoteError(f"{self.client.endpoint.place} sent no sound; look into its log")
