"""Feet and inches."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.lengths import length
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("5'11\"", "five foot eleven"),
        ("6'", "six feet"),
        ('6.1"', "six point one inches"),
        ("5'-6'", "five to six feet"),
        ("5-6'", "five to six feet"),
        ("5'-6\"", "five foot six"),
        ("5'10\"-6'2\"", "five foot ten to six foot two"),
        ("10'x12'", "ten by twelve feet"),
        ('8.5"x11"', "eight point five by eleven inches"),
        ('3/4"', "three quarters inch"),
        ("5' 10\"", "five foot ten"),
    ],
)
def test_feet_and_inches_are_said(text: str, spoken: str) -> None:
    reading = length(look(text))
    assert reading is not None
    assert reading.spoken == spoken


def test_closing_quotation_mark_is_not_read_as_inch() -> None:
    assert length(look('9"', Before("is", paused=False, ended=False, quoted='"'))) is None


def test_noun_makes_it_singular() -> None:
    reading = length(look("10' pole", Before("a", paused=False, ended=False)))
    assert reading is not None
    assert reading.spoken == "ten foot"
