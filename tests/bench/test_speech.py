"""The utterances of a bench: recordings, and prompts that a voice speaks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vflow import MS, Unavailable
from vflow.bench.speech import RATE, bundled, recorded, spoken


def test_the_bundled_question_is_a_clip() -> None:
    clip = recorded(bundled())
    assert 1.5 * RATE < len(clip.samples) < 3 * RATE
    assert 0 <= clip.on_ns < clip.off_ns <= len(clip.samples) * 1_000_000_000 // RATE


def test_a_recording_of_another_rate_in_stereo_is_taken(tmp_path: Path) -> None:
    tone = 0.2 * np.sin(np.arange(44_100) * 0.05)
    silence = np.zeros(22_050)
    both = np.stack([np.concatenate([silence, tone])] * 2, axis=1)
    soundfile.write(tmp_path / "tone.wav", both, 44_100)
    clip = recorded(tmp_path / "tone.wav")
    assert len(clip.samples) == pytest.approx(1.5 * RATE, abs=2)
    assert clip.on_ns == pytest.approx(500 * MS, abs=30 * MS)


@pytest.mark.parametrize(
    ("samples", "why"), [(np.zeros(16_000), "silent"), (np.array([0.1, np.nan]), "not numbers")]
)
def test_a_recording_without_a_voice_is_refused(tmp_path: Path, samples: np.ndarray, why: str) -> None:
    soundfile.write(tmp_path / "bad.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(Unavailable, match=why):
        recorded(tmp_path / "bad.wav")


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no such file"):
        recorded(tmp_path / "none.wav")


def test_the_installed_voice_speaks_a_prompt() -> None:
    pytest.importorskip("hibari")
    (clip,) = spoken(["Tell me about the ocean."], fixed=True)
    assert clip.how == "spoken by tts.hibari"
    assert clip.fixed
    assert 0.8e9 < clip.off_ns - clip.on_ns < 4e9


def test_a_pipe_and_an_endless_device_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(Unavailable, match="is a pipe, a device or a folder"):
            recorded(file)
