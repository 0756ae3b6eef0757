"""Numbers in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.spoken_form.number_reader import heard
from vflow_nodes.lib.spoken_form.english import numbers


@given(st.integers(0, 10**15 - 1))
def test_cardinal_is_heard_as_the_same_number(value: int) -> None:
    assert heard(numbers.cardinal(str(value))) == str(value)


@given(st.integers(1, 10**6))
def test_ordinal_is_heard_as_the_same_number(value: int) -> None:
    assert heard(numbers.ordinal(str(value)).replace("second", "two")) == str(value)


@given(st.text("0123456789", min_size=16, max_size=80).filter(lambda digits: digits[0] != "0"))
def test_huge_number_is_said_digit_by_digit(digits: str) -> None:
    assert heard(numbers.cardinal(digits)) == digits


@pytest.mark.parametrize("length", [37, 400, 100_000])
def test_number_of_any_length_is_said(length: int) -> None:
    assert numbers.cardinal("9" * length)


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("1984", "nineteen eighty four"),
        ("2005", "two thousand five"),
        ("1900", "nineteen hundred"),
        ("1066", "ten sixty six"),
    ],
)
def test_year_is_said_in_pairs(digits: str, spoken: str) -> None:
    assert numbers.year(digits) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("0.50", "zero point five zero"),
        (".5", "point five"),
        ("0042", "zero zero four two"),
        ("1,000", "one thousand"),
    ],
)
def test_number_keeps_each_written_digit(text: str, spoken: str) -> None:
    assert numbers.number(text) == spoken


@pytest.mark.parametrize(
    ("text", "value"), [("IV", 4), ("VIII", 8), ("XIV", 14), ("LVIII", 58), ("IIII", 0), ("MIX", 0), ("", 0)]
)
def test_roman_numeral_has_its_value(text: str, value: int) -> None:
    assert numbers.roman(text) == value


@pytest.mark.parametrize(
    ("parts", "spoken"),
    [
        (("1", "2"), "one half"),
        (("3", "4"), "three quarters"),
        (("5", "16"), "five sixteenths"),
        (("1", "0"), "one over zero"),
    ],
)
def test_fraction_is_said_with_an_ordinal(parts: tuple[str, str], spoken: str) -> None:
    assert numbers.fraction(*parts) == spoken


def test_plural_of_a_number_is_said() -> None:
    assert [numbers.plural(word) for word in ("ninety", "six", "five")] == ["nineties", "sixes", "fives"]
