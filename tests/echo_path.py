"""Simulate how a microphone hears a loudspeaker, for the tests and benchmarks about echo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from vflow import Samples

RATE = 16_000


@dataclass(frozen=True)
class EchoPath:
    """A path of soft clipping, a room, a delay, a gain, another clock, and noise, in this order.

    The loudspeaker clips as tanh(drive * x) / drive. The room is a direct sound followed by noise that decays
    by 60 dB in `reverb_ms`, of energy 1. The microphone's clock is fast by `drift_ppm`. `noise_db` is in dB
    of full scale.
    """

    delay_ms: float = 60
    gain_db: float = -16
    reverb_ms: float = 150
    drive: float = 2.0
    drift_ppm: float = 0
    noise_db: float = -70
    seed: int = 0

    def response(self) -> Samples:
        """Return the impulse response from loudspeaker to microphone, with delay and gain."""
        frames = round(self.reverb_ms * RATE / 1000)
        room = np.random.default_rng(self.seed).standard_normal(frames)
        room *= np.exp(-np.log(1000) * np.arange(frames) / frames)
        room[0] = 3.0
        room *= 10 ** (self.gain_db / 20) / np.sqrt(np.sum(room**2))
        return np.concatenate([np.zeros(round(self.delay_ms * RATE / 1000)), room]).astype(np.float32)

    def clip(self, played: Samples) -> Samples:
        clipped: Samples = np.tanh(self.drive * played) / np.float32(self.drive)
        return clipped

    def noise(self, frames: int, at: int = 0) -> Samples:
        """Return the room's noise from sample `at` on."""
        noise = np.random.default_rng((self.seed, at)).standard_normal(frames) * 10 ** (self.noise_db / 20)
        return noise.astype(np.float32)

    def heard(self, played: Samples) -> Samples:
        """Return how the microphone hears `(n,) float32` at RATE, in the same length."""
        response = self.response()
        size = 1 << (len(played) + len(response)).bit_length()
        spectrum = np.fft.rfft(self.clip(played), size) * np.fft.rfft(response, size)
        echo = np.fft.irfft(spectrum, size)[: len(played)].astype(np.float32)
        if self.drift_ppm:
            echo = soxr.resample(echo, 1e6, 1e6 + self.drift_ppm).astype(np.float32)
            echo = np.pad(echo, (0, max(0, len(played) - len(echo))))[: len(played)]
        return echo + self.noise(len(echo))


def level_db(samples: Samples) -> float:
    """Return the mean power, in dB of full scale."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))
