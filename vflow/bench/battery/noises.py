"""Synthesised sounds of a user who does not speak: a cough, knocks, keys; and a television's voice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import soxr

from vflow.bench.speech import RATE, Clip
from vflow.packet import SECOND, Samples

COUGH_DB, KNOCK_DB, KEYS_DB = -12.0, -12.0, -24.0
"""Peaks, in dBFS."""
OTHER_SPEAKER = 0.84
"""The television's voice is the installed one, slower and lower by this factor."""
TELEVISION_HZ = 180.0, 3800.0
"""The band of a small loudspeaker."""


def noises(seed: int = 1) -> Mapping[str, Samples]:
    """Return noises by name, `(n,) float32` at RATE; the same for the same seed."""
    random = np.random.default_rng(seed)

    def burst(seconds: float, low_hz: float, high_hz: float, peak_db: float) -> Samples:
        """Return noise of a band, which dies away."""
        size = round(seconds * RATE)
        sound = _band(random.normal(size=size).astype(np.float32), low_hz, high_hz) * np.exp(
            -4 * np.arange(size) / size
        )
        return np.asarray(10 ** (peak_db / 20) * sound / np.abs(sound).max(), np.float32)

    def silence(seconds: float) -> Samples:
        return np.zeros(round(seconds * RATE), np.float32)

    knock = [part for _ in range(3) for part in (burst(0.08, 60, 500, KNOCK_DB), silence(0.22))]
    keys = [part for _ in range(10) for part in (burst(0.02, 1500, 6000, KEYS_DB), silence(0.11))]
    cough = [burst(0.12, 200, 3500, COUGH_DB), silence(0.05), burst(0.2, 300, 2500, COUGH_DB - 2)]
    return {"cough": np.concatenate(cough), "knocks": np.concatenate(knock), "keys": np.concatenate(keys)}


def television(voice: Clip, user: Clip, below_db: float) -> Samples:
    """Return a voice as another speaker's out of a television, this much softer than the user's."""
    other = soxr.resample(voice.samples, RATE, RATE / OTHER_SPEAKER)
    sound = _band(other, *TELEVISION_HZ)
    gain = 10 ** (-below_db / 20) * level(user.samples, user.on_ns, user.off_ns) / level(sound)
    return np.asarray(gain * sound, np.float32)


def level(samples: Samples, on_ns: int = 0, off_ns: int | None = None) -> float:
    """Return the root mean square of a stretch."""
    first, last = on_ns * RATE // SECOND, None if off_ns is None else off_ns * RATE // SECOND
    return float(np.sqrt(np.mean(np.square(samples[first:last], dtype=np.float64))))


def _band(samples: Samples, low_hz: float, high_hz: float) -> Samples:
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), np.float32)
