from __future__ import annotations

import random

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


def test_written_audio_comes_out_once_in_order_then_silence() -> None:
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


def test_audio_written_after_other_audio_starts_after_it() -> None:
    playout = Playout(RATE)
    playout.take(5)
    playout.write(audio(0, 10, turn=1), 0)
    playout.write(audio(0, 10, turn=2), 0)
    assert marks(playout.take(20)[1]) == [("start", 5, 10), ("start", 15, 10)]


def test_end_after_the_last_sample_passes_without_another_sample() -> None:
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


def test_unplayed_audio_does_not_count_as_heard() -> None:
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


def test_silence_after_a_turn_does_not_count_as_unplayed() -> None:
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
    assert len(playout._turns[1].taken) == 64
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


def test_lead_is_the_accepted_audio_not_taken_yet() -> None:
    playout = Playout(RATE)
    playout.write(audio(0, 30), 0)
    playout.take(10)
    assert playout.lead_ns() == 20_000_000
    playout.drop(1)
    assert (playout.queued, playout.lead_ns()) == (0, 0)


def ones(playout: Playout, frames: int) -> np.ndarray:
    """The gains at which so many frames are taken."""
    playout.write(AudioPacket(data=np.ones(frames, np.float32), rate=RATE), 9)
    return playout.take(frames)[0]


