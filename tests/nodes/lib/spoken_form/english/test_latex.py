"""Formulas in LaTeX."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.english.latex import latex


@pytest.mark.parametrize(
    ("source", "spoken"),
    [
        ("x^2", "X squared"),
        ("\\frac{1}{2}", "one half"),
        ("\\frac{a}{b}", "A over B"),
        ("\\sqrt{2}", "the square root of two"),
        ("x_1 + y", "X sub one plus Y"),
        ("a \\leq b", "A is less than or equal to B"),
        ("\\text{speed} = 3", "speed equals three"),
        ("", ""),
    ],
)
def test_latex_formula_is_said_in_words(source: str, spoken: str) -> None:
    assert latex(source) == spoken


@pytest.mark.parametrize("source", ["\\frac{" * 300, "{" * 2000, "^" * 2000, "\\" * 2000])
def test_broken_formula_is_read(source: str) -> None:
    assert isinstance(latex(source), str)
