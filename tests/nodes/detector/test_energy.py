"""The energy detector: its formula, what it must not take for speech, and what it must."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vflow import SECOND, AudioPacket, Harness
from vflow.high_pass import high_passed
from vflow_nodes.detector.energy import EnergyDetector

RATE = 16000
WINDOW = 512
Samples = NDArray[np.float32]


def rate_windows(
    node: EnergyDetector, samples: Samples, block: int = 320, start_ns: int = 0
) -> list[AudioPacket]:
    """Feed `samples` in blocks; return the windows that come out."""
    out: list[AudioPacket] = []
    with Harness(node) as harness:
        for at in range(0, len(samples), block):
            pts_ns = start_ns + at * SECOND // RATE
            harness.push(AudioPacket(data=samples[at : at + block].copy(), rate=RATE, pts_ns=pts_ns))
            out += [item for item in harness.pull() if isinstance(item, AudioPacket)]
    return out


def speech_of(packets: list[AudioPacket]) -> Samples:
    return np.array([packet.meta["speech"] for packet in packets], np.float32)


def white_noise(seconds: float, level_db: float) -> Samples:
    noise = np.random.default_rng(1).normal(0, 10 ** (level_db / 20), int(seconds * RATE))
    return noise.astype(np.float32)


def db(samples: Samples) -> float:
    return 10 * math.log10(float(np.mean(np.square(samples, dtype=np.float64))) + 1e-12)


@pytest.mark.parametrize("level_db", [-70.0, -50.0, -30.0, -15.0])
def test_steady_white_noise_is_no_speech(level_db: float) -> None:
    assert speech_of(rate_windows(EnergyDetector(), white_noise(10, level_db))).max() < 0.1


@pytest.mark.parametrize("hz", [50, 60, 100, 440])
def test_hum_is_no_speech(hz: int) -> None:
    t = np.arange(10 * RATE) / RATE
    hum = 0.1 * np.sin(2 * np.pi * hz * t) + 0.03 * np.sin(2 * np.pi * 3 * hz * t)
    assert speech_of(rate_windows(EnergyDetector(), hum.astype(np.float32))).max() < 0.1


def test_digital_silence_and_its_dither_are_no_speech() -> None:
    silence = np.concatenate([np.zeros(RATE, np.float32), white_noise(1, -75)])
    assert speech_of(rate_windows(EnergyDetector(), silence)).max() < 0.1


def test_speech_12_db_above_the_floor_is_found() -> None:
    hibari = pytest.importorskip("hibari")
    soxr = pytest.importorskip("soxr")
    voice = np.asarray(hibari.Hibari()("What is the capital of France?"), np.float32)
    voice = soxr.resample(voice, 24000, RATE).astype(np.float32)
    loud = np.flatnonzero(np.abs(voice) > 0.1 * np.abs(voice).max())
    voice = voice[loud[0] : loud[-1]]
    floor_db = -45.0
    voice = voice * 10 ** ((floor_db + 12 - db(voice)) / 20)
    audio = white_noise(4, floor_db)
    audio[2 * RATE : 2 * RATE + len(voice)] += voice
    speech = speech_of(rate_windows(EnergyDetector(), audio))
    first, last = 2 * RATE // WINDOW, (2 * RATE + len(voice)) // WINDOW
    assert (speech[first:last] >= 0.5).mean() > 0.6
    assert speech[: first - 1].max() < 0.1
    assert speech[last + 2 :].max() < 0.1


def test_the_probability_follows_the_documented_formula() -> None:
    audio = white_noise(3, -40) * np.repeat(10 ** (np.random.default_rng(2).uniform(0, 0.5, 10)), 4800)
    packets = rate_windows(EnergyDetector(margin_db=5.0, memory="1s"), audio.astype(np.float32))
    heard = high_passed(audio.astype(np.float32), RATE)
    levels = [db(heard[at : at + WINDOW]) for at in range(0, len(packets) * WINDOW, WINDOW)]
    for i, packet in enumerate(packets):
        floor = max(min(levels[max(0, i - 30) : i + 1]), -60.0)
        expected = 1 / (1 + math.exp(-(levels[i] - floor - 5.0) / 1.5))
        assert packet.meta["speech"] == pytest.approx(expected, abs=1e-4)


def burst() -> Samples:
    """Make two seconds of a quiet room, then 0.4 s of a tone at -35 dB, then the room again."""
    audio = white_noise(4, -70)
    audio[2 * RATE : 2 * RATE + 6400] += 0.025 * np.sin(np.arange(6400) * 0.3).astype(np.float32)
    return audio


TIME = np.arange(4 * RATE) / RATE
UNDER = {
    "offset": np.full(4 * RATE, 0.1),
    "hum 50": 0.1 * np.sin(2 * np.pi * 50 * TIME),
    "hum 60": 0.1 * np.sin(2 * np.pi * 60 * TIME),
    "offset and hum": -0.3 + 0.1 * np.sin(2 * np.pi * 50 * TIME),
}


@pytest.mark.parametrize("under", UNDER)
def test_soft_voice_is_found_above_inaudible_noise(under: str) -> None:
    speech = speech_of(rate_windows(EnergyDetector(), burst() + UNDER[under].astype(np.float32)))
    first, last = 2 * RATE // WINDOW, (2 * RATE + 6400) // WINDOW
    assert speech[first + 1 : last].min() > 0.9
    assert speech[: first - 1].max() < 0.1
    assert speech[last + 3 :].max() < 0.1


def test_an_offset_that_sets_in_is_no_speech_after_its_step() -> None:
    audio = white_noise(4, -50)
    audio[2 * RATE :] += 0.2
    speech = speech_of(rate_windows(EnergyDetector(), audio))
    assert (speech > 0.5).sum() <= 3


def test_a_slow_thump_is_no_speech() -> None:
    t = np.maximum(TIME - 2, 0)
    thump = (TIME >= 2) * 0.05 * np.sin(2 * np.pi * 20 * t) * np.exp(-20 * t) * (1 - np.exp(-100 * t))
    audio = white_noise(4, -45) + thump.astype(np.float32)
    assert speech_of(rate_windows(EnergyDetector(), audio)).max() < 0.5


def test_a_noise_that_sets_in_is_forgotten_after_memory() -> None:
    audio = np.concatenate([white_noise(2, -60), white_noise(4, -30)])
    speech = speech_of(rate_windows(EnergyDetector(), audio))
    set_in = 2 * RATE // WINDOW
    assert speech[set_in + 1 : set_in + 60].min() > 0.9
    assert speech[set_in + 64 :].max() < 0.1


def test_an_incomplete_window_ends_with_the_stream() -> None:
    with Harness(EnergyDetector()) as harness:
        harness.push(AudioPacket(data=np.ones(300, np.float32), rate=RATE))
        assert [type(item).__name__ for item in harness.eos()] == ["Eos"]
