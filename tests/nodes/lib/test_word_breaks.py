from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import examples
from vflow import join_words
from vflow_nodes.lib import word_breaks
from vflow_nodes.lib.word_breaks import LONGEST, settled, units, words_of

letters = st.text(st.sampled_from('ab日本語の，。「」ครับแ\u0e311한("$'), max_size=30)


@examples(200)
@given(letters)
def test_units_joined_are_the_text(text: str) -> None:
    assert "".join(units(text)) == text
    whole, rest = settled(text)
    assert "".join(whole) + rest == text


def test_words_of_a_text_are_those_of_a_reply() -> None:
    assert words_of("Hello there. 你好 世界。") == ["Hello", "there.", " 你好", " 世界。"]
    assert join_words(words_of("Hello there. 你好 世界。")) == "Hello there. 你好 世界。"


def test_a_bracket_belongs_to_what_follows_and_a_mark_to_what_is_before() -> None:
    assert units("我（你）好！") == ["我", "（你）", "好！"]


def test_letters_that_are_no_word_are_cut_at_a_bound() -> None:
    found = units("ๅ" * 100)
    assert max(map(len, found)) <= LONGEST


def test_without_dictionaries_a_character_is_a_word_with_its_marks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    word_breaks._breaker.cache_clear()
    try:
        assert units("你好，abc世界。") == ["你", "好，", "abc", "世", "界。"]
        assert units("ครับเขา") == ["ค", "รั", "บ", "เข", "า"]
    finally:
        word_breaks._breaker.cache_clear()
