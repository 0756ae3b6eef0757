"""The errors of a turn's last sound: noise at the level that is asked for, and what is noted of a clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from vflow import Samples
from vflow.bench.speech import bundled, recorded


@pytest.fixture
def voice_off(benchmark: Callable[[str], ModuleType]) -> Any:
    return benchmark("voice_off")


@pytest.fixture
def question(voice_off: Any, tmp_path: Path) -> tuple[Any, Samples]:
    """Return the bundled question as a clip, with half a second of silence before and two after."""
    said = recorded(bundled())
    samples = np.concatenate([np.zeros(8_000, np.float32), said.samples, np.zeros(32_000, np.float32)])
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    return voice_off.Clip(tmp_path / "a.wav", "query", (), 0.5 + said.off_ns / 1e9), samples


@pytest.mark.parametrize("kind", ["white", "pink", "room"])
def test_noise_has_power_1_and_falls_over_frequency_as_its_kind_does(voice_off: Any, kind: str) -> None:
    made = voice_off.noise(kind, 160_000, 3)
    assert np.mean(made.astype(float) ** 2) == pytest.approx(1, rel=1e-4)
    power = np.abs(np.fft.rfft(made.astype(float))) ** 2
    low, high = power[2_000:4_000].mean(), power[32_000:64_000].mean()  # 200 to 400 Hz, 3.2 to 6.4 kHz
    octave_db = 10 * np.log10(low / high) / 4
    assert octave_db == pytest.approx({"white": 0, "pink": 3, "room": 5}[kind], abs=0.3)


def test_noise_is_softer_than_the_labelled_sound_by_the_given_db(voice_off: Any) -> None:
    samples = np.full(32_000, 0.1, np.float32)
    samples[8_000:12_000] = 0  # an inner silence
    samples[20_000:] = 0
    clip = voice_off.Clip(Path("a.wav"), "query", ((0.5, 0.75),), 1.25)
    noise = voice_off.mixed(clip, samples, "white", 20, 1) - samples
    assert np.mean(noise.astype(float) ** 2) == pytest.approx(0.1**2 / 100, rel=0.02)


def test_a_question_in_silence_is_found_to_end_where_it_does(voice_off: Any, question: Any) -> None:
    row = voice_off.Row()
    voice_off.look(row, *question)
    told = row.figures()
    assert (told["ends"], told["cut"], told["early"]) == (1, 0, 0)
    assert abs(told["recorded"]["median"]) <= 30
    assert 0 < told["pause_ms"][0] < 480
