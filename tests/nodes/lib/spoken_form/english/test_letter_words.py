"""Words without digits that are no plain words."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.letter_words import letter_word


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("jane@mail.org", "jane at mail dot org"),
        ("NASA's", ""),
        ("API", "A P I"),
        ("etc.", "et cetera."),
        ("BSc.", "B S C."),
        ("D-Mass.", "D, Massachusetts"),
        ("lol", "L O L"),
        ("getUserName", "get user name"),
    ],
)
def test_word_of_letters_is_read_by_its_kind(text: str, spoken: str) -> None:
    reading = letter_word(look(text), "name")
    assert (reading.spoken if reading else "") == spoken
