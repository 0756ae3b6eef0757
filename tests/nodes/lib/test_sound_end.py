"""Where a sound ends, by windows whose powers and probabilities the test sets."""

from __future__ import annotations

import pytest

from vflow import MS
from vflow_nodes.lib.sound_end import SoundEnd

WINDOW = 32 * MS
VOICE_DB, PROBABLE, UNLIKELY = -30.0, 0.9, 0.05


class Feed:
    """Windows of levels in dBFS, one after the other; numbers count windows from 1."""

    def __init__(self) -> None:
        self.end = SoundEnd()
        self.count = 0

    def hear(self, *levels_db: float, speech: float = PROBABLE) -> Feed:
        for level in levels_db:
            self.count += 1
            self.end.hear(self.count * WINDOW, 10 ** (level / 10), speech, speech >= 0.35)
        return self

    def room(self, level_db: float, count: int = 40) -> Feed:
        """A room in which nobody speaks, then the begin of an utterance."""
        self.hear(*[level_db] * count, speech=UNLIKELY)
        self.end.begin()
        return self

    @property
    def sound(self) -> int:
        """The last window that is sound."""
        return self.end.sound_ns // WINDOW

    def speaks(self, voiced: bool = True) -> bool:
        return self.end.speaks(self.count * WINDOW, voiced)


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


def test_where_the_room_is_as_loud_as_the_voice_all_voice_is_sound() -> None:
    assert Feed().room(-30).hear(-30, -31, -30, -29.5).sound == 44


def test_a_window_without_voice_is_no_sound_however_loud() -> None:
    feed = Feed().room(-90).hear(-20, -20).hear(-10, speech=UNLIKELY)
    assert (feed.sound, feed.end.sounds) == (42, False)
    assert feed.hear(-25).sound == 44, "a knock makes nothing softer"


def test_a_new_utterance_has_a_loudest_window_of_its_own() -> None:
    feed = Feed().room(-90).hear(-10, -10).room(-90)
    assert feed.hear(-45, -50).sound == feed.count


def test_a_room_that_falls_silent_is_known_before_it_is_heard_alone() -> None:
    feed = Feed().room(-40)
    feed.hear(*[-30, -60] * 15)
    assert feed.end.room() == pytest.approx(1e-6)


def test_a_room_that_gets_louder_is_known_after_its_quiet_windows() -> None:
    feed = Feed().room(-60, count=100).room(-40, count=100)
    assert feed.end.room() == pytest.approx(1e-4)


def test_the_tail_of_a_voice_is_not_the_room() -> None:
    feed = Feed().room(-60)
    feed.hear(-20).hear(*[-30] * 7, speech=UNLIKELY)
    assert feed.end.room() == pytest.approx(1e-6)


def test_digital_silence_is_no_room() -> None:
    feed = Feed().room(-40).room(-150, count=100)
    assert feed.end.room() == pytest.approx(1e-4)
    assert Feed().room(-150).hear(-30, -45, -59).sound == 43


def test_before_anything_was_heard_there_is_no_room() -> None:
    assert SoundEnd().room() == 0


def test_the_user_speaks_on_with_a_sound_or_with_a_voice_that_lasts() -> None:
    feed = Feed().room(-90).hear(-20)
    assert feed.speaks()
    feed.hear(*[-60] * 8)
    assert not feed.speaks(), "a late fall"
    feed.hear(-60)
    assert feed.speaks(), "a soft voice"
    assert not feed.hear(-60, speech=UNLIKELY).speaks(voiced=False)
    assert feed.hear(-25).speaks()
