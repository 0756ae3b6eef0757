"""Text to speech with hibari: English, 24 kHz, about a hundred times faster than real time on one core."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
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
    models,
    prop,
)
from vflow_nodes.lib import hibari_g2p
from vflow_nodes.lib.speech import Unsaid, speak

LONGEST = 200
"""Phonemes of one call: 12 s of speech, which take 90 ms on one core."""
HUB = "maureesewilliams/hibari"
"""The voices that are not in the package, on the hub."""
SEED = 0
"""Of the noise in each sentence: the same text gives the same samples."""


class HibariTts(Node):
    """Speak chunks of English text.

    Each chunk is synthesized at once, its silence trimmed to 20 ms, a pause by its punctuation put behind
    it, and emitted in packets of at most 100 ms whose spans say where each word lies; the spans are
    estimated from the phonemes (60 ms off in the mean). The voice `heart` is in the package, the others
    are pulled. The model is shared by all pipelines of a process.
    """

    heavy = True
    rank = 50
    example = "tts: {use: tts.hibari, voice: heart, speed: 1.1}"

    voice: str = prop("heart", doc="voice; `heart` is in the package, the others are pulled")
    speed: float = prop(1.0, ge=0.5, le=2.0, doc="pace of speech, 1 is the voice's own", hot=True)

    text = In(Text("chunk", {"spoken"}), queue=QueueOptions(packets=2))
    audio = Out(Audio(rate=24000, channels=1))

    @classmethod
    def unavailable(cls) -> str:
        missing = [m for m in ("hibari", "onnxruntime") if importlib.util.find_spec(m) is None]
        return f"{' and '.join(missing)} not installed: {install_command('speech')}" if missing else ""

    def list_voices(self) -> Iterator[str]:
        """The voices, and how those that are not here are fetched. Raises: Unavailable."""
        if problem := self.unavailable():
            raise Unavailable(problem)
        from hibari.voices import VOICES

        for name, about in VOICES.items():
            state = "" if _file_of(name) else f"; not here: {_pull(name)}"
            yield f"{name}: {about['language']}, {about['gender']}{state}"

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
        from hibari.voices import VOICES

        if voice not in VOICES:
            raise Unavailable(f"hibari has no voice {voice!r}; it has {', '.join(VOICES)}")
        file = _file_of(voice)
        if file is None:
            raise Unavailable(
                f"the voice {voice!r} of hibari is not here: {_pull(voice)}; "
                "or write voice: heart, which is in the package"
            )
        self._hibari: Any = Hibari(voice=voice, model=str(file), threads=threads)
        self._hibari.g2p.oov("warm")

    @property
    def rate(self) -> int:
        return int(self._hibari.sample_rate)

    def phonemes(self, text: str) -> list[str]:
        return hibari_g2p.phonemes(self._hibari.g2p, text)

    def samples(self, phonemes: str, speed: float) -> Samples:
        made = self._hibari.from_phonemes(phonemes, speed, SEED)
        return np.asarray(made, np.float32)


def _file_of(voice: str) -> Path | None:
    """The file of a voice: in the package, in hibari's own cache, or pulled; None where it is not here."""
    from hibari.voices import VOICES, voice_path

    with contextlib.suppress(FileNotFoundError):
        return Path(voice_path(voice, download_missing=False))
    folder = models.hub_snapshot(HUB)
    file = folder / "voices" / VOICES[voice]["file"] if folder is not None else None
    return file if file is not None and file.is_file() else None


def _pull(voice: str) -> str:
    """The command that fetches a voice."""
    from hibari.voices import VOICES

    return f"vflow models pull {HUB} --file voices/{VOICES[voice]['file']}"
