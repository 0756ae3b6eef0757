"""Months and days."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.calendar_names import calendar_name, range_of_names
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "spoken", "kind"),
    [("Jan. 5", "January", "month"), ("March", "March", "month"), ("Sat. at", "Saturday", "")],
)
def test_short_day_or_month_is_said_in_full(text: str, spoken: str, kind: str) -> None:
    reading = calendar_name(look(text))
    assert reading is not None
    assert (reading.spoken, reading.kind) == (spoken, kind)


def test_month_knows_the_word_before_it() -> None:
    reading = calendar_name(look("March", Before("In", paused=False, ended=False)))
    assert reading is not None
    assert reading.value == "in"


def test_other_word_is_left_to_other_readings() -> None:
    assert calendar_name(look("Sat. Then", Before())) is None


def test_range_of_names() -> None:
    assert range_of_names("Jan.-Mar") == "January to March"
    assert range_of_names("Mon-day") == ""
