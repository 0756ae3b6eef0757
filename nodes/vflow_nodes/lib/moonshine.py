"""Moonshine tiny: the transcriber that nodes share, and the folder of its model.

Source: https://github.com/moonshine-ai/moonshine (MIT). The wheel moonshine-voice 0.1.0 contains the English
model; later ones download theirs.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from vflow import Samples, Unavailable, install_command
from vflow_nodes.lib.moonshine_model import DECODER, ENCODER, TOKENIZER, Model
from vflow_nodes.lib.moonshine_model import RATE as RATE

SHORTEST = RATE // 10
"""Fewest samples: the model's convolutions refuse less than about 60 ms."""
SILENT = 1e-3
"""Peak amplitude (-60 dB) below which nothing is transcribed: the model makes `You` of silence."""
FILES = (ENCODER, DECODER, TOKENIZER)


class Guess:
    """The tokens of an utterance as far as it was transcribed. Of a later transcript of it, or of a longer
    part of it, only what differs has to be decoded. One thread."""

    def __init__(self) -> None:
        self.tokens: list[int] = []


class Transcriber:
    """Moonshine, for nodes that share it. Any thread may call, also at once."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._model = Model(folder, threads)

    def text(self, samples: Samples, guess: Guess | None = None) -> str:
        """Return the words in `samples`, `(frames,)` at 16 kHz; '' for silence. `guess` takes the tokens, for
        the next call with the same utterance. Blocks: about 15 ms a second, and 5 a token."""
        if len(samples) < SHORTEST or float(np.abs(samples).max()) < SILENT:
            return ""
        tokens = self._model.tokens(samples, () if guess is None else guess.tokens)
        if guess is not None:
            guess.tokens = tokens
        return self._model.text(tokens)

    def warm_up(self) -> None:
        """Transcribe half a second of noise. Any thread; blocks."""
        noise = np.random.default_rng(0).normal(0, 0.01, RATE // 2)
        self.text(noise.astype(np.float32))


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
