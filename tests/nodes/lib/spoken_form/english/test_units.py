"""Names of units."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.english.currencies import CURRENCIES
from vflow_nodes.lib.spoken_form.english.units import UNITS, unit_name


@pytest.mark.parametrize(
    ("symbol", "value", "name"),
    [
        ("km", "5", "kilometers"),
        ("km", "1", "kilometer"),
        ("km", "-1", "kilometer"),
        ("km", "1.5", "kilometers"),
        ("°C", "3", "degrees Celsius"),
        ("mg/day", "5", "milligrams per day"),
        ("m²", "20", "square meters"),
        ("cat", "2", ""),
        ("cat/day", "2", ""),
    ],
)
def test_unit_has_the_number_of_its_value(symbol: str, value: str, name: str) -> None:
    assert unit_name(symbol, value) == name


def test_names_have_no_digit() -> None:
    names = [name for pair in (*UNITS.values(), *CURRENCIES.values()) for name in pair]
    assert not any(letter.isdigit() for name in names for letter in name)
