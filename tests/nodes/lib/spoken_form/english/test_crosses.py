"""The letter x between numbers."""

from __future__ import annotations

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english import crosses
from vflow_nodes.lib.spoken_form.reading import Before

AFTER_NUMBER = Before("5", "number", "5", paused=False, ended=False)


def test_cross_between_numbers_is_said_as_times_or_by() -> None:
    by = crosses.times(look("x 20 cm", AFTER_NUMBER))
    times = crosses.times(look("x 4 = 20", AFTER_NUMBER))
    assert by is not None
    assert times is not None
    assert (by.spoken, times.spoken) == ("by", "times")


def test_several_sides_are_said_alike() -> None:
    found = crosses.times(look("x 40 x 23 cm", AFTER_NUMBER))
    assert found is not None
    assert found.spoken == "by"


def test_prescription_is_for_a_time() -> None:
    found = crosses.times(look("x 7 days", Before("daily", paused=False, ended=False)))
    assert found is not None
    assert found.spoken == "for"
