from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import examples
from vflow_nodes.lib.text import ends_sentence, mark_after, speakable, spoken


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("the end.", "."),
        ("really?!", "!"),
        ('"Yes," ', ","),
        ("**done.**", "."),
        ("wait…", "…"),
        ("and --", "—"),
        ("then -", "—"),
        ("like this:", ":"),
        ("that was I.", "."),
        ("in 1969.", "."),
        ("Dr.", ""),
        ("J.", ""),
        ("e.g.", ""),
        ("1.", "."),
        ("said no.", "."),
        ("well-known", ""),
        ("plain", ""),
        ("", ""),
        ("終わり。", "."),
        ("本当！", "!"),
        ("「何？」と。", "."),
    ],
)
def test_mark_after(text: str, mark: str) -> None:
    assert mark_after(text) == mark


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Bold** and _soft_", "Bold and soft"),
        ("# Title", "Title"),
        ("`x = 1`", "x = 1"),
        ("a <b>word</b>", "a word"),
        ("| cell |", "cell"),
        ("#1 of 2*3", "#1 of 2*3"),
        ("snake_case, C#", "snake_case, C#"),
        ("*  ***", ""),
        ("x < y", "x < y"),
        ("wait — no", "wait — no"),
    ],
)
def test_speakable_takes_markup_away_and_leaves_dashes_to_pause_at(text: str, said: str) -> None:
    assert speakable(text) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Paris**,", "Paris,"),
        ("`print`", "print"),
        ("_really_!", "really!"),
        ("*", ""),
        ("-", ""),
        ("—", ""),
        ("##", ""),
        ("---", ""),
        ("2*3", "2*3"),
        ("snake_case", "snake_case"),
        ("-5", "-5"),
        ("#1", "#1"),
        ("&", "&"),
        ("well-known", "well-known"),
        ("~~gone~~", "gone"),
        ("(*args)", "(args)"),
        ("#Title", "Title"),
        ("<b>bold</b>", "<b>bold</b>"),
    ],
)
def test_marks_of_markdown_are_not_spoken(written: str, said: str) -> None:
    assert spoken(written) == said


@examples(200)
@given(st.text(st.sampled_from("a1é*_`#<>/.,!-—|=~"), min_size=1, max_size=8))
def test_a_word_keeps_all_its_letters_and_digits(word: str) -> None:
    letters = [c for c in word if c.isalnum()]
    assert [c for c in spoken(word) if c.isalnum()] == letters


@pytest.mark.parametrize(
    "word", ["end.", "what?", "no!", 'said."', "(so.)", "…", "終わり。", "stop.”", "**so.**"]
)
def test_a_sentence_ends_with(word: str) -> None:
    assert ends_sentence(word)


@pytest.mark.parametrize("word", ["end", "3.14", "e.g", "so,", "name:", ".net", "a.b", "Dr.", "e.g.", "J."])
def test_no_sentence_ends_with(word: str) -> None:
    assert not ends_sentence(word)
