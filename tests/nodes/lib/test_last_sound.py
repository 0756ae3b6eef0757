"""The end of a sound is found in windows of which the test sets powers and probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import MS, AudioPacket
from vflow_nodes.lib.last_sound import LastSound

WINDOW = 32 * MS
VOICE_DB, PROBABLE, UNLIKELY = -30.0, 0.9, 0.05


class Feed:
    """Feeds windows of given levels in dBFS; windows are counted from 1."""

    def __init__(self, fade: int = 6) -> None:
        self.last = LastSound(fade * WINDOW)
        self.count = 0

    def hear(self, *levels_db: float, speech: float = PROBABLE, measured: bool = True) -> Feed:
        for level in levels_db:
            amplitude = 10 ** (level / 20)
            meta = {"speech": speech} | ({"power": amplitude**2} if measured else {})
            data = np.full((512, 1), 0.5 if measured else amplitude, np.float32)
            window = AudioPacket(data=data, rate=16_000, pts_ns=self.count * WINDOW, meta=meta)
            self.last.hear(window, speech >= 0.35)
            self.count += 1
        return self

    def room(self, level_db: float, count: int = 40) -> Feed:
        """Feed a room in which nobody speaks, then the begin of an utterance."""
        self.hear(*[level_db] * count, speech=UNLIKELY)
        self.last.begin()
        return self

    @property
    def sound(self) -> int:
        """Return the number of the last window that counts as sound."""
        return self.last.sound_ns // WINDOW


def test_in_a_quiet_room_sound_ends_30_db_below_the_loudest() -> None:
    feed = Feed().room(-90).hear(-20, -25, -45, -49, -51, -60)
    assert feed.sound == 44


def test_a_late_probability_in_a_loud_room_is_not_sound() -> None:
    feed = Feed().room(-40).hear(-30, -30, -32, -39.5, -40, -40.5, -40)
    assert feed.sound == 43


def test_a_voice_that_dies_away_is_followed_further_than_it_is_found() -> None:
    dying = Feed().room(-40).hear(-30, -36, -38, -39.5)
    assert dying.sound == 43
    anew = Feed().room(-40).hear(-30, -36, -39.5, -38)
    assert anew.sound == 42


def test_in_a_room_as_loud_as_the_voice_all_voice_is_sound() -> None:
    assert Feed().room(-30).hear(-30, -31, -30, -29.5).sound == 44


def test_a_window_without_voice_is_no_sound_however_loud() -> None:
    feed = Feed().room(-90).hear(-20, -20).hear(-10, speech=UNLIKELY)
    assert (feed.sound, feed.last.sounds) == (42, False)
    assert feed.hear(-25).sound == 44, "a knock makes nothing softer"


def test_a_new_utterance_has_a_loudest_window_of_its_own() -> None:
    feed = Feed().room(-90).hear(-10, -10).room(-90)
    assert feed.hear(-45, -50).sound == feed.count


def test_a_room_that_falls_silent_is_known_before_it_is_heard_alone() -> None:
    feed = Feed().room(-40)
    feed.hear(*[-30, -60] * 15)
    assert feed.last.room() == pytest.approx(1e-6)


def test_a_room_that_gets_louder_is_known_after_its_quiet_windows() -> None:
    feed = Feed().room(-60, count=100).room(-40, count=100)
    assert feed.last.room() == pytest.approx(1e-4)


def test_the_tail_of_a_voice_is_not_the_room() -> None:
    feed = Feed().room(-60)
    feed.hear(-20).hear(*[-30] * 7, speech=UNLIKELY)
    assert feed.last.room() == pytest.approx(1e-6)


def test_digital_silence_is_not_taken_for_the_room() -> None:
    feed = Feed().room(-40).room(-150, count=100)
    assert feed.last.room() == pytest.approx(1e-4)
    assert Feed().room(-150).hear(-30, -45, -59).sound == 43


def test_before_anything_was_heard_there_is_no_room() -> None:
    assert LastSound(0).room() == 0


def test_the_user_speaks_on_with_a_sound_or_with_a_voice_that_lasts() -> None:
    feed = Feed().room(-90).hear(-20)
    assert feed.last.speaks()
    feed.hear(*[-60] * 8)
    assert not feed.last.speaks(), "a late fall"
    assert feed.last.silent_ns() == 8 * WINDOW
    feed.hear(-60)
    assert feed.last.speaks(), "a soft voice"
    assert not feed.hear(-60, speech=UNLIKELY).last.speaks()
    assert feed.hear(-25).last.speaks()


def test_the_end_is_dated_back_by_the_fade_at_most() -> None:
    feed = Feed(fade=3).room(-90).hear(-20, -60, -60)
    assert feed.last.off_ns == 41 * WINDOW
    assert feed.hear(-60, -60).last.off_ns == 42 * WINDOW
    assert feed.last.voice_ns == 45 * WINDOW


def test_power_that_no_detector_measured_is_that_of_the_samples() -> None:
    feed = Feed().hear(*[-80] * 40, speech=UNLIKELY, measured=False)
    assert feed.last.room() == pytest.approx(1e-8, rel=1e-3)


def test_sound_after_an_end_that_is_set_was_anothers() -> None:
    feed = Feed().room(-60.0).hear(*[VOICE_DB] * 30)
    feed.last.end_at(50 * WINDOW)
    assert feed.last.off_ns == 50 * WINDOW
    feed.last.end_at(60 * WINDOW)
    assert feed.last.off_ns == 50 * WINDOW
