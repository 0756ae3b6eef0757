"""Times of day with the words after them."""

from __future__ import annotations

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.moments import decade, time_of_day
from vflow_nodes.lib.spoken_form.reading import Reading
from vflow_nodes.lib.spoken_form.word import take_apart


def test_decade_is_said_in_words() -> None:
    assert decade(take_apart("'90s")) == "nineties"
    assert decade(take_apart("'05")) == "oh five"
    assert decade(take_apart("90")) == ""


def test_half_of_the_day_is_taken_with_the_time() -> None:
    assert time_of_day(look("9:30 a.m. tomorrow"), "at") == Reading(2, "nine thirty A M", "time")


def test_range_of_times_is_said_with_to() -> None:
    assert time_of_day(look("9am-5pm."), "") == Reading(1, "nine A M to five P M.", "time")
