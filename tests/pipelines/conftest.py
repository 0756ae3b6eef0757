"""Run graphs as the command does, and transcribe their output with another model than the one that spoke."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from vflow import Samples
from vflow.cli.main import main

PIPELINES = Path(__file__).parents[2] / "pipelines"
QUESTION = PIPELINES / "question.wav"


@dataclass(frozen=True)
class Run:
    """The results of a `vflow run`: exit code, report, printed text, and the recorded output."""

    code: int
    report: dict[str, Any]
    out: str
    err: str
    output: Path

    def heard(self) -> tuple[Samples, int]:
        """Return the recorded output, `(n,) float32`, and its rate."""
        samples, rate = soundfile.read(self.output, dtype="float32")
        return samples, rate


def run_in(folder: Path, name: str, *options: str, input: Path | None = None, output: bool = True) -> Run:
    """Run one of the pipelines with `vflow run`; its files go to `folder`."""
    wav, report = folder / "out.wav", folder / "report.json"
    words = ["run", str(PIPELINES / name), "--report", str(report), *options]
    words += ["--input", str(input)] if input else []
    words += ["--output", str(wav)] if output else []
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    return Run(code, json.loads(report.read_text()), out.getvalue(), err.getvalue(), wav)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Run]:
    return partial(run_in, tmp_path)


@pytest.fixture(scope="session")
def transcribe() -> Iterator[Callable[[Samples, int], str]]:
    """Return a function for speech to text by Moonshine, which judges what a recording says."""
    import moonshine_voice
    from moonshine_voice import ModelArch, Transcriber

    folder = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
    transcriber = Transcriber(str(folder), ModelArch.TINY, options={"vad_threshold": "0"})

    def hear(samples: Samples, rate: int) -> str:
        speech = soxr.resample(samples, rate, 16000).astype(np.float32)
        lines = transcriber.transcribe_without_streaming(speech.tolist(), 16000).lines
        return " ".join(line.text for line in lines)

    yield hear
    transcriber.close()
