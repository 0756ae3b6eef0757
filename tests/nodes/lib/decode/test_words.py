from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import examples
from vflow import join_words
from vflow_nodes.lib.decode.words import Holdback, Word, WordCount, Words
from vflow_nodes.lib.text import spoken

pieces = st.lists(st.text(st.sampled_from("ab .!?*-#\n\t é\u00a0"), max_size=9), max_size=9)


@examples(200)
@given(pieces)
def test_words_are_those_between_spaces_wherever_the_text_is_cut(parts: list[str]) -> None:
    splitter = Words()
    said = [word for part in parts for word in splitter.push(part)] + splitter.finish()
    assert said == [word for word in map(spoken, "".join(parts).split()) if word]


def test_a_word_leaves_when_a_space_shows_it_whole() -> None:
    words = Words()
    assert words.push("The cap") == ["The"]
    assert words.push("ital") == []
    assert words.push(" of\nFrance") == ["capital", "of"]
    assert words.push(".") == []
    assert words.finish() == ["France."]
    assert words.finish() == []


UNSPACED = {
    "你好，世界。今天天气很好。": ["你好，", "世界。", "今天", "天气", "很好。"],
    "今日はいい天気ですね。": ["今日", "は", "いい", "天気", "です", "ね。"],
    "สวัสดีครับ ผมชื่ออ้น": ["สวัสดี", "ครับ", " ผม", "ชื่อ", "อ้น"],
    "ສະບາຍດີຂ້ອຍຊື່": ["ສະບາຍດີ", "ຂ້ອຍ", "ຊື່"],
    "ជំរាបសួរខ្ញុំឈ្មោះ": ["ជំរាបសួរ", "ខ្ញុំ", "ឈ្មោះ"],
    "မင်္ဂလာပါကျွန်တော်": ["မင်္ဂလာ", "ပါ", "ကျွန်တော်"],
    "我用iPhone 15。": ["我", "用", "iPhone", "15。"],
    "the word 你好 means hello": ["the", "word", " 你好", " means", "hello"],
    "他说“你好”。6月3日有￥15（约2美元）": [
        "他",
        "说",
        "“你好”。",
        "6月",
        "3日",
        "有",
        "￥15",
        "（约",
        "2美元）",
    ],
    "하늘이 맑다.": ["하늘이", "맑다."],
}


@pytest.mark.parametrize("text", UNSPACED)
def test_scripts_without_spaces_leave_in_the_words_that_their_readers_see(text: str) -> None:
    for size in (1, 2, 3, len(text)):
        splitter = Words()
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        said = [word for piece in pieces for word in splitter.push(piece)] + splitter.finish()
        assert said == UNSPACED[text]
        assert join_words(said) == text


@examples(200)
@given(st.lists(st.text(st.sampled_from("ab 日本語，。「」ครับแ\u0e31 1한")), max_size=12))
def test_words_of_any_scripts_joined_are_the_text(parts: list[str]) -> None:
    splitter = Words()
    said = [word for part in parts for word in splitter.push(part)] + splitter.finish()
    assert join_words(said) == " ".join("".join(parts).split())


def test_a_word_without_spaces_leaves_when_what_follows_shows_its_end() -> None:
    splitter = Words()
    assert splitter.push("你好，世界") == ["你好，"]
    assert splitter.push("。") == []
    assert splitter.push("今") == ["世界。"]


def test_all_but_the_last_word_of_a_cut_text_are_complete() -> None:
    splitter = Words()
    assert splitter.push("สวัสดีคร") == []
    assert splitter.cut() == ["สวัสดี"]
    splitter = Words()
    assert [*splitter.push("Hello wor"), *splitter.cut()] == ["Hello"]


@pytest.mark.parametrize("text", UNSPACED)
def test_words_are_counted_as_they_would_be_said(text: str) -> None:
    count = WordCount()
    for at, letter in enumerate(text, start=1):
        counted = count.push(letter)
        splitter = Words()
        said = [*splitter.push(text[:at]), *splitter.finish()]
        if counted is not None:
            assert counted <= len(said)
    assert counted in (None, len(UNSPACED[text]))


def words(text: str) -> list[Word]:
    """Make words of one token each."""
    return [Word(w, n, n + 1, 0) for n, w in enumerate(text.split())]


def texts_of(found: list[Word]) -> list[str]:
    return [word.text for word in found]


def test_in_the_first_half_of_the_limit_words_leave_at_once() -> None:
    hold = Holdback(12)
    for word in words("a b c d e f"):
        assert hold.push([word]) == [word]


def test_in_the_second_half_words_wait_for_the_end_of_their_sentence() -> None:
    hold = Holdback(4)
    assert texts_of(hold.push(words("a b c d"))) == ["a", "b"]
    assert texts_of(hold.push([Word("e.", 4, 5, 0)])) == ["c", "d", "e."]


def test_waiting_words_are_dropped_at_the_limit() -> None:
    hold = Holdback(6)
    assert texts_of(hold.push(words("a b c d. e f"))) == ["a", "b", "c", "d."]
    assert hold.cut() == []


def test_only_sentence_of_a_reply_is_cut_at_the_limit() -> None:
    hold = Holdback(6)
    assert texts_of(hold.push(words("a b c d e f"))) == ["a", "b", "c"]
    assert texts_of(hold.cut()) == ["d", "e", "f"]


def test_waiting_words_are_said_if_the_reply_ends_by_itself() -> None:
    hold = Holdback(2)
    assert texts_of(hold.push(words("a b. c d"))) == ["a", "b."]
    assert texts_of(hold.finish()) == ["c", "d"]
    assert hold.finish() == []


@examples(200)
@given(st.lists(st.sampled_from(["a", "b.", "c", "d!"]), max_size=20), st.integers(1, 25))
def test_held_words_leave_in_order_and_once(parts: list[str], limit: int) -> None:
    hold, gone = Holdback(limit), list[Word]()
    every = words(" ".join(parts))
    for word in every:
        gone += hold.push([word])
    assert gone == every[: len(gone)]
    assert [*gone, *hold.finish()] == every
