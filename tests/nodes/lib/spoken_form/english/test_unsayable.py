"""Codes and endless numbers, which cannot be said as words."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.english.unsayable import long_word
from vflow_nodes.lib.spoken_form.reading import LongWords
from vflow_nodes.lib.spoken_form.word import take_apart


@pytest.mark.parametrize(
    ("long_words", "spoken"),
    [
        ("name", "a long code."),
        ("shorten", "a long code, from A B C D, to W X Y Z."),
        ("spell", "A B C D, W X Y Z."),
    ],
)
def test_code_is_said_as_asked(long_words: LongWords, spoken: str) -> None:
    word = "abcdwxyz." if long_words == "spell" else "abcd12345678wxyz."
    assert long_word(take_apart(word), long_words).spoken == spoken


def test_very_long_code_is_never_spelled() -> None:
    assert len(long_word(take_apart("a1" * 5000), "spell").spoken) < 100


def test_number_without_end_is_counted() -> None:
    assert long_word(take_apart("9" * 400), "name").spoken == "a number of four hundred digits"
