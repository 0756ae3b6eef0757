"""Words that are said as they are written."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.plain_words import plain_word
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize("text", ["hello", "world.", "don't", "March"])
def test_plain_word_is_said_as_it_is(text: str) -> None:
    reading = plain_word(look(text))
    assert reading is not None
    assert reading.spoken == text


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("million", Before("5", "number", "5", paused=False, ended=False)),
        ("lol", Before("then", paused=False, ended=False)),
        ("cv", Before("then", paused=False, ended=False)),
        ("iii", Before("verse", paused=False, ended=False)),
        ("ma", Before("=", "op", paused=False, ended=False)),
    ],
)
def test_word_that_may_have_another_reading_is_left(text: str, before: Before) -> None:
    assert plain_word(look(text, before)) is None
