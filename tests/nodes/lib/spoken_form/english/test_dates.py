"""Dates and times in digits."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.english import dates


@pytest.mark.parametrize("core", ["2026-11-27", "11/27/2026", "27/11/2026", "27.11.2026", "11-27-2026"])
def test_date_in_any_order(core: str) -> None:
    assert dates.full_date(core) == "November twenty seventh, twenty twenty six"


@pytest.mark.parametrize("core", ["2026-13-27", "1.2.3", "99/99/2026", "1/2", "5-10-15"])
def test_numbers_that_are_not_a_date_are_left(core: str) -> None:
    assert dates.full_date(core) == ""


@pytest.mark.parametrize(
    ("core", "before", "spoken"),
    [
        ("12/05", "on", "December fifth"),
        ("3/4", "add", ""),
        ("11/27", "", "November twenty seventh"),
        ("5/16", "", ""),
    ],
)
def test_month_and_day_against_a_fraction(core: str, before: str, spoken: str) -> None:
    assert dates.month_and_day(core, before) == spoken


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("9:05", "nine oh five"),
        ("12:00", "twelve o'clock"),
        ("14:00", "fourteen hundred"),
        ("9:30am", "nine thirty A M"),
        ("7pm", "seven P M"),
        ("9:75", ""),
        ("16:9", ""),
        ("25:10", ""),
    ],
)
def test_clock_time_is_said_as_time(core: str, spoken: str) -> None:
    assert dates.clock_time(core) == spoken


def test_duration_is_said_in_hours_and_minutes() -> None:
    assert dates.duration("1h30m") == "one hour thirty minutes"
    assert dates.duration("30m") == ""
