"""Convert the samples of an application to vflow's."""

from __future__ import annotations

from typing import Any

import numpy as np

from vflow import Samples, VflowError

MOST_CHANNELS = 32
_SCALES = {"int16": (32_768.0, 0), "int32": (2_147_483_648.0, 0), "uint8": (128.0, 128)}
"""For whole numbers, by dtype: the value of full scale, and the value of silence."""
_STEP = np.float32(1 / 32_768)
"""The step between two values of 16 bit, as a float of -1 to 1."""


def samples_of(given: Any) -> tuple[Samples, bool]:
    """Return `(frames,)` or `(frames, channels) float32`, and whether any sample was no number.

    It takes arrays and sequences of float, int16, int32 or uint8; bytes are 16 bit, little endian, mono.
    Raises: VflowError for anything else.
    """
    if isinstance(given, bytes | bytearray | memoryview):
        raw = bytes(given)
        if len(raw) % 2:
            raise VflowError(f"bytes are samples of 16 bit, so their number is even; not {len(raw)}")
        return np.frombuffer(raw, "<i2") * _STEP, False
    try:
        data = np.asarray(given)
    except (ValueError, TypeError) as error:  # a ragged list, say
        raise VflowError(f"audio is an array of samples, not {type(given).__name__}: {error}") from error
    if data.dtype.kind not in "fiu" and data.size:
        raise VflowError(f"samples are float from -1 to 1, int16, int32 or uint8; not {_kind(given, data)}")
    if data.ndim not in (1, 2):
        raise VflowError(f"audio is (frames,) or (frames, channels), not {data.shape}")
    if data.ndim == 2 and not 1 <= data.shape[1] <= MOST_CHANNELS:
        turned = "; transpose it" if 1 <= data.shape[0] <= MOST_CHANNELS else ""
        raise VflowError(f"audio of {data.shape[1]} channels: the shape is (frames, channels){turned}")
    if data.dtype.name in _SCALES:
        scale, zero = _SCALES[data.dtype.name]
        return ((data.astype(np.float32) - zero) / scale).astype(np.float32), False
    if not (np.issubdtype(data.dtype, np.floating) or (data.dtype.kind in "iu" and not data.any())):
        raise VflowError(f"samples are float from -1 to 1, int16, int32 or uint8; not {data.dtype}")
    with np.errstate(over="ignore"):  # a value too large for float32 becomes infinite
        made = data.astype(np.float32)
    if np.isfinite(made).all():
        return made, False
    return np.nan_to_num(made, nan=0.0, posinf=0.0, neginf=0.0), True


def _kind(given: Any, data: Any) -> str:
    """Return a name, for a message, of a value that is no audio."""
    return str(data.dtype) if data.dtype.kind in "bc" else type(given).__name__
