"""Ranges in one word."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.ranges import range_of


@pytest.mark.parametrize(
    ("sign", "digits", "rest", "said"),
    [
        ("", "5", "-10", "five to ten"),
        ("-", "10", "–-5", "ten to minus five"),  # noqa: RUF001
        ("-", "5", "-5", "five to five"),
        ("", "2024", "-25", "twenty twenty four to twenty five"),
        ("", "1", "½-2", "one and a half to two"),
        ("", "20", "-25°C", "twenty to twenty five degrees Celsius"),
        ("", "00", "-88231", ""),
        ("", "5", "--3", ""),
        ("", "5", "-abc", ""),
    ],
)
def test_range_is_said_with_to(sign: str, digits: str, rest: str, said: str) -> None:
    assert range_of(look("word"), sign, digits, rest)[0] == said
