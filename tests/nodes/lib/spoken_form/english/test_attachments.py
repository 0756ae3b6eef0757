"""Words and signs that are attached to a number."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.attachments import ending, measure


@pytest.mark.parametrize(
    ("digits", "rest", "spoken"),
    [("21", "st", "twenty first"), ("1990", "s", "nineteen nineties"), ("64", "-y/o", "sixty four year old")],
)
def test_ending_attached_to_a_number_is_said(digits: str, rest: str, spoken: str) -> None:
    assert ending(look(digits + rest), digits, rest, True)[0] == spoken


@pytest.mark.parametrize(
    ("digits", "rest", "spoken"),
    [
        ("5", "km", "five kilometers"),
        ("10", "-kg", "ten kilogram"),
        ("8", "/day", "eight per day"),
        (
            "350",
            "°F/175°C",
            "three hundred fifty degrees Fahrenheit, one hundred seventy five degrees Celsius",
        ),
        ("4", "-", "four"),
        ("2", "½", "two and a half"),
        ("5", "abc", ""),
    ],
)
def test_unit_attached_to_a_number_is_said(digits: str, rest: str, spoken: str) -> None:
    assert measure(look(digits + rest), digits, rest, True)[0] == spoken
