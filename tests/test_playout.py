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
    assert marks(playout.take(0)[1]) == []
    ((_, played),) = playout.take(1)[1]
    assert played == Played(1, 20, RATE, ended=True)


def test_what_is_written_behind_other_audio_starts_after_it() -> None:
    playout = Playout(RATE)
    playout.take(5)
    playout.write(audio(0, 10, turn=1), 0)
    playout.write(audio(0, 10, turn=2), 0)
    assert marks(playout.take(20)[1]) == [("start", 5, 10), ("start", 15, 10)]


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


def test_what_does_not_sound_yet_was_not_heard() -> None:
    spans = (Span(1, 0, "one", 0, 10), Span(1, 1, "two", 10, 20))
    for unheard, heard, samples in (
        (0, "one two", 20),
        (4, "one two", 16),
        (5, "one", 15),
        (16, "", 4),
        (99, "", 0),
    ):
        playout = Playout(RATE)
        playout.write(audio(0, 30, spans=spans), 0)
        playout.take(20)
        (played,) = playout.drop(1, unheard)
        assert (played.heard, played.samples, played.ended) == (heard, samples, False)


def test_silence_behind_a_turn_is_no_part_of_what_does_not_sound_yet() -> None:
    playout = Playout(RATE)
    playout.take(7)
    playout.write(audio(0, 10), 0)
    playout.take(15)
    assert playout.drop(1, unheard=5) == (Played(1, 10, RATE),)
    playout.write(audio(0, 10), 1)
    playout.take(15)
    assert playout.drop(2, unheard=8) == (Played(1, 7, RATE),)


def test_the_last_turn_that_ended_is_told_of_until_another_begins() -> None:
    playout = Playout(RATE)
    for turn in (1, 2):
        playout.write(audio(0, 10, turn=turn), 0)
        playout.end_turn(turn)
    playout.take(20)
    over = Played(2, 10, RATE, ended=True)
    assert playout.drop(1) == (over,)
    playout.write(audio(0, 10, turn=3), 1)
    assert playout.drop(2) == (over, Played(3, 0, RATE))
    playout.end_turn(4)  # of a reply without a sound
    playout.take(1)
    assert playout.drop(3) == (over,)
    playout.write(audio(0, 10, turn=5), 3)
    playout.take(1)
    assert playout.drop(4) == (Played(5, 1, RATE),)
    assert playout.drop(5) == ()


def test_a_turn_has_ended_only_where_its_last_sample_sounds() -> None:
    def played_out() -> Playout:
        playout = Playout(RATE)
        playout.write(audio(0, 10), 0)
        playout.end_turn(1)
        playout.take(14)
        return playout

    assert played_out().drop(1, unheard=4) == (Played(1, 10, RATE, ended=True),)
    cut = played_out()
    assert cut.drop(1, unheard=5) == (Played(1, 9, RATE),)
    assert cut.drop(2) == ()


def test_a_turn_that_does_not_sound_yet_has_not_begun() -> None:
    playout = Playout(RATE)
    playout.write(audio(0, 10, turn=1), 0)
    playout.end_turn(1)
    playout.write(audio(0, 10, turn=2), 0)
    playout.take(13)
    assert playout.drop(1, unheard=3) == (Played(1, 10, RATE, ended=True), Played(2, 0, RATE))


def test_an_endless_turn_with_holes_is_counted_in_bounded_memory() -> None:
    playout = Playout(RATE)
    for _ in range(1000):
        playout.write(audio(0, 3), 0)
        playout.take(4)
    assert len(playout._turns[1].taken) < 100
    assert playout.drop(1, unheard=6) == (Played(1, 2996, RATE),)


def test_ducking_ramps_for_10_ms_and_ends_with_a_drop() -> None:
    def taken(frames: int) -> np.ndarray:
        playout.write(AudioPacket(data=np.ones(frames, np.float32), rate=RATE), 1)
        return playout.take(frames)[0]

    playout = Playout(RATE)
    playout.duck(0.5)
    assert len(playout.take(0)[0]) == 0
    np.testing.assert_allclose(
        np.concatenate([taken(3), taken(5)]), [0.9, 0.8, 0.7, 0.6, *[0.5] * 4], atol=1e-6
    )
    np.testing.assert_array_equal(taken(2), 0.5)
    playout.take(0)
    playout.duck(0.75)
    np.testing.assert_allclose(taken(5), [0.6, 0.7, 0.75, 0.75, 0.75], atol=1e-6)
    playout.drop(1)
    np.testing.assert_array_equal(taken(4), 1)


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
    playout.drop(1)
    assert (playout.queued, playout.lead_ns()) == (0, 0)
