"""echo, transcribe and say: each does what its first line says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from vflow import Samples

from .conftest import PIPELINES, QUESTION, Run

Runner = Callable[..., Run]


def test_echo_plays_the_voice_a_moment_later(run: Runner) -> None:
    samples, said_rate = soundfile.read(QUESTION, dtype="float32")
    for left in (2, 1, 0):  # in real time: the machine may be busy for a moment
        played, rate = run("echo.yaml", input=QUESTION).heard()
        said = soxr.resample(samples, said_rate, rate)
        played = played[: len(said) + rate]
        delay = int(np.correlate(played, said, "valid").argmax())
        window = played[delay : delay + len(said)]
        likeness = np.dot(window, said) / (np.linalg.norm(window) * np.linalg.norm(said))
        if (delay / rate <= 0.3 and likeness > 0.99) or not left:
            break
    assert 0.06 <= delay / rate <= 0.3
    assert likeness > 0.99


def test_transcribe_prints_the_words(run: Runner) -> None:
    done = run("transcribe.yaml", input=QUESTION, output=False)
    assert done.code == 0
    assert done.out.splitlines() == ["What is the capital of France?"]


@pytest.mark.skipif("VFLOW_SPEECH" not in os.environ, reason="no human speech: VFLOW_SPEECH is not set")
def test_transcribe_understands_a_human_reader(run: Runner) -> None:
    clip = Path(os.environ["VFLOW_SPEECH"]) / "librivox_austen_0920.wav"
    done = run("transcribe.yaml", input=clip, output=False)
    text = " ".join(turn["user"] for turn in done.report["turns"]).lower()
    assert "more respectable than he was" in text


def test_say_speaks_the_text(run: Runner, transcribe: Callable[[Samples, int], str]) -> None:
    text = "Good morning, the train to London leaves at nine."
    done = run("say.yaml", "--set", f"text.text={text}", "--set", "speaker.sync=false")
    assert done.code == 0
    spoken = transcribe(*done.heard()).lower()
    assert "good morning" in spoken
    assert "train to london leaves at" in spoken
    assert done.report["turns"][0]["heard"] == text


def test_a_shipped_pipeline_runs_by_its_name_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vflow.cli.main import main

    monkeypatch.chdir(tmp_path)
    assert main(["run", "say", "--set", "speaker.sync=false", "--output", "hello.wav"]) == 0
    samples, rate = soundfile.read("hello.wav", dtype="float32")
    assert len(samples) > rate
    assert np.abs(samples).max() > 0.1


def test_every_pipeline_passes_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    from vflow.cli.main import main

    files = sorted(str(path) for path in PIPELINES.glob("*.yaml"))
    assert main(["check", *files]) == 0
    assert capsys.readouterr().out.count(": ok") == len(files) == 5