def test_a_gain_is_reached_exactly_and_kept() -> None:
    playout = Playout(RATE)
    playout.duck(0.3)
    np.testing.assert_allclose(ones(playout, 6), [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], atol=1e-6)
    for _ in range(3):
        np.testing.assert_array_equal(ones(playout, 2), np.float32(0.3))
    playout.duck(0.0)
    np.testing.assert_allclose(ones(playout, 5), [0.2, 0.1, 0, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(ones(playout, 2), 0)


def test_a_gain_that_changes_on_its_way_goes_on_from_where_it_is() -> None:
    playout = Playout(RATE)
    playout.duck(0.0)
    np.testing.assert_allclose(ones(playout, 2), [0.9, 0.8], atol=1e-6)
    playout.duck(1.0)
    np.testing.assert_allclose(ones(playout, 4), [0.9, 1, 1, 1], atol=1e-6)
    playout.duck(0.0)
    playout.take(0)
    np.testing.assert_allclose(ones(playout, 1), [0.9], atol=1e-6)


def test_a_ramp_lasts_10_ms_at_any_rate() -> None:
    playout = Playout(48_000)
    playout.duck(0.0)
    playout.write(AudioPacket(data=np.ones(960, np.float32), rate=48_000), 0)
    taken, _ = playout.take(960)
    assert np.count_nonzero(taken) == 479
    assert taken[239] == pytest.approx(0.5)


def test_silence_is_taken_at_no_gain_but_moves_the_ramp_on() -> None:
    playout = Playout(RATE)
    playout.duck(0.5)
    assert not playout.take(3)[0].any()
    np.testing.assert_allclose(ones(playout, 1), [0.6], atol=1e-6)


def test_no_more_than_four_turns_that_do_not_sound_yet_are_remembered() -> None:
    playout = Playout(RATE)
    for turn in range(1, 7):
        playout.write(audio(0, 2, turn=turn), 0)
        playout.end_turn(turn)
    playout.take(12)
    assert [played.turn for played in playout.drop(1, unheard=12)] == [3, 4, 5, 6]


def test_a_turn_of_which_a_part_sounds_has_begun() -> None:
    playout = Playout(RATE)
    playout.write(audio(0, 10, turn=1), 0)
    playout.end_turn(1)
    playout.write(audio(0, 10, turn=2), 0)
    playout.take(13)
    assert playout.drop(1, unheard=2) == (Played(2, 1, RATE),)


def test_a_turn_begins_with_its_first_sample_and_not_before() -> None:
    playout = Playout(RATE)
    playout.take(10)
    playout.write(audio(0, 20, spans=(Span(1, 0, "one", 0, 2),)), 0)
    assert playout.take(0)[1] == []
    assert marks(playout.take(1)[1]) == [("start", 10, 1)]
    assert marks(playout.take(1)[1]) == [("word", 11, 2)]


def test_a_new_timeline_holds_nothing_and_plays_silence() -> None:
    playout = Playout(RATE)
    assert (playout.position, playout.queued, playout.lead_ns(), playout.rate) == (0, 0, 0, RATE)
    assert playout.drop(0) == ()
    samples, passed = playout.take(3)
    assert samples.dtype == np.float32
    assert (samples.tolist(), passed) == ([0, 0, 0], [])


def test_a_long_block_is_taken_in_parts_and_a_take_spans_several() -> None:
    playout = Playout(RATE)
    for first in (1, 4, 6):
        playout.write(audio(first, {1: 3, 4: 2, 6: 5}[first]), 0)
    assert playout.queued == 10
    np.testing.assert_allclose(playout.take(7)[0] * 1e6, range(1, 8), atol=1e-4)
    assert (playout.queued, playout.position) == (3, 7)
    np.testing.assert_allclose(playout.take(2)[0] * 1e6, [8, 9], atol=1e-4)
    assert playout.drop(1) == (Played(1, 9, RATE),)


def test_a_hold_plays_silence_after_a_ramp_and_goes_on_with_the_first_sample_that_was_not_taken() -> None:
    playout = Playout(RATE)
    playout.write(AudioPacket(data=np.ones(100, np.float32), rate=RATE, turn=1), 0)
    playout.take(20)
    playout.hold()
    assert playout.held
    np.testing.assert_allclose(playout.take(4)[0], [0.9, 0.8, 0.7, 0.6], atol=1e-6)
    np.testing.assert_allclose(playout.take(8)[0], [0.5, 0.4, 0.3, 0.2, 0.1, 0, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(playout.take(500)[0], 0)
    assert (playout.queued, playout.position) == (71, 532)
    playout.release()
    assert not playout.held
    np.testing.assert_allclose(playout.take(11)[0], [*np.arange(1, 11) / 10, 1], atol=1e-6)
    assert playout.take(60)[0].all()
    assert playout.queued == 0


def test_hold_before_the_first_sample_plays_nothing() -> None:
    playout = Playout(RATE)
    playout.take(5)
    playout.write(audio(1, 20), 0)
    playout.hold()
    assert not playout.take(30)[0].any()
    playout.write(audio(21, 20), 0)
    assert (playout.queued, playout.lead_ns()) == (40, 40_000_000)
    playout.release()
    assert playout.take(40)[0].all()


def test_hold_does_not_change_what_counts_as_played() -> None:
    def played(holds: bool) -> list[Played]:
        playout = Playout(RATE)
        spans = (Span(1, 0, "one", 0, 20), Span(1, 1, "two", 20, 60), Span(1, 2, "three", 60, 100))
        playout.write(audio(1, 100, spans=spans), 0)
        playout.end_turn(1)
        passed = playout.take(30)[1]
        if holds:
            playout.hold()
        passed += playout.take(5)[1]
        passed += playout.take(200 if holds else 4)[1]  # the ramp is 9 frames
        playout.release()
        for _ in range(7):
            passed += playout.take(10)[1]
        return [record for _, record in passed] + list(playout.drop(1))

    assert played(holds=True) == played(holds=False)
    assert played(holds=True)[-1] == Played(1, 100, RATE, "one two three", 3, ended=True)


def test_a_mark_passes_by_its_sample_and_never_while_it_is_held() -> None:
    playout = Playout(RATE)
    playout.write(audio(1, 20, spans=(Span(1, 0, "one", 10, 20),)), 0)
    playout.end_turn(1)
    assert playout.next_mark() == 1
    playout.take(5)
    assert playout.next_mark() == 20
    playout.hold()
    assert (playout.take(100)[1], playout.next_mark()) == ([], None)
    playout.release()
    assert playout.next_mark() == 20 + 91
    assert marks(playout.take(20)[1]) == [("word", 15 + 91, 20), ("end", 20 + 91, 20)]
    assert playout.next_mark() is None
    playout.write(audio(1, 5, turn=2), 0)
    assert playout.next_mark() == 126
    assert marks(playout.take(5)[1]) == [("start", 125, 5)]


def test_end_reached_before_a_hold_keeps_its_place() -> None:
    playout = Playout(RATE)
    playout.write(audio(1, 10), 0)
    playout.take(10)
    playout.hold()
    playout.end_turn(1)
    assert marks(playout.take(50)[1]) == [("end", 10, 10)]
    assert playout.drop(1, unheard=50) == (Played(1, 10, RATE, ended=True),)


def test_unplayed_audio_is_counted_across_a_hold() -> None:
    for unheard, samples in ((0, 29), (31, 29), (32, 28), (40, 20), (99, 0)):
        playout = Playout(RATE)
        playout.write(audio(1, 50), 0)
        playout.take(20)
        playout.hold()
        playout.take(40)
        assert playout.drop(1, unheard) == (Played(1, samples, RATE),)


def test_a_drop_ends_a_hold() -> None:
    playout = Playout(RATE)
    playout.write(audio(1, 50), 0)
    playout.take(5)
    playout.hold()
    playout.take(50)
    playout.drop(1)
    assert not playout.held
    np.testing.assert_array_equal(ones(playout, 5), 1)


def test_a_hold_and_a_duck_go_together() -> None:
    playout = Playout(RATE)
    ones(playout, 1)
    playout.duck(0.5)
    ones(playout, 10)
    playout.hold()
    np.testing.assert_allclose(ones(playout, 6), [0.4, 0.3, 0.2, 0.1, 0, 0], atol=1e-6)
    playout.release()
    np.testing.assert_allclose(playout.take(2)[0], [0.1, 0.2], atol=1e-6)
    playout.hold()
    np.testing.assert_allclose(ones(playout, 3), [0.1, 0, 0], atol=1e-6)
    playout.duck(1.0)
    assert not ones(playout, 3).any()
    playout.release()
    np.testing.assert_allclose(ones(playout, 3), [0.1, 0.2, 0.3], atol=1e-6)


class Tape:
    """The same, sample by sample: each that is taken, with its gain in tenths."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.played: list[float] = []
        self.tenths, self.held, self.sounds = 10, False, False

    def hold(self) -> None:
        self.held = True
        self.tenths = self.tenths if self.sounds else 0

    def take(self, frames: int) -> list[float]:
        out = []
        for _ in range(frames):
            if self.held and self.tenths <= 1:
                self.tenths, sample = 0, None
            else:
                self.tenths = self.tenths - 1 if self.held else min(10, self.tenths + 1)
                sample = self.waits.pop(0) if self.waits else None
            if sample is not None:
                self.played.append(sample)
            self.sounds = sample is not None
            out.append(0.0 if sample is None else sample * self.tenths / 10)
        return out

    def drop(self) -> None:
        self.waits.clear()
        self.tenths, self.held, self.sounds = 10, False, False


@pytest.mark.parametrize("seed", range(40))
def test_holds_releases_drops_and_takes_in_any_order_play_each_sample_once_in_order(
    seed: int,
) -> None:
    chance = random.Random(seed)
    playout, tape = Playout(RATE), Tape()
    epoch = written = 0
    for _ in range(300):
        step = chance.choice(["write", "take", "take", "hold", "release", "drop"])
        if step == "write":
            packet = audio(written + 1, chance.randint(1, 40), turn=epoch)
            written += packet.frames
            playout.write(packet, epoch)
            tape.waits += packet.mono().tolist()
        elif step == "take":
            frames = chance.randint(0, 40)
            np.testing.assert_allclose(playout.take(frames)[0], tape.take(frames), atol=1e-8)
        elif step == "hold":
            playout.hold()
            tape.hold()
        elif step == "release":
            playout.release()
            tape.held = False
        elif chance.random() < 0.3:
            epoch += 1
            samples = sum(record.samples for record in playout.drop(epoch) if record.turn == epoch - 1)
            assert samples == len(tape.played)
            tape.played.clear()
            tape.drop()
        assert playout.queued == len(tape.waits)
        assert tape.played == sorted(tape.played)


def test_the_first_reply_that_is_not_over_sounds_with_the_words_heard_so_far() -> None:
    playout = Playout(RATE)
    assert playout.sounding() is None
    playout.write(audio(0, 20, spans=(Span(1, 0, "one", 0, 20),)), 0)
    playout.end_turn(1)
    playout.write(audio(0, 20, turn=2), 0)
    assert playout.sounding() == Played(1, 0, RATE)
    playout.take(15)
    assert playout.sounding() == Played(1, 15, RATE, "one", 1)
    playout.take(10)
    assert playout.sounding() == Played(2, 5, RATE)
    playout.drop(1)
    assert playout.sounding() is None
