"""Turn pieces of text into words that a voice can say, and end a reply well that hits its limit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vflow_nodes.lib.text import ends_sentence, spoken
from vflow_nodes.lib.word_breaks import UNSPACED, settled, spaced, units


class Words:
    """Splits pieces of text into whole words. Whitespace shows that a word is complete; in scripts without
    spaces, the letters after it do."""

    def __init__(self) -> None:
        self._rest = ""
        self._last = ""  # the last word that left
        self._gap = False  # whether whitespace is before the rest

    def push(self, piece: str) -> list[str]:
        """Return the words that `piece` completes. A word begins with a space where the text has one and
        `join_words` would put none: beside scripts without spaces."""
        *whole, self._rest = re.split(r"\s+", self._rest + piece)
        found: list[str] = []
        for chunk in whole:
            found += self._named(units(chunk))
            self._gap = True
        return found + self._settled(cut=False)

    def cut(self) -> list[str]:
        """Return the words if the text was cut off here: in scripts without spaces, all but the last."""
        return self._settled(cut=True)

    def finish(self) -> list[str]:
        """Return the last word, at the end of the text."""
        return self.push(" ")

    @property
    def left(self) -> int:
        """How many words with a letter or digit `finish` would return."""
        return sum(map(_counts, units(self._rest)))

    def _settled(self, cut: bool) -> list[str]:
        if not UNSPACED.search(self._rest):
            return []
        whole, self._rest = settled(self._rest, cut)
        return self._named(whole)

    def _named(self, raw: list[str]) -> list[str]:
        found: list[str] = []
        for unit in raw:
            if word := spoken(unit):
                self._last = spaced(self._last, word, self._gap)
                found.append(self._last)
                self._gap = False
        return found


class WordCount:
    """Counts words for a reply's minimum where the device cannot: it knows a word by the space before it. One
    thread."""

    def __init__(self) -> None:
        self._words = Words()
        self._whole, self._unspaced = 0, False

    def push(self, text: str) -> int | None:
        """Return how many words the reply has if it ends with this text; None if the device counts right."""
        self._unspaced = self._unspaced or UNSPACED.search(text) is not None
        self._whole += sum(map(_counts, self._words.push(text)))
        return self._whole + self._words.left if self._unspaced else None


def _counts(word: str) -> bool:
    return any(map(str.isalnum, word))


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a reply: its `index` from 0, and how many `tokens` the reply had when the word became whole,
    at `time_ns` of the monotonic clock."""

    text: str
    index: int
    tokens: int
    time_ns: int


class Holdback:
    """Lets words go at once, but by the sentence near a reply's limit: a reply that hits it then ends where a
    sentence does.

    From half of `limit` on, a word waits for the end of its sentence. Nobody notices, since half of a long
    reply is far ahead of what is played. A word that waits at the limit is never said. A reply whose last
    sentence is longer than half of the limit is cut where it is.
    """

    def __init__(self, limit: int) -> None:
        self.half = limit // 2
        """Half of the limit; withheld tokens before it are added."""
        self._waiting: list[Word] = []
        self._released = ""  # the last word that left

    def push(self, words: list[Word]) -> list[Word]:
        """Return the words that may leave now."""
        gone: list[Word] = []
        for word in words:
            self._waiting.append(word)
            if word.tokens <= self.half or ends_sentence(word.text):
                gone += self._waiting
                self._waiting.clear()
        return self._left(gone)

    def finish(self) -> list[Word]:
        """End a complete reply: return the words that still wait."""
        gone, self._waiting = self._waiting, []
        return self._left(gone)

    def cut(self) -> list[Word]:
        """End a reply that hit its limit: return the waiting words, unless a sentence has just ended."""
        if self._released and ends_sentence(self._released):
            self._waiting.clear()
        return self.finish()

    def _left(self, words: list[Word]) -> list[Word]:
        if words:
            self._released = words[-1].text
        return words
