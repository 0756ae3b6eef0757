"""The events of a session."""

from __future__ import annotations

import numpy as np

from vflow.session import ReplyAudio


def test_samples_as_16_bit_are_clipped_and_little_endian() -> None:
    audio = ReplyAudio(1, np.array([0.0, 0.5, -1.0, 2.0], np.float32), 24_000)
    assert np.frombuffer(audio.pcm16, "<i2").tolist() == [0, 16383, -32767, 32767]
