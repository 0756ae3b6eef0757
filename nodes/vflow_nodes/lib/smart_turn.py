"""smart-turn v3.2: rate by the sound alone how likely it is that a speaker has finished.

The model hears the last 8 s at 16 kHz, padded with silence at the start, as Whisper's log-mel spectrogram:

    x' = (x - mean(x)) / sqrt(var(x) + 1e-7)
    S  = log10(max(M |STFT(x')|², 1e-10))       400 samples by a Hann window, every 160; M: 80 bands
    S' = (max(S, max(S) - 8) + 4) / 4           (80, 800)

Sources: smart-turn (BSD-2, https://github.com/pipecat-ai/smart-turn), its file from the wheel pipecat-ai;
transformers, models/whisper/feature_extraction_whisper.py and audio_utils.py, for the features.
"""

from __future__ import annotations

import importlib.util
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vflow import Samples, Unavailable, install_command, models

RATE, SECONDS = 16_000, 8
MODEL, FILE = "smart-turn", "smart-turn-v3.2-cpu.onnx"
_LENGTH = RATE * SECONDS
_WINDOW, _HOP, _BANDS = 400, 160, 80
_RANGE = 8.0
"""How many powers of ten below the loudest value are kept."""


def problem() -> str:
    """Return why the model cannot run here, with what mends it; '' if it can. Imports nothing big."""
    if importlib.util.find_spec("onnxruntime") is None:
        return f"onnxruntime is not installed; {install_command('speech')}"
    try:
        models.require(MODEL)
    except Unavailable as error:
        return str(error)
    return ""


class SmartTurn:
    """The model, on one thread. A look takes 50 ms, however long the utterance. Any thread may call."""

    def __init__(self, file: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )

    def finished(self, samples: Samples) -> float:
        """Return the probability that the speaker has finished, by the last 8 s of `(n,) float32`, 16 kHz."""
        outputs = self._session.run(None, {"input_features": features(samples)[np.newaxis]})
        return float(outputs[0].item())


def load() -> SmartTurn:
    """Load the model from the cache. Raises: Unavailable if it is not there."""
    return SmartTurn(models.require(MODEL) / FILE)


def features(samples: Samples) -> NDArray[np.float32]:
    """Return the last 8 s of `(n,) float32` in the form that the model takes, `(80, 800) float32`."""
    heard = np.zeros(_LENGTH, np.float32)
    newest = samples[-_LENGTH:]
    heard[_LENGTH - len(newest) :] = newest
    heard = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
    padded = np.pad(heard, _WINDOW // 2, mode="reflect")
    frames = sliding_window_view(padded, _WINDOW)[:_LENGTH:_HOP] * _hann()
    spectrum = np.fft.rfft(frames)
    power = spectrum.real**2 + spectrum.imag**2
    bands = np.log10(np.maximum(power.astype(np.float32) @ _filters(), 1e-10))
    kept: NDArray[np.float32] = (np.maximum(bands, bands.max() - _RANGE) + 4) / 4
    return np.ascontiguousarray(kept.T)


@lru_cache(maxsize=1)
def _hann() -> NDArray[np.float32]:
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float32]:
    """Return triangles of equal area, evenly spaced in mel, `(201, 80)`. Source: Slaney, Auditory Toolbox,
    1998."""
    edges = _hz(np.linspace(0, _mel(RATE / 2), _BANDS + 2))
    bins = np.linspace(0, RATE / 2, _WINDOW // 2 + 1)[:, np.newaxis]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])
    made: NDArray[np.float32] = triangles.astype(np.float32)
    return made


_LOG_FROM_HZ, _LOG_FROM_MEL, _LOG_STEP = 1000.0, 15.0, math.log(6.4) / 27
"""The mel scale is linear up to 1 kHz, 15 mel, and logarithmic above."""


def _mel(hz: float) -> float:
    return _LOG_FROM_MEL + math.log(hz / _LOG_FROM_HZ) / _LOG_STEP if hz > _LOG_FROM_HZ else hz * 3 / 200


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above: NDArray[np.float64] = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_MEL))
    return np.where(mel > _LOG_FROM_MEL, above, mel * 200 / 3)
