from __future__ import annotations

import pytest

from vflow import join_words
from vflow.scripts import UNSPACED, between
from vflow_nodes.lib import word_breaks


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["Hello", "there,", "friend."], "Hello there, friend."),
        (["你好，", "世界。"], "你好，世界。"),
        (["我用", "iPhone", "15。"], "我用iPhone 15。"),
        (["สวัสดี", "ครับ", " ผม"], "สวัสดีครับ ผม"),
        (["今日", "は"], "今日は"),
        (["하늘이", "맑다."], "하늘이 맑다."),
        (["word", " 你好", " means"], "word 你好 means"),
        (["", "a", "", "b"], "a b"),
        ([" a"], "a"),
        ([], ""),
    ],
)
def test_words_are_joined_as_their_script_writes_them(words: list[str], text: str) -> None:
    assert join_words(words) == text


def test_a_first_word_has_no_space_before_it() -> None:
    assert between("", "a") == ""
    assert between("a", "b") == " "


def test_the_nodes_know_the_same_scripts() -> None:
    assert word_breaks.UNSPACED.pattern == f"[{UNSPACED}]"
