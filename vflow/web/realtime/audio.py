"""Convert audio from and to the Realtime protocol's formats: PCM16 at 24 kHz or G.711 at 8 kHz, in base64."""

from __future__ import annotations

import base64
import binascii
import functools

import numpy as np
import soxr
from numpy.typing import NDArray

from vflow.packet import Samples

PCM, PCMU, PCMA = "audio/pcm", "audio/pcmu", "audio/pcma"
RATES = {PCM: 24_000, PCMU: 8_000, PCMA: 8_000}
"""Rate of each format, in Hz."""


def decode(kind: str, text: str) -> bytes:
    """Return the audio in a base64 text as PCM16, at the format's rate. Raises: ValueError for bad base64, or
    half a sample."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the audio is not base64: {error}") from None
    if kind == PCM:
        if len(raw) % 2:
            raise ValueError(f"{len(raw):,} bytes are not a whole number of 16 bit samples")
        return raw
    return _values(kind)[np.frombuffer(raw, np.uint8)].astype("<i2").tobytes()


class Encoder:
    """Encodes one reply's audio, `(frames,) float32` at `rate`, as base64 of a format."""

    def __init__(self, kind: str, rate: int) -> None:
        self._kind = kind
        self._filter = None
        if rate != RATES[kind]:
            self._filter = soxr.ResampleStream(rate, RATES[kind], 1, "float32")
        self.frames = 0
        """How many frames were encoded, at the format's rate."""

    def encode(self, samples: Samples, last: bool = False) -> str:
        """Encode the next samples; return '' while the resampler holds them all back. `last` flushes it; call
        it no more after that."""
        if self._filter is not None:
            samples = self._filter.resample_chunk(np.ascontiguousarray(samples, np.float32), last=last)
        self.frames += len(samples)
        whole = (np.clip(samples, -1, 1) * 32767).astype("<i2")
        if self._kind == PCM:
            return base64.b64encode(whole.tobytes()).decode()
        return base64.b64encode(_codes(self._kind)[whole.astype(np.int32) + 32768].tobytes()).decode()


@functools.cache
def _values(kind: str) -> NDArray[np.int16]:
    """Return the sample of each G.711 code, `(256,)`. Source: ITU-T G.711."""
    codes = np.arange(256)
    if kind == PCMU:
        code = ~codes & 0xFF
        size = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
        return np.where(code & 0x80, -size, size).astype(np.int16)
    code = codes ^ 0x55
    step = (code >> 4) & 7
    size = ((code & 15) << 4) + 8
    size = np.where(step > 0, (size + 0x100) << np.maximum(step - 1, 0), size)
    return np.where(code & 0x80, size, -size).astype(np.int16)


@functools.cache
def _codes(kind: str) -> NDArray[np.uint8]:
    """Return the nearest G.711 code for each sample from -32,768 to 32,767, `(65536,)`."""
    values = _values(kind).astype(np.int32)
    order = np.argsort(values, kind="stable")
    middles = (values[order][1:] + values[order][:-1]) / 2
    made: NDArray[np.uint8] = order[np.searchsorted(middles, np.arange(-32768, 32768))].astype(np.uint8)
    return made
