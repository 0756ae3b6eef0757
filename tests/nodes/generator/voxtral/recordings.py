"""Make speech-like noise, in the forms that a processor and a prompt take."""

from __future__ import annotations

import base64
import io

import numpy as np
import soundfile

from vflow_nodes.generator.voxtral.mel import RATE_HZ, Array, LogMel


def speech(seconds: float, seed: int = 0) -> Array:
    """Return samples that a 16-bit WAV file holds exactly, so that both forms have the same samples."""
    samples = 0.2 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
    return (np.round(samples.clip(-0.99, 0.99) * 32767) / 32768).astype(np.float32)


def windows(samples: Array) -> Array:
    mel = LogMel()
    for start in range(0, len(samples), 512):
        mel.push(samples[start : start + 512])
    return np.stack([window.mel for window in mel.windows()])


def wav(samples: Array) -> str:
    """Return a WAV file in base64."""
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="wav")
    return base64.b64encode(file.getvalue()).decode()
