"""Compute the log-mel spectrogram that Voxtral hears while the speech goes on, in windows of 30 s.

It equals the result of transformers' VoxtralProcessor for the whole utterance at once: zeros up to the next
multiple of 30 s, mirrored ends, and every value raised to at least 8 below the highest *of the utterance*.
Source: transformers, models/whisper/feature_extraction_whisper.py and models/voxtral/processing_voxtral.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers.audio_utils import mel_filter_bank

Array = npt.NDArray[np.float32]

RATE_HZ = 16_000
BINS = 128
FRAMES = 3000  # of a window
HOP = 160
WINDOW_SAMPLES = FRAMES * HOP
_SPAN = 400  # samples under one frame, its middle at a multiple of HOP
_HALF = _SPAN // 2
_LOWEST = -10.0  # log10 of silence: the power is held at 1e-10 or above
_RANGE = 8.0


@dataclass(frozen=True, slots=True)
class Window:
    """30 s of an utterance in the encoder's form: `mel` is (128, 3000) float32, a copy.

    closed: whether all its speech has been said, so that only a louder moment elsewhere can change it.
    lowest, floor: the least value before clamping, and the value clamped to (log10 of power).
    samples: how long the utterance was when the window was taken.
    """

    index: int
    mel: Array
    closed: bool
    lowest: float
    floor: float
    samples: int


class LogMel:
    """The spectrogram of one utterance. The cost of a push depends only on its own length.

    One thread at a time. It holds 51 kB for each second of speech.

    A closed window may be encoded while the user still speaks. It equals the processor's result for the whole
    utterance, unless the highest value changes later and that clamps values differently. `is_current` tells
    whether it still does, in at most a tenth of a millisecond.
    """

    def __init__(self) -> None:
        # the extractor's operations, in its precision: next to a pure tone, the quiet bins of two float32
        # transforms may differ by 1e-4
        filters = mel_filter_bank(
            num_frequency_bins=_SPAN // 2 + 1,
            num_mel_filters=BINS,
            min_frequency=0.0,
            max_frequency=8000.0,
            sampling_rate=RATE_HZ,
            norm="slaney",
            mel_scale="slaney",
        )
        self._filters = torch.from_numpy(filters).to(torch.float32).T.contiguous()
        self._hann = torch.hann_window(_SPAN)
        self._samples = 0
        self._done = 0  # frames that no later sample can change
        self._pending: Array = np.empty(0, np.float32)  # samples from the next frame's first one on
        self._mirrored = False  # whether `pending` begins, or began, with the mirrored start
        self._raw: list[Array] = []  # (128, 3000) a window, log10 of power
        self._highest = _LOWEST  # of the frames that are done

    @property
    def samples(self) -> int:
        """How many samples were pushed."""
        return self._samples

    @property
    def count(self) -> int:
        """How many windows the speech so far fills, with the last one padded; 0 for no speech."""
        return math.ceil(self._samples / WINDOW_SAMPLES)

    @property
    def closed(self) -> int:
        """How many windows are closed: 30 s, and the 40 samples beyond that the last frame needs."""
        return self._done // FRAMES

    def push(self, samples: Array) -> None:
        """Append speech, (n,) float32 at 16 kHz, -1 to 1. Raises: ValueError (another shape; inf or nan)."""
        if samples.ndim != 1:
            raise ValueError(f"a log-mel takes mono samples of shape (n,), not {samples.shape}")
        if not np.isfinite(samples).all():
            raise ValueError("a log-mel takes finite samples; these hold inf or nan")
        samples = samples.astype(np.float32, copy=False)
        for start in range(0, len(samples), WINDOW_SAMPLES):
            self._push(samples[start : start + WINDOW_SAMPLES])

    def _push(self, samples: Array) -> None:
        self._samples += len(samples)
        pending = np.concatenate((self._pending, samples))
        if not self._mirrored and len(pending) > _HALF:
            pending, self._mirrored = _mirror_start(pending), True
        if self._mirrored and len(pending) >= _SPAN:
            frames = self._frames(pending)
            self._highest = max(self._highest, float(frames.max()))
            self._store(frames)
            pending = pending[frames.shape[1] * HOP :].copy()
        self._pending = pending

    def _store(self, frames: Array) -> None:
        """Append (128, n) to the windows."""
        while frames.shape[1]:
            index, at = divmod(self._done, FRAMES)
            if index == len(self._raw):
                self._raw.append(np.full((BINS, FRAMES), _LOWEST, np.float32))
            taken = frames[:, : FRAMES - at]
            self._raw[index][:, at : at + taken.shape[1]] = taken
            self._done += taken.shape[1]
            frames = frames[:, taken.shape[1] :]

    def windows(self, first: int = 0) -> list[Window]:
        """Return the windows from `first` on, as if the utterance ended now."""
        tail = self._tail()
        floor = self._floor(tail)
        return [self._window(index, tail, floor) for index in range(first, self.count)]

    def is_current(self, window: Window) -> bool:
        """Return whether `windows` would give the same values for it now."""
        if not window.closed and window.samples != self._samples:
            return False
        floor = self._floor(self._tail())
        return floor == window.floor or max(floor, window.floor) <= window.lowest

    def _window(self, index: int, tail: Array, floor: float) -> Window:
        known = index < len(self._raw)
        raw = self._raw[index].copy() if known else np.full((BINS, FRAMES), _LOWEST, np.float32)
        first = index * FRAMES
        start, stop = max(self._done, first), min(self._done + tail.shape[1], first + FRAMES)
        if start < stop:
            raw[:, start - first : stop - first] = tail[:, start - self._done : stop - self._done]
        lowest = float(raw.min())
        mel = (np.maximum(raw, np.float32(floor)) + np.float32(4.0)) / np.float32(4.0)
        return Window(index, mel, index < self.closed, lowest, floor, self._samples)

    def _floor(self, tail: Array) -> float:
        highest = max(self._highest, float(tail.max())) if tail.size else self._highest
        return float(np.float32(highest) - np.float32(_RANGE))

    def _tail(self) -> Array:
        """Return (128, n): the frames with speech that are not done, with zeros after the last sample."""
        last = min((self._samples + _HALF - 1) // HOP, self.count * FRAMES - 1)
        count = last + 1 - self._done
        if count <= 0:
            return np.empty((BINS, 0), np.float32)
        pending = self._pending
        if not self._mirrored:
            pending = _mirror_start(np.pad(pending, (0, _HALF + 1 - len(pending))))
        begin = self._done * HOP - _HALF  # where `pending` begins in the utterance
        end = self.count * WINDOW_SAMPLES
        reach = last * HOP + _HALF  # where the last frame's samples end
        signal = np.pad(pending, (0, max(0, min(reach, end) - begin - len(pending))))
        if reach > end:
            signal = np.concatenate((signal, signal[-2 : -2 - (reach - end) : -1]))
        return self._frames(signal[: reach - begin])

    def _frames(self, signal: Array) -> Array:
        """Transform (n,) samples to (128, frames), log10 of the power in each mel band."""
        spectrum: Any = torch.stft(
            torch.from_numpy(signal), _SPAN, HOP, window=self._hann, center=False, return_complex=True
        )
        power = self._filters @ (spectrum.abs() ** 2)
        frames: Array = torch.clamp(power, min=1e-10).log10().numpy()
        return frames


def _mirror_start(samples: Array) -> Array:
    """Prepend the first half span, mirrored at the first sample."""
    return np.concatenate((samples[_HALF:0:-1], samples))
