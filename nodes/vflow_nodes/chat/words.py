"""From tokens to the words that a voice can say: no model, no torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

BROKEN = "\N{REPLACEMENT CHARACTER}"
"""What a decoder writes for bytes that are no character, or not yet."""
PATIENCE = 4
"""Tokens for which an unfinished character is waited for: UTF-8 has at most four bytes."""

_MARKS = re.compile(r"^[*_`]+|^[#>]+$|[*_`]+(?=[.,;:!?)\"']*$)|\*\*|``")
_UNSPOKEN = "-–—•|=~"  # noqa: RUF001  # the dashes are meant


def spoken(word: str) -> str:
    """A word without the marks of Markdown; '' for a bullet, a dash or a rule, which nobody says."""
    bare = _MARKS.sub("", word)
    return bare if bare.strip(_UNSPOKEN) else ""


class TextStream:
    """The text of tokens that come one by one, never a part of a character.

    A token is decoded together with those before it, since what it adds depends on them (spaces, bytes).
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._start = self._read = 0  # ids[start:read] are given out and are what the next ones follow
        self._given = ""  # their text

    def push(self, token: int) -> str:
        """What `token` adds to the text; '' while a character is unfinished."""
        self._ids.append(token)
        text = self._decode(self._ids[self._start :])
        if text.endswith(BROKEN) and len(self._ids) - self._read < PATIENCE:
            return ""
        added = text[len(self._given) :].replace(BROKEN, "")
        self._start, self._read = self._read, len(self._ids)
        self._given = self._decode(self._ids[self._start :])
        return added


class Words:
    """Whole words out of pieces of text; whitespace shows that a word is complete."""

    def __init__(self) -> None:
        self._rest = ""

    def push(self, piece: str) -> list[str]:
        """The words that `piece` completes."""
        *whole, self._rest = re.split(r"\s+", self._rest + piece)
        return [word for word in map(spoken, whole) if word]

    def finish(self) -> list[str]:
        """The last word, at the end of the text."""
        return self.push(" ")
