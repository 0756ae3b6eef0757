"""The tables of words."""

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english import words


def test_word_that_is_a_word_in_capitals_is_not_respelled() -> None:
    assert not words.COMMON & words.RESPELLED.keys() - {"OK"}
    assert not words.COMMON & words.SPELLED


def test_every_abbreviation_has_a_spoken_form_without_a_full_stop() -> None:
    for table in (words.TITLES, words.PLACES, words.INSIDE, words.BEFORE_NUMBER, words.DOTTED, words.SLASHED):
        assert all(said and "." not in said for said in table.values())
