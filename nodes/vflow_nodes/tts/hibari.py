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
"""Most phonemes of one call: 12 s of speech, 90 ms of work on one core."""
HUB = "maureesewilliams/hibari"
"""Where the voices are that the package does not contain, on the hub."""
SEED = 0
"""The seed of the noise in each sentence, so that the same text gives the same samples."""


class HibariTts(Node):
    """Speak chunks of English text.

    Each chunk is synthesized at once. Silence around it is cut to 20 ms, and a pause that fits its
    punctuation follows it. It leaves in packets of at most 100 ms. Their spans tell where each word is,
    estimated from the phonemes (60 ms off in the mean). The package contains the voice `heart`; the others
    are pulled. All pipelines of a process share the model.
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
        """Yield a line per voice, with the command that fetches it if it is not here. Raises: Unavailable."""
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
    """One voice of hibari. Any thread may call: onnxruntime's `run` is thread-safe, and the G2P only reads
    its tables, since its network for unknown words is loaded here in advance."""

    alphabet = "LATIN"
    longest = LONGEST

    def __init__(self, voice: str, threads: int) -> None:
        """Load the voice. Raises: Unavailable if it is unknown or not on this machine."""
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
    """Return a voice's file: in the package, in hibari's own cache, or pulled; None if it is not here."""
    from hibari.voices import VOICES, voice_path

    with contextlib.suppress(FileNotFoundError):
        return Path(voice_path(voice, download_missing=False))
    folder = models.hub_snapshot(HUB)
    file = folder / "voices" / VOICES[voice]["file"] if folder is not None else None
    return file if file is not None and file.is_file() else None


def _pull(voice: str) -> str:
    """Return the command that fetches a voice."""
    from hibari.voices import VOICES

    return f"vflow models pull {HUB} --file voices/{VOICES[voice]['file']}"
