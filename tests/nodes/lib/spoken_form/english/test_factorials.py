"""Exclamation marks of factorials are told from those of exclamations."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.factorials import factorial, with_factorials


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("5! = 120", "five factorial"),
        ("5! is", "five factorial"),
        ("n! grows", "N factorial"),
        ("6!.", "six factorial."),
        ("5!/3!", "five factorial over three factorial"),
        ("3!=6", "three factorial equals six"),
    ],
)
def test_exclamation_mark_in_a_formula_is_factorial(text: str, spoken: str) -> None:
    reading = factorial(look(text))
    assert reading is not None
    assert reading.spoken == spoken


@pytest.mark.parametrize("text", ["5!", "5! Then", "Hi! there", "5!!", "a! b", "x!=5"])
def test_exclamation_is_left_to_other_readings(text: str) -> None:
    assert factorial(look(text)) is None


def test_formula_ends_before_its_mark() -> None:
    assert with_factorials("n!/(n-k)!,") == "n!/(n-k)!"
    assert with_factorials("3!=7") == ""
