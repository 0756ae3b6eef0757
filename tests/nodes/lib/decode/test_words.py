from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import examples
from vflow_nodes.lib.decode.words import Holdback, Word, Words
from vflow_nodes.lib.text import spoken

pieces = st.lists(st.text(st.sampled_from("ab .!?*-#\n\t é日\u00a0"), max_size=9), max_size=9)


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


def words(text: str) -> list[Word]:
    """Words of one token each."""
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


def test_at_the_limit_what_waits_is_not_said() -> None:
    hold = Holdback(6)
    assert texts_of(hold.push(words("a b c d. e f"))) == ["a", "b", "c", "d."]
    assert hold.cut() == []


def test_at_the_limit_a_sentence_that_is_all_there_is_is_cut_where_it_is() -> None:
    hold = Holdback(6)
    assert texts_of(hold.push(words("a b c d e f"))) == ["a", "b", "c"]
    assert texts_of(hold.cut()) == ["d", "e", "f"]


def test_a_reply_that_ends_by_itself_says_what_waited() -> None:
    hold = Holdback(2)
    assert texts_of(hold.push(words("a b. c d"))) == ["a", "b."]
    assert texts_of(hold.finish()) == ["c", "d"]
    assert hold.finish() == []


@examples(200)
@given(st.lists(st.sampled_from(["a", "b.", "c", "d!"]), max_size=20), st.integers(1, 25))
def test_whatever_is_held_leaves_in_order_and_once(parts: list[str], limit: int) -> None:
    hold, gone = Holdback(limit), list[Word]()
    every = words(" ".join(parts))
    for word in every:
        gone += hold.push([word])
    assert gone == every[: len(gone)]
    assert [*gone, *hold.finish()] == every
