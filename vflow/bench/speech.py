"""The utterances of a bench: recordings, and prompts spoken by the installed voice."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from vflow.errors import Unavailable
from vflow.graph import shipped
from vflow.graph.loader import load_text
from vflow.mixdown import mixed
from vflow.packet import Samples
from vflow.report.recordings import voice_off_ns, voice_on_ns
from vflow.runtime.pipeline import Pipeline

RATE = 16_000
"""Sample rate of every clip, in Hz."""
SPEAKING_S = 120.0
"""Longest time the voice may take for all prompts together."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance: its text or name (`said`), `how` it was made, and its `(n,) float32` samples at RATE.

    `on_ns` and `off_ns` are its first and last sound. `fixed` marks one of the bench's own prompts, for which
    longer replies are promised.
    """

    said: str
    how: str
    samples: Samples
    on_ns: int
    off_ns: int
    fixed: bool = False


def bundled() -> Path:
    """Return the recorded question that comes with vflow. Raises: Unavailable if it is not installed."""
    place = shipped.folder() / "question.wav"
    if not place.is_file():
        raise Unavailable(
            f"the recorded question is not in this installation (looked for {place}); name one with --input"
        )
    return place


def recorded(file: str | Path) -> Clip:
    """Return a clip from a file, its channels mixed. Raises: Unavailable for one that holds no sound."""
    path = Path(file)
    if os.path.exists(path) and not path.is_file():
        raise Unavailable(f"{file} is a pipe, a device or a folder, not a sound file; name a file")
    if not os.path.isfile(path):
        raise Unavailable(f"no such file: {file} (looked in {Path.cwd()}); check the path")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:  # libsndfile's errors are RuntimeErrors
        raise Unavailable(
            f"{file} cannot be read as sound: {error}; give a wav, flac, ogg or mp3 file"
        ) from error
    if not np.isfinite(samples).all():
        raise Unavailable(f"{file} holds samples that are not numbers; write the file anew, as 16 or 24 bit")
    return clip_of(path.name, f"recording {file}", mixed(samples, int(rate)), int(rate))


def spoken(texts: Sequence[str], fixed: bool) -> list[Clip]:
    """Return clips of texts, spoken by the voice of the role `tts` in a pipeline of their own. Blocks.

    Raises: VflowError if no voice is installed, or it fails.
    """
    with tempfile.TemporaryDirectory(prefix="vflow-bench-") as folder:
        files = [Path(folder) / f"{number}.wav" for number in range(len(texts))]
        graph = load_text(_speaking(texts, files), file="<the prompts of the bench>")
        pipeline = Pipeline(graph)
        with pipeline:
            if not pipeline.wait(SPEAKING_S):
                raise Unavailable(f"the voice spoke no {len(texts)} prompts within {SPEAKING_S:.0f} s")
        how = f"spoken by {graph.nodes['tts0'].resolved}"
        sounds = [soundfile.read(file, dtype="float32") for file in files]
    return [
        clip_of(text, how, samples, rate, fixed) for text, (samples, rate) in zip(texts, sounds, strict=True)
    ]


def _speaking(texts: Sequence[str], files: Sequence[Path]) -> str:
    """Return a graph that speaks each text into its file."""
    nodes, links = [], []
    for number, (text, file) in enumerate(zip(texts, files, strict=True)):
        nodes += [
            f"  text{number}: {{use: text_source, text: {json.dumps(text)}}}",
            f"  words{number}: {{use: word_buffer, first: 25, then: 25}}",
            f"  tts{number}: {{use: tts}}",
            f"  file{number}: {{use: wav_sink, sync: false, file: {json.dumps(str(file))}}}",
        ]
        links.append(f"  - text{number} -> words{number} -> tts{number} -> file{number}")
    return "\n".join(["vflow: 1", "nodes:", *nodes, "links:", *links]) + "\n"


def clip_of(said: str, how: str, samples: Samples, rate: int, fixed: bool = False) -> Clip:
    """Return a clip of samples, resampled to RATE. Raises: Unavailable if they are silent."""
    clip = np.asarray(samples if rate == RATE else soxr.resample(samples, rate, RATE), np.float32)
    on_ns, off_ns = voice_on_ns(clip, RATE), voice_off_ns(clip, RATE)
    if on_ns is None or off_ns is None:
        raise Unavailable(f"{said!r} ({how}) is silent; nothing can answer it")
    return Clip(said, how, clip, on_ns, off_ns, fixed)
