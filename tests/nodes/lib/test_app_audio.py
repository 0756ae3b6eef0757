"""Samples in the forms that applications have, and what is no audio."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vflow import VflowError
from vflow_nodes.lib.app_audio import samples_of


@pytest.mark.parametrize(
    "given",
    [
        np.array([0.5, -1.0], np.float64),
        np.array([0.5, -1.0], np.float32),
        np.array([16384, -32768], np.int16),
        np.array([2**30, -(2**31)], np.int32),
        np.array([192, 0], np.uint8),
        np.array([16384, -32768], "<i2").tobytes(),
        bytearray(np.array([16384, -32768], "<i2").tobytes()),
        memoryview(np.array([16384, -32768], "<i2").tobytes()),
        [0.5, -1.0],
    ],
)
def test_every_type_of_audio_gives_the_same_samples(given: Any) -> None:
    samples, bad = samples_of(given)
    assert samples.dtype == np.float32
    assert samples.tolist() == [0.5, -1.0]
    assert not bad


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_sample_that_is_no_number_becomes_silence_and_is_reported(value: float) -> None:
    samples, bad = samples_of(np.array([0.25, value]))
    assert samples.tolist() == [0.25, 0.0]
    assert bad


@pytest.mark.parametrize("given", [b"", [], np.zeros((0, 2), np.int16), [0, 0]])
def test_empty_audio_is_accepted(given: Any) -> None:
    samples, _ = samples_of(given)
    assert not samples.any()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (b"abc", "their number is even; not 3"),
        (None, "samples are float from -1 to 1"),
        ("hello", "samples are float from -1 to 1"),
        ([[1.0], [1.0, 2.0]], "audio is an array of samples, not list"),
        (np.zeros((2, 2, 2)), r"\(frames, channels\), not \(2, 2, 2\)"),
        (np.zeros((2, 480)), "audio of 480 channels: the shape is .* transpose it"),
        (np.float32(0.5), r"\(frames,\) or \(frames, channels\), not \(\)"),
        (np.array([1, 2], np.int64), "int16, int32 or uint8; not int64"),
        (np.array([1j]), "not complex128"),
        (np.array([True, False, True]), "not bool"),
        ({"a": 1}, "samples are float from -1 to 1"),
    ],
)
def test_a_value_that_is_no_audio_is_refused_with_its_mend(given: Any, told: str) -> None:
    with pytest.raises(VflowError, match=told):
        samples_of(given)
