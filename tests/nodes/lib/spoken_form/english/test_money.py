"""Amounts of money."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.currencies import CURRENCIES
from vflow_nodes.lib.spoken_form.english.money import amount, money
from vflow_nodes.lib.spoken_form.reading import Reading, Stage, Wait


@pytest.mark.parametrize(
    ("digits", "symbol", "spoken"),
    [
        ("1", "$", "one dollar"),
        ("3.50", "£", "three pounds and fifty pence"),
        ("0.01", "$", "one cent"),
        ("0", "$", "zero dollars"),
        ("3.459", "$", "three point four five nine dollars"),
        ("1.50", "¥", "one point five zero yen"),
    ],
)
def test_amount_of_money_names_its_currency(digits: str, symbol: str, spoken: str) -> None:
    assert amount(digits, CURRENCIES[symbol]) == spoken


def test_amount_waits_for_a_scale() -> None:
    with pytest.raises(Wait):
        money(look("$1.5", stage=Stage.MORE))


def test_released_amount_owes_its_currency() -> None:
    assert money(look("$1.5", stage=Stage.RELEASE)) == Reading(
        1, "one point five", "number", "1.5", "dollars"
    )


def test_amount_with_cents_alone_owes_nothing() -> None:
    assert money(look("$0.99", stage=Stage.RELEASE)) == Reading(1, "ninety nine cents", "money", "dollars")


def test_word_with_a_currency_letter_is_not_money() -> None:
    assert money(look("cash")) is None
