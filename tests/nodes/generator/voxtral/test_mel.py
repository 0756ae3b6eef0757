"""Against transformers' feature extractor, called as VoxtralProcessor calls it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import WhisperFeatureExtractor

from vflow_nodes.generator.voxtral.mel import BINS, FRAMES, RATE_HZ, WINDOW_SAMPLES, Array, LogMel, Window

TOLERANCE = 1e-5
extractor = WhisperFeatureExtractor(feature_size=BINS)


def expected(samples: Array) -> Array:
    """Return the features of VoxtralProcessor._retrieve_input_features, `(n, 128, 3000)`."""
    features = extractor(
        samples,
        sampling_rate=RATE_HZ,
        padding=True,
        truncation=False,
        pad_to_multiple_of=WINDOW_SAMPLES,
        return_tensors="pt",
    )["input_features"]
    windows: Array = features.reshape(BINS, -1, FRAMES).transpose(0, 1).numpy()
    return windows


def heard(samples: Array, sizes: Iterable[int] = ()) -> LogMel:
    """Push samples in chunks of `sizes`, and the rest in one."""
    mel = LogMel()
    at = 0
    for size in sizes:
        mel.push(samples[at : at + size])
        at += size
    mel.push(samples[at:])
    return mel


def stacked(windows: list[Window]) -> Array:
    return np.stack([window.mel for window in windows])


def speech(seconds: float, seed: int = 0) -> Array:
    """Make noise whose loudness wanders over 60 dB, with digital silence in between: far from stationary."""
    random = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    blocks = -(-count // 4000)
    gain = 10.0 ** random.uniform(-3, 0, blocks) * (random.random(blocks) > 0.2)
    noise = random.standard_normal(count) * np.repeat(gain, 4000)[:count]
    return (0.3 * noise).astype(np.float32)


def tone(seconds: float) -> Array:
    return (0.9 * np.sin(2 * np.pi * 440.0 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(
        np.float32
    )


def clicks(seconds: float) -> Array:
    samples = np.zeros(round(seconds * RATE_HZ), np.float32)
    samples[::7919] = 1.0
    samples[-1] = -1.0
    return samples


@pytest.mark.parametrize("make", [speech, tone, clicks], ids=["speech", "tone", "clicks"])
@pytest.mark.parametrize("seconds", [0.1, 1.0, 29.99, 30.0, 30.01, 65.0])
def test_mel_equals_the_extractors(make: object, seconds: float) -> None:
    samples = make(seconds)  # type: ignore[operator]
    mel = heard(samples, [320] * 40)
    np.testing.assert_allclose(stacked(mel.windows()), expected(samples), rtol=0, atol=TOLERANCE)


# Around the mirrored start (200), a frame (160), the last frame's reach over the end of a window (40 and 360)
@pytest.mark.parametrize(
    "count",
    [1, 2, 159, 160, 199, 200, 201, 202, 360, 361, 400]
    + [
        WINDOW_SAMPLES + offset
        for offset in (-401, -361, -360, -359, -41, -2, -1, 0, 1, 2, 39, 40, 41, 200, 361)
    ],
)
def test_mel_equals_the_extractors_at_every_seam(count: int) -> None:
    samples = tone(count / RATE_HZ)
    assert len(samples) == count
    mel = heard(samples, [37] * 20)
    np.testing.assert_allclose(stacked(mel.windows()), expected(samples), rtol=0, atol=TOLERANCE)


@settings(max_examples=25, deadline=None)
@given(
    seconds=st.floats(0.001, 2.0),
    seed=st.integers(0, 2**16),
    sizes=st.lists(st.integers(0, 3000), max_size=20),
)
def test_how_the_speech_is_cut_does_not_matter(seconds: float, seed: int, sizes: list[int]) -> None:
    samples = speech(max(seconds, 1 / RATE_HZ), seed)
    mel = heard(samples, sizes)
    np.testing.assert_allclose(stacked(mel.windows()), expected(samples), rtol=0, atol=TOLERANCE)


def test_looking_at_the_windows_disturbs_nothing() -> None:
    samples = speech(31.0)
    mel = LogMel()
    for start in range(0, len(samples), 24_321):
        mel.push(samples[start : start + 24_321])
        so_far = samples[: mel.samples]
        if start % 4 == 0:
            np.testing.assert_allclose(stacked(mel.windows()), expected(so_far), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(stacked(mel.windows()), expected(samples), rtol=0, atol=TOLERANCE)


def test_silence_is_one_value() -> None:
    silence = np.zeros(RATE_HZ, np.float32)
    (window,) = heard(silence).windows()
    np.testing.assert_array_equal(window.mel, expected(silence)[0])
    assert len(np.unique(window.mel)) == 1


def test_no_speech_has_no_window() -> None:
    assert LogMel().windows() == []
    assert LogMel().count == 0


def test_a_window_closes_when_its_last_frame_is_complete() -> None:
    samples = speech(31.0)
    mel = heard(samples[: WINDOW_SAMPLES + 39])
    assert (mel.count, mel.closed) == (2, 0)
    mel.push(samples[WINDOW_SAMPLES + 39 : WINDOW_SAMPLES + 40])
    assert (mel.count, mel.closed) == (2, 1)
    assert [window.closed for window in mel.windows()] == [True, False]
    assert [window.index for window in mel.windows(1)] == [1]


def test_a_closed_window_stays_current_while_nothing_louder_is_said() -> None:
    mel = heard(speech(31.0))
    closed = mel.windows()[0]
    mel.push(0.01 * speech(40.0, seed=1))
    assert mel.is_current(closed)
    np.testing.assert_array_equal(mel.windows()[0].mel, closed.mel)


def test_a_louder_moment_makes_a_clamped_window_out_of_date() -> None:
    samples = 0.1 * speech(31.0)
    mel = heard(samples)
    closed = mel.windows()[0]
    shout = tone(1.0)
    mel.push(shout)
    assert not mel.is_current(closed)
    whole = np.concatenate((samples, shout))
    np.testing.assert_allclose(mel.windows()[0].mel, expected(whole)[0], rtol=0, atol=TOLERANCE)


def test_a_louder_moment_leaves_a_window_of_even_noise_current() -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(31 * RATE_HZ)).astype(np.float32)
    mel = heard(noise)
    closed = mel.windows()[0]
    mel.push(3 * noise)
    assert mel.windows()[0].floor > closed.floor
    assert mel.is_current(closed)
    np.testing.assert_array_equal(mel.windows()[0].mel, closed.mel)


@settings(max_examples=15, deadline=None)
@given(gains=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_current_means_equal_to_the_last_bit(gains: list[float], seed: int) -> None:
    mel = heard(0.1 * speech(30.1, seed))
    taken = mel.windows()
    for gain in gains:
        mel.push(np.float32(gain) * speech(0.05, seed + 1))
        for window, now in zip(taken, mel.windows(), strict=False):
            same = np.array_equal(window.mel, now.mel)
            assert mel.is_current(window) <= same
            if window.closed:
                assert mel.is_current(window) == same


def test_an_open_window_is_out_of_date_with_the_next_sample() -> None:
    mel = heard(speech(1.0))
    (window,) = mel.windows()
    assert mel.is_current(window)
    mel.push(np.ones(1, np.float32))
    assert not mel.is_current(window)


def test_push_transforms_only_new_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    stft = torch.stft

    def counted(signal: torch.Tensor, *args: object, **options: object) -> torch.Tensor:
        lengths.append(len(signal))
        return stft(signal, *args, **options)

    mel = heard(speech(20.0))
    monkeypatch.setattr(torch, "stft", counted)
    for _ in range(10):
        mel.push(tone(0.02))
    assert lengths
    assert max(lengths) <= 320 + 400


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros((10, 1), np.float32), r"mono samples of shape \(n,\), not \(10, 1\)"),
        (np.array([0.0, np.nan], np.float32), "finite"),
    ],
)
def test_samples_of_another_shape_or_not_finite_are_refused(samples: Array, reason: str) -> None:
    mel = LogMel()
    with pytest.raises(ValueError, match=reason):
        mel.push(samples)
    assert mel.samples == 0
