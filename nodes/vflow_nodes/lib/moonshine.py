"""Moonshine tiny: the transcriber that nodes share, and the folder of its model.

Source: https://github.com/moonshine-ai/moonshine (MIT). The wheel moonshine-voice 0.1.0 contains the English
model; later ones download theirs.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from vflow import Samples, Unavailable, install_command, join_words
from vflow_nodes.lib.turnstile import Turnstile

RATE = 16_000
SHORTEST = RATE // 10
"""Fewest samples: the model's convolutions refuse less than about 60 ms."""
SILENT = 1e-3
"""Peak amplitude (-60 dB) below which nothing is transcribed: the model makes `You` of silence."""
FILES = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")


class Transcriber:
    """The library's transcriber with a lock. The library keeps its result in one buffer, so that two calls
    at once would return mixed text. Waiting costs nothing, since each call uses all cores."""

    def __init__(self, folder: Path) -> None:
        from moonshine_voice import ModelArch
        from moonshine_voice.transcriber import Transcriber as Moonshine

        self._lock = Turnstile()
        # vad_threshold 0: the graph has already cut the utterance; the library would split it and invent
        # lines. No audio back: as lists of Python floats it would take longer than to transcribe short words.
        options = {"vad_threshold": "0", "return_audio_data": "false"}
        self._model = Moonshine(str(folder), ModelArch.TINY, options=options)  # used under _lock

    def text(self, samples: Samples) -> str:
        """Return the words in `samples`, `(frames,)` at 16 kHz; '' for silence. Any thread; blocks."""
        if len(samples) < SHORTEST or float(np.abs(samples).max()) < SILENT:
            return ""
        # not the public API, which takes a list and copies it again: 1.8 ms for each second of audio
        with self._lock:
            lines = self._model.transcribe_without_streaming(samples.tolist(), RATE).lines
        return join_words(line.text.strip() for line in lines)

    def warm_up(self) -> None:
        """Transcribe half a second of noise. Any thread; blocks."""
        noise = np.random.default_rng(0).normal(0, 0.01, RATE // 2)
        self.text(noise.astype(np.float32))

    def queue(self) -> dict[str, float]:
        """Return who waits for it; any thread."""
        return self._lock.queue()

    def close(self) -> None:
        with self._lock:
            self._model.close()


def bundled() -> Path | None:
    """Return the folder of the English model in the installed wheel, even if it does not exist; import
    nothing."""
    spec = importlib.util.find_spec("moonshine_voice")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "assets" / "tiny-en"


def missing(folder: Path) -> str:
    """Name the model's files that a folder lacks; '' if it is complete."""
    return ", ".join(name for name in FILES if not (folder / name).is_file())


def folder_of(model: str) -> Path:
    """Return the folder of `tiny-en`, the bundled model, or of another model with the same files. Raises:
    Unavailable, with what mends it."""
    folder = bundled()
    if folder is None or (model == "tiny-en" and missing(folder)):
        raise Unavailable(problem())
    if model != "tiny-en":
        folder = Path(model)
    if lacks := missing(folder):
        raise Unavailable(
            f"no Moonshine model in {model!r}: {lacks} not found; "
            "write tiny-en, or a folder with " + ", ".join(FILES)
        )
    return folder.resolve()


def problem() -> str:
    """Return why the bundled model cannot be used, with what mends it; '' if it can."""
    folder = bundled()
    if folder is None:
        return f"moonshine-voice is not installed; {install_command('speech')}"
    if missing(folder):
        return (
            "the installed moonshine-voice contains no model (0.1.0 was the last that did); "
            "pip install 'moonshine-voice==0.1.0'"
        )
    return ""
