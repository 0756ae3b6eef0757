"""An utterance as a wav file; how it is sent, and what comes of it, is in stt/test_openai."""

from __future__ import annotations

import io
import wave

import numpy as np

from vflow_nodes.lib.remote.utterance import RATE, audible, wav


def test_clicks_and_silence_are_not_worth_a_request() -> None:
    loud = np.full(RATE, 0.25, np.float32)
    assert [audible(each) for each in (loud, loud[:100], loud * 0.001, loud[:0])] == [
        True,
        False,
        False,
        False,
    ]


def test_samples_beyond_full_scale_are_clipped() -> None:
    with wave.open(io.BytesIO(wav(np.array([2, -2, 0], np.float32)))) as file:
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [32767, -32767, 0]
