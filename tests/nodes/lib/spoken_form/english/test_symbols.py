"""Symbols and expressions."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english import symbols
from vflow_nodes.lib.spoken_form.reading import Before

AFTER_NUMBER = Before("5", "number", "5", paused=False, ended=False)


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("2+2=4", "two plus two equals four"),
        ("x^2", "X squared"),
        ("2^10", "two to the power of ten"),
        ("f(x)", "F of X"),
        ("10/2=5", "ten divided by two equals five"),
        ("a<b", "A less than B"),
    ],
)
def test_symbols_of_an_expression_are_said(core: str, spoken: str) -> None:
    assert symbols.is_expression(core)
    assert symbols.expression(core) == spoken


@pytest.mark.parametrize(
    ("text", "before", "spoken"),
    [
        ("-", Before(), ""),
        ("- but", Before("yes", paused=False, ended=False), "—"),
        ("- 12", AFTER_NUMBER, "to"),
        ("- 3 = 2", AFTER_NUMBER, "minus"),
        ("> 3", AFTER_NUMBER, "greater than"),
        (">", Before(), ""),
        ("> General", Before("Settings", paused=False, ended=False), "then"),
        ("|", Before("Name", paused=False, ended=False), ","),
        ("🎉", Before(), ""),
        ("&", Before("salt", paused=False, ended=False), "and"),
    ],
)
def test_lone_symbol_is_read_by_its_place(text: str, before: Before, spoken: str) -> None:
    reading = symbols.lone(look(text, before))
    assert reading is not None
    assert reading.spoken == spoken


def test_pictures_are_left_out() -> None:
    assert symbols.without_pictures("ok🎉") == "ok"
    assert symbols.without_pictures("Nike™") == "Nike"


def test_raised_digits_are_said_as_powers() -> None:
    assert [symbols.raised(core) for core in ("10²", "x³", "ab")] == ["ten squared", "X cubed", ""]
