"""From pieces of text to the words that a voice can say, and where a reply that hits its limit ends."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vflow_nodes.lib.text import ends_sentence, spoken


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


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a reply: its `index` from 0, how many `tokens` the reply had when it became whole, and when:
    `time_ns` of the monotonic clock."""

    text: str
    index: int
    tokens: int
    time_ns: int


class Holdback:
    """Lets words go at once, but by the sentence as a reply's limit comes near: a reply that hits it ends
    where a sentence does.

    From half of `limit` on a word waits for the end of its sentence. Nobody notices: half of a long reply is
    far ahead of what is played. A word that waits at the limit is never said. A reply whose last sentence is
    longer than half of the limit is cut where it is.
    """

    def __init__(self, limit: int) -> None:
        self.half = limit // 2
        """Half of the limit; the withheld tokens before it are added."""
        self._waiting: list[Word] = []
        self._released = ""  # the last word that left

    def push(self, words: list[Word]) -> list[Word]:
        """The words that may leave now."""
        gone: list[Word] = []
        for word in words:
            self._waiting.append(word)
            if word.tokens <= self.half or ends_sentence(word.text):
                gone += self._waiting
                self._waiting.clear()
        return self._left(gone)

    def finish(self) -> list[Word]:
        """The reply is complete: what still waits."""
        gone, self._waiting = self._waiting, []
        return self._left(gone)

    def cut(self) -> list[Word]:
        """The reply hit its limit: what still waits, where nothing that left has ended a sentence."""
        if self._released and ends_sentence(self._released):
            self._waiting.clear()
        return self.finish()

    def _left(self, words: list[Word]) -> list[Word]:
        if words:
            self._released = words[-1].text
        return words
