"""Words that begin with a number."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.amounts import numeric


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("5-10", "five to ten"),
        ("2024-25", "twenty twenty four to twenty five"),
        ("20-25°C.", "twenty to twenty five degrees Celsius."),
        ("10x20", "ten by twenty"),
        ("16:9", "sixteen to nine"),
        ("45%,", "forty five percent,"),
        ("-12", "minus twelve"),
        ("±2%", "plus or minus two percent"),
        ("1990s", "nineteen nineties"),
        ("30s", "thirties"),
        ("5s", "five seconds"),
        ("1e-5", "one times ten to the minus five"),
        ("2.5k", "two point five thousand"),
        ("3x", "three times"),
        ("5'11\"", "five foot eleven"),
    ],
)
def test_number_with_signs_is_said_as_an_amount(text: str, spoken: str) -> None:
    reading = numeric(look(text))
    assert reading is not None
    assert reading.spoken == spoken


@pytest.mark.parametrize("text", ["word", "5abc", "2024-0017", "$5"])
def test_other_text_is_left_to_other_readings(text: str) -> None:
    assert numeric(look(text)) is None
