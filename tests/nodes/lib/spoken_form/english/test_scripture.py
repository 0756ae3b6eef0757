"""Verses."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.scripture import scripture
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "before", "spoken"),
    [
        ("Matt. 5:3", "Read", "Matthew"),
        ("1 Cor. 13:4", "Read", "First"),
        ("5:3-10", "Matt", "five three to ten"),
        ("119:105", "Psalm", "one hundred nineteen, one hundred five"),
        ("5:3-6:4", "Luke", "five three to six four"),
        ("5:3-10", "at", "five three to ten"),
    ],
)
def test_verse_is_said_as_chapter_and_verse(text: str, before: str, spoken: str) -> None:
    reading = scripture(look(text, Before(before, paused=False, ended=False)))
    assert reading is not None
    assert reading.spoken == spoken


@pytest.mark.parametrize("text", ["Gen. Lee", "1 Corinth", "5:30-10", "3:1", "Matt."])
def test_other_text_is_left_to_other_readings(text: str) -> None:
    assert scripture(look(text)) is None
