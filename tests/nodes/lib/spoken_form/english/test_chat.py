"""Short words of chats."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.chat import chat_word
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "before", "spoken"),
    [
        ("gr8", "is", "great"),
        ("2nite?", "come", "tonight?"),
        ("u", "see", "you"),
        ("c u", "then", "see"),
        ("r u", "so", "are"),
        ("r", "we", "are"),
    ],
)
def test_chat_abbreviation_is_said_in_full(text: str, before: str, spoken: str) -> None:
    reading = chat_word(look(text, Before(before, paused=False, ended=False)))
    assert reading is not None
    assert reading.spoken == spoken


@pytest.mark.parametrize(
    ("text", "before"), [("u = 5", "if"), ("u", "vector"), ("r", "radius"), ("c", "speed")]
)
def test_name_of_a_value_is_left_to_other_readings(text: str, before: str) -> None:
    assert chat_word(look(text, Before(before, paused=False, ended=False))) is None
