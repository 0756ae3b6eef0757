"""A written word taken apart."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.spoken_form.word import mark_of, take_apart


@pytest.mark.parametrize(
    ("written", "core", "mark"),
    [
        ("Hello", "Hello", ""),
        ("“Hello,”", "Hello", ","),
        ("**bold**.", "bold", "."),
        ("(really?)", "really", "?"),
        ("~~gone~~", "gone", ""),
        ("fact[2],", "fact", ","),
        ("&amp;", "&", ""),
        ("it&#39;s", "it's", ""),
        ("'90s", "'90s", ""),
        ("'quoted'", "quoted", ""),
        ("dogs'", "dogs'", ""),
        ("5'11\"", "5'11\"", ""),
        ("f(x).", "f(x)", "."),
        ("wait...", "wait", "…"),
        ("\\*star\\*", "star", ""),
        ("***", "", ""),
    ],
)
def test_word_is_split_into_core_and_mark(written: str, core: str, mark: str) -> None:
    word = take_apart(written)
    assert (word.core, word.mark) == (core, mark)
    assert word.written == written


def test_full_stop_right_after_the_core_is_told_from_the_mark_after_it() -> None:
    word = take_apart("etc.),")
    assert word.dotted
    assert word.after == ","
    assert not take_apart("etc...").dotted


@pytest.mark.parametrize(
    ("tail", "mark"), [("", ""), ('."', "."), ("?!", "?!"), ("),", ","), ("..", "…"), (":*", ":")]
)
def test_strongest_mark_stands_for_all(tail: str, mark: str) -> None:
    assert mark_of(tail) == mark
