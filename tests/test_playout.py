from __future__ import annotations

import numpy as np
import pytest

from vflow import AudioPacket, Playout, Span
from vflow.errors import Flushed
from vflow.flush import Played
from vflow.playout import Mark

RATE = 1000


def audio(first: int, frames: int, turn: int = 1, spans: tuple[Span, ...] = ()) -> AudioPacket:
    data = np.arange(first, first + frames, dtype=np.float32) / 1e6
    return AudioPacket(data=data, rate=RATE, turn=turn, spans=spans)


def marks(passed: list[tuple[Mark, Played]]) -> list[tuple[str, int, int]]:
    return [(m.kind, m.frame, p.samples) for m, p in passed]


def test_what_is_written_comes_out_once_in_order_with_silence_behind() -> None:
    playout = Playout(RATE)
    playout.write(audio(1, 5), 0)
    playout.write(audio(6, 5), 0)
    taken = np.concatenate([playout.take(n)[0] for n in (3, 4, 6)])
    expected = np.concatenate([np.arange(1, 11), np.zeros(3)]) / 1e6
    np.testing.assert_allclose(taken, expected, atol=1e-9)
    assert (playout.position, playout.queued) == (13, 0)


def test_channels_are_mixed() -> None:
    playout = Playout(RATE)
    playout.write(AudioPacket(data=np.array([[1.0, 0.0]], np.float32), rate=RATE), 0)
    assert playout.take(1)[0][0] == 0.5


def test_start_and_end_of_a_turn_pass_at_their_samples() -> None:
    playout = Playout(RATE)
    playout.take(10)
    playout.write(audio(0, 20), 0)
    playout.end_turn(1)
    assert marks(playout.take(1)[1]) == [("start", 10, 1)]
    assert marks(playout.take(18)[1]) == []
    assert marks(playout.take(1)[1]) == [("end", 30, 20)]


def test_an_end_behind_the_last_sample_passes_without_another_sample() -> None:
    playout = Playout(RATE)
    playout.write(audio(0, 10), 0)
    playout.take(10)
    playout.end_turn(1)
    assert marks(playout.take(0)[1]) == [("end", 10, 10)]


def test_a_word_counts_as_heard_when_its_middle_is_taken() -> None:
    spans = (Span(1, 0, "one", 0, 10), Span(1, 1, "two", 10, 20))
    for frames, heard in ((5, ""), (6, "one"), (15, "one"), (16, "one two")):
        playout = Playout(RATE)
        playout.write(audio(0, 20, spans=spans), 0)
        playout.take(frames)
        (played,) = playout.drop(1)
        assert (played.heard, played.samples, played.words) == (heard, frames, len(heard.split()))


def test_drop_tells_of_each_turn_that_is_not_over_and_forgets_the_rest() -> None:
    playout = Playout(RATE)
    playout.write(audio(0, 10, turn=1), 0)
    playout.end_turn(1)
    playout.write(audio(0, 10, turn=2), 0)
    playout.write(audio(0, 10, turn=3), 0)
    playout.take(15)
    assert [(p.turn, p.samples) for p in playout.drop(1)] == [(2, 5), (3, 0)]
    samples, passed = playout.take(10)
    assert not samples.any()
    assert passed == []
    assert playout.drop(2) == ()


def test_after_a_drop_older_epochs_are_refused() -> None:
    playout = Playout(RATE)
    playout.drop(3)
    with pytest.raises(Flushed):
        playout.write(audio(0, 10), 2)
    playout.write(audio(0, 10), 3)
    playout.drop(2)  # floors do not fall
    with pytest.raises(Flushed):
        playout.write(audio(0, 10), 2)


def test_the_lead_is_what_was_accepted_and_not_taken() -> None:
    playout = Playout(RATE)
    playout.write(audio(0, 30), 0)
    playout.take(10)
    assert playout.lead_ns() == 20_000_000
