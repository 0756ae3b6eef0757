"""The user's voice and voices far below it, by windows whose powers the test sets."""

from __future__ import annotations

import pytest

from vflow import MS, SECOND
from vflow_nodes.lib.foreground import Foreground

WINDOW = 32 * MS


class Room:
    """Windows of levels in dB, one after the other."""

    def __init__(self, range_db: float = 9.0) -> None:
        self.foreground, self.at_ns, self.inside = Foreground(range_db), 0, False

    def hears(self, count: int, level_db: float, voiced: bool = True) -> bool:
        for _ in range(count):
            self.at_ns += WINDOW
            self.foreground.hear(10 ** (level_db / 10), voiced, self.at_ns, self.inside)
        return self.foreground.near

    def turn(self, level_db: float, count: int = 30, is_turn: bool = True, silence: int = 40) -> Room:
        self.hears(3, level_db)
        self.foreground.begin()
        self.inside = True
        self.hears(count, level_db)
        self.foreground.end(self.at_ns, is_turn)
        self.inside = False
        self.hears(silence, -80.0, voiced=False)
        return self


def test_all_voice_is_near_before_the_first_turn() -> None:
    assert Room().hears(1, -60.0)


def test_voice_far_below_the_last_turns_is_not_near() -> None:
    room = Room().turn(-20.0)
    assert not room.hears(40, -30.0)
    assert not room.hears(1, -20.0), "a single loud window may be a knock"
    assert room.hears(1, -20.0)


def test_voice_a_little_softer_than_the_last_turns_is_near() -> None:
    assert Room().turn(-20.0).hears(2, -28.0)


def test_the_rest_of_a_turn_may_be_softer() -> None:
    assert Room().turn(-20.0, silence=15).hears(2, -33.0)
    assert not Room().turn(-20.0, silence=15).hears(2, -35.0)
    assert not Room().turn(-20.0, silence=32).hears(2, -33.0)


def test_zero_makes_all_voice_near() -> None:
    assert Room(0).turn(-20.0).hears(1, -60.0)


def test_the_median_of_three_turns_counts_so_that_one_shout_changes_nothing() -> None:
    room = Room().turn(-30.0).turn(-10.0).turn(-30.0)
    assert room.hears(2, -36.0)


@pytest.mark.parametrize(("count", "is_turn"), [(5, True), (30, False)])
def test_short_turns_and_backchannels_have_no_level(count: int, is_turn: bool) -> None:
    room = Room().turn(-40.0).turn(0.0, count - 3, is_turn)
    assert room.hears(2, -45.0)


def test_minutes_after_the_last_turn_everybody_is_near_again() -> None:
    room = Room().turn(-20.0)
    room.at_ns += 60 * SECOND
    assert not room.hears(10, -40.0)
    room.at_ns += 115 * SECOND
    assert room.hears(2, -40.0)


def test_the_time_of_the_last_near_voice_in_an_utterance_is_kept() -> None:
    room = Room()
    room.hears(3, -20.0)
    room.foreground.begin()
    room.inside = True
    room.hears(20, -20.0)
    near_ns = room.at_ns + 8 * WINDOW  # two of ten windows are near until then
    room.hears(40, -40.0)
    assert room.foreground.near_ns == near_ns
    room.hears(10, -80.0, voiced=False)
    assert room.foreground.near_ns == near_ns
