from __future__ import annotations

from collections.abc import Sequence

import pytest

from vflow_nodes.chat.words import TextStream, Words, spoken

TEXT = "Prix : 5 € — naïve café, 日本 👩‍👧 done"


def decode_bytes(ids: Sequence[int]) -> str:
    """A tokenizer whose tokens are bytes: the worst case for characters."""
    return bytes(ids).decode("utf-8", errors="replace")


def test_a_character_comes_out_only_whole() -> None:
    stream = TextStream(decode_bytes)
    pieces = [stream.push(byte) for byte in TEXT.encode()]
    assert "".join(pieces) == TEXT
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(pieces)


def test_bytes_that_are_no_character_do_not_hold_up_the_text() -> None:
    stream = TextStream(decode_bytes)
    assert "".join(stream.push(byte) for byte in b"a\xff\xfe\xfd bc") == "a bc"


def test_a_token_that_depends_on_the_one_before_keeps_its_space() -> None:
    """As sentencepiece does it: the space before the first token of a text is left out."""
    vocabulary = {0: " Hello", 1: " world", 2: "!"}
    stream = TextStream(lambda ids: "".join(vocabulary[i] for i in ids).removeprefix(" "))
    assert [stream.push(i) for i in (0, 1, 2)] == ["Hello", " world", "!"]


def test_a_word_is_given_out_when_whitespace_shows_it_whole() -> None:
    words = Words()
    assert words.push("The cap") == ["The"]
    assert words.push("ital") == []
    assert words.push(" of\nFrance") == ["capital", "of"]
    assert words.push(".") == []
    assert words.finish() == ["France."]
    assert words.finish() == []


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
    ],
)
def test_marks_of_markdown_are_not_spoken(written: str, said: str) -> None:
    assert spoken(written) == said
