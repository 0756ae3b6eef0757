"""The high-pass, held against a cascade of two biquads that is worked out sample by sample."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vflow.high_pass import CUTOFF_HZ, HighPass, high_passed, impulse_response
from vflow.packet import Samples


def biquads(samples: Samples, rate: int) -> NDArray[np.float64]:
    """A Butterworth high-pass of the fourth order. Source: R. Bristow-Johnson, "Audio EQ Cookbook"."""
    out = samples.astype(np.float64)
    w = 2 * math.pi * CUTOFF_HZ / rate
    for q in (1 / (2 * math.cos(math.pi / 8)), 1 / (2 * math.cos(3 * math.pi / 8))):
        alpha, cos = math.sin(w) / (2 * q), math.cos(w)
        b = np.array([(1 + cos) / 2, -(1 + cos), (1 + cos) / 2]) / (1 + alpha)
        a = np.array([-2 * cos, 1 - alpha]) / (1 + alpha)
        x1 = x2 = y1 = y2 = 0.0
        made = np.empty_like(out)
        for i, x in enumerate(out):
            made[i] = b[0] * x + b[1] * x1 + b[2] * x2 - a[0] * y1 - a[1] * y2
            x1, x2, y1, y2 = x, x1, made[i], y1
        out = made
    return out


def noise(n: int) -> Samples:
    return np.random.default_rng(5).normal(0, 0.2, n).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_stretch_is_filtered_as_by_two_biquads(rate: int) -> None:
    samples = noise(rate // 2)
    samples[: rate // 8] = 0  # what a stream counts as before it begins is no matter here
    assert high_passed(samples, rate) == pytest.approx(biquads(samples, rate), abs=2e-6)


@pytest.mark.parametrize(("hz", "db"), [(50, -38.2), (60, -31.9), (100, -14.3), (150, -3.0), (300, 0.0)])
def test_the_response_is_the_documented_one(hz: float, db: float) -> None:
    response = impulse_response(16_000)
    gain = abs(np.exp(-2j * np.pi * hz / 16_000 * np.arange(len(response))) @ response)
    assert 20 * math.log10(gain) == pytest.approx(db, abs=0.1)


@pytest.mark.parametrize("size", [1, 320, 512, 5000])
def test_blocks_of_any_length_make_the_same_stream(size: int) -> None:
    samples = noise(12_000)
    samples[:5000] = 0.25
    stream = HighPass(16_000)
    blocks = [stream.filter(samples[at : at + size]) for at in range(0, 6000, size)]
    whole = high_passed(samples, 16_000)
    made = np.concatenate(blocks)
    assert made == pytest.approx(whole[: len(made)], abs=1e-6)


def test_channels_are_filtered_each_for_itself() -> None:
    samples = noise(6000).reshape(-1, 2)
    both = high_passed(samples, 16_000)
    for channel in range(2):
        assert both[:, channel] == pytest.approx(high_passed(samples[:, channel], 16_000), abs=1e-7)


@pytest.mark.parametrize("size", [1, 512, 4000])
def test_an_offset_makes_no_step_where_a_stream_begins(size: int) -> None:
    stream = HighPass(16_000)
    assert np.abs(stream.filter(np.full(size, 0.5, np.float32))).max() < 1e-6


def test_a_reset_begins_a_new_stream() -> None:
    stream = HighPass(16_000)
    stream.filter(np.full(4000, 0.5, np.float32))
    stream.reset()
    assert np.abs(stream.filter(np.full(512, -0.5, np.float32))).max() < 1e-6


def test_nothing_makes_nothing() -> None:
    assert len(high_passed(np.zeros(0, np.float32), 16_000)) == 0
