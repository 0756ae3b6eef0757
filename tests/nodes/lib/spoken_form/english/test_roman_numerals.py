"""Roman numerals."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.roman_numerals import roman_numeral
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("before", "core", "spoken"),
    [
        ("Henry", "VIII", "the eighth"),
        ("Chapter", "IV", "four"),
        ("Part", "I", "one"),
        ("Rocky", "III", "three"),
    ],
)
def test_roman_numeral_after_a_name_or_part_is_a_number(before: str, core: str, spoken: str) -> None:
    reading = roman_numeral(look(core, Before(before, paused=False, ended=False)))
    assert reading is not None
    assert reading.spoken == spoken


def test_single_letter_is_left_to_other_readings() -> None:
    assert roman_numeral(look("X", Before("Malcolm", paused=False, ended=False))) is None
