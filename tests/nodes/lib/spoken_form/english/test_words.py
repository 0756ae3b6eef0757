"""The tables of words."""

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english import words


def test_word_that_is_a_word_in_capitals_is_not_respelled() -> None:
    assert not words.COMMON & words.RESPELLED.keys() - {"OK"}
    assert not words.COMMON & words.SPELLED
