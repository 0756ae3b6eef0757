"""Names in digits."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.designations import designation, pairs_of
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "before", "spoken"),
    [
        ("747-400", "Boeing", "seven forty seven four hundred"),
        ("787-9", "The", "seven eighty seven nine"),
        ("777-300ER", "a", "seven seventy seven three hundred E R"),
        ("747 landed", "a", "seven forty seven"),
        ("A320-200", "an", "A three twenty two hundred"),
        ("A321neo", "an", "A three twenty one neo"),
        ("1040-ES", "Form", "ten forty E S"),
        ("1099s", "the", "ten ninety nines"),
        ("401(k)", "your", "four oh one K"),
        ("3M tape", "use", "three M"),
    ],
)
def test_number_after_a_designation_is_a_name(text: str, before: str, spoken: str) -> None:
    reading = designation(look(text, Before(before, paused=False, ended=False)))
    assert reading is not None
    assert reading.spoken == spoken


@pytest.mark.parametrize("text", ["747 people", "98-95", "A345", "1040", "3M people", "747-123"])
def test_other_number_is_left_to_other_readings(text: str) -> None:
    assert designation(look(text)) is None


def test_digits_of_a_designation_are_said_in_pairs() -> None:
    assert pairs_of("900") == "nine hundred"
    assert pairs_of("1005") == "ten oh five"
