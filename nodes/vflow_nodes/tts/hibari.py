"""Text to speech with hibari: English, 24 kHz, about a hundred times faster than real time on one core."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np

from vflow import (
    Audio,
    AudioPacket,
    In,
    Node,
    Out,
    QueueOptions,
    Samples,
    Text,
    TextPacket,
    Unavailable,
    install_command,
    prop,
)
from vflow_nodes.lib import hibari_g2p
from vflow_nodes.lib.speech import Unsaid, speak

LONGEST = 200
"""Phonemes of one call: 12 s of speech, which take 90 ms on one core."""
SEED = 0
"""Of the noise in each sentence: the same text gives the same samples."""


class HibariTts(Node):
    """Speak chunks of English text.

    Each chunk is synthesized at once, its silence trimmed to 20 ms, a pause by its punctuation put behind
    it, and emitted in packets of at most 100 ms whose spans say where each word lies; the spans are
    estimated from the phonemes (60 ms off in the mean). The voice `heart` is in the package; hibari
    downloads the others. The model is shared by all pipelines of a process.
    """

    heavy = True
    rank = 50
    example = "tts: {use: tts.hibari, voice: heart, speed: 1.1}"

    voice: str = prop("heart", doc="voice; `heart` is bundled, the others are fetched by hibari itself")
    speed: float = prop(1.0, ge=0.5, le=2.0, doc="pace of speech, 1 is the voice's own", hot=True)

    text = In(Text("chunk", {"spoken"}), queue=QueueOptions(packets=2))
    audio = Out(Audio(rate=24000, channels=1))

    @classmethod
    def unavailable(cls) -> str:
        missing = [m for m in ("hibari", "onnxruntime") if importlib.util.find_spec(m) is None]
        return f"{' and '.join(missing)} not installed: {install_command('speech')}" if missing else ""

    def open(self) -> None:
        threads = self.ctx.threads("onnxruntime")
        self.ctx.progress(f"loading the voice {self.voice}")
        self._unsaid = Unsaid(f"the voice {self.voice}", self.ctx.warn)
        self._model = self.ctx.shared(f"hibari:{self.voice}", lambda: Model(self.voice, threads))

    def warm_up(self) -> None:
        for sentence in self._model.phonemes("Warming up."):
            self._model.samples(sentence, self.speed)

    def process(self, chunk: TextPacket) -> Iterator[AudioPacket | None]:
        yield from speak(chunk, self._model, self.speed, self.ctx.now_ns, self._unsaid)


class Model:
    """One voice of hibari. Any thread may call: onnxruntime's `run` is thread-safe, and the G2P, its network
    for unknown words loaded here, only reads its tables."""

    alphabet = "LATIN"
    longest = LONGEST

    def __init__(self, voice: str, threads: int) -> None:
        """Load it. Raises: Unavailable for a voice that is unknown or not on this machine."""
        from hibari import Hibari
        from hibari.voices import VOICES, voice_path

        if voice not in VOICES:
            raise Unavailable(f"hibari has no voice {voice!r}; it has {', '.join(VOICES)}")
        try:
            voice_path(voice, download_missing=False)
        except FileNotFoundError as missing:
            raise Unavailable(
                f"the voice {voice!r} of hibari is not on this machine ({missing} is missing); fetch it by\n"
                f"  python -c 'from hibari.voices import voice_path; voice_path(\"{voice}\")'\n"
                "or write voice: heart, which is in the package"
            ) from None
        self._hibari: Any = Hibari(voice=voice, threads=threads)
        self._hibari.g2p.oov("warm")

    @property
    def rate(self) -> int:
        return int(self._hibari.sample_rate)

    def phonemes(self, text: str) -> list[str]:
        return hibari_g2p.phonemes(self._hibari.g2p, text)

    def samples(self, phonemes: str, speed: float) -> Samples:
        made = self._hibari.from_phonemes(phonemes, speed, SEED)
        return np.asarray(made, np.float32)
