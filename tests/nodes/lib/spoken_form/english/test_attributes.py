"""Amounts that describe the noun after them."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.attributes import describes, is_lettered, is_noun
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("before", "text", "found"),
    [
        ("a", "$5 bill", True),
        ("two", "$5 bills", True),
        ("a", "$5 Starbucks", True),
        ("the", "$5 Mary", False),
        ("the", "$5 is", False),
        ("for", "$5 bills", False),
        ("a", "$5. Then", False),
        ("every", "$5 invested", False),
    ],
)
def test_amount_describes_a_noun_after_an_article(before: str, text: str, found: bool) -> None:
    assert describes(look(text, Before(before, paused=False, ended=False))) is found


def test_article_may_stand_before_the_other_side() -> None:
    before = Before("x", paused=False, ended=False, recent=("a", "4", "x"))
    assert describes(look("6 print", before))


@pytest.mark.parametrize(
    ("text", "found"), [("M batteries", True), ("M people", False), ("V batteries", False)]
)
def test_letter_is_a_kind_of_what_has_kinds(text: str, found: bool) -> None:
    assert is_lettered(look(text), 0) is found


def test_word_of_grammar_is_no_noun() -> None:
    assert not is_noun(look("from").first)
    assert not is_noun(None)
    assert is_noun(look("pole").first)
