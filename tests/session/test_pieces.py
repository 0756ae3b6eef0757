"""Audio in pieces."""

from __future__ import annotations

import numpy as np

from vflow.session.pieces import pieces


def test_audio_is_cut_into_seconds_whether_it_is_samples_or_bytes() -> None:
    assert [len(piece) for piece in pieces(np.zeros(2_500, np.int16), 1_000)] == [1_000, 1_000, 500]
    assert [len(piece) for piece in pieces(bytes(5_000), 1_000)] == [2_000, 2_000, 1_000]
    assert len(pieces(b"", 1_000)) == 1


def test_value_that_is_not_audio_is_returned_whole() -> None:
    assert pieces(None, 1_000) == [None]
    assert pieces({}, "fast") == [{}]
