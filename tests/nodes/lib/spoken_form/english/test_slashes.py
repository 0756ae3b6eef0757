"""Two numbers with a slash."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.slashes import is_date, no_date, with_slash
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "before", "spoken"),
    [
        ("2/3 of", "about", "two thirds"),
        ("7/10.", "a", "seven out of ten"),
        ("4/4 time", "in", "four four"),
        ("20/40 vision", "with", "twenty forty"),
        ("3/10 now", "page", "three of ten"),
        ("120/80 today", "is", "one hundred twenty over eighty"),
    ],
)
def test_slash_is_said_by_the_words_around_it(text: str, before: str, spoken: str) -> None:
    word = text.split()[0].rstrip(".")
    digits, _, rest = word.partition("/")
    found = with_slash(look(text, Before(before, paused=False, ended=False)), digits, f"/{rest}", True)
    assert found[0] == spoken


def test_score_of_a_game_is_not_read_as_date() -> None:
    reading = no_date(look("28/9/11 on", Before("had", paused=False, ended=False)))
    assert reading is not None
    assert reading.spoken == "twenty eight, nine, eleven"


def test_half_after_a_count_is_not_read_as_date() -> None:
    before = Before("and", paused=False, ended=False, recent=("ate", "2", "and"))
    reading = no_date(look("1/2 pies", before))
    assert reading is not None
    assert reading.spoken == "a half"


@pytest.mark.parametrize(
    ("text", "found"), [("2/3 at 8a", True), ("10/3", True), ("2/3 cup", False), ("10/3 =", False)]
)
def test_day_is_known_by_its_time_or_its_form(text: str, found: bool) -> None:
    assert is_date(look(text)) is found
