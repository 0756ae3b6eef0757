"""The records that pass between the buffer of a reply and the table of a language."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

from vflow_nodes.lib.spoken_form.word import Word

LongWords = Literal["spell", "shorten", "name"]
"""How to say an unpronounceable word, as a hash: letter by letter, by its two ends, or as "a long code"."""

RECENT = 5
"""How many words of a sentence are remembered."""
FARTHEST = 30
"""Most words that one reading may span; a bracket still open after that is read as it stands."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Written words and how they are said together.

    `written` has one or more words, joined by one space. It is '' in one case: for a word that a release left
    for later ("dollars" after "one point five") and that no later word included.
    """

    written: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How the first `count` words held back are said.

    `kind` and `value` are kept for the words after it: a "number" of value "1" makes "km" singular.
    `owed` is said before the next unit, unless that one `replaces` it: "nine", then "A M" and no "o'clock".
    """

    count: int
    spoken: str
    kind: str = ""
    value: str = ""
    owed: str = ""
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """The last word that was read, and its context.

    paused: whether a voice pauses after it, or the reply begins here.
    ended: whether a sentence ended, or the reply begins.
    mark: the mark after it.
    start: whether that word began its sentence.
    sum: whether an operator comes before that word: "+ 5".
    code: how many further words may be the digits of a code ("Your code is 4521").
    recent: the last words of this sentence, in small letters, the nearest last.
    quoted: the kind of quotation that is open: '"', "'", or none.
    """

    word: str = ""
    kind: str = ""
    value: str = ""
    paused: bool = True
    ended: bool = True
    start: bool = False
    mark: str = ""
    code: int = 0
    sum: bool = False
    recent: tuple[str, ...] = ()
    quoted: str = ""

    def near(self, words: Collection[str]) -> bool:
        """Return whether one of these words is among the last of this sentence."""
        return any(word in words for word in self.recent)


class Stage(Enum):
    """Whether more words may come: yes, not for now, or never."""

    MORE = "more"
    RELEASE = "release"
    FINISH = "finish"


class Wait(Exception):  # control flow, no error
    """Raised inside a reading that depends on a word that has not come yet."""


class Look:
    """The words held back, as a reading sees them."""

    __slots__ = ("before", "first", "stage", "words")

    def __init__(self, words: Sequence[Word], before: Before, stage: Stage) -> None:
        self.words = words
        self.first = words[0]
        self.before = before
        self.stage = stage

    def at(self, index: int) -> Word | None:
        """Return the word at `index`, or None if none follows. Raises: Wait if it may still come."""
        if index < len(self.words):
            return self.words[index]
        if self.stage is Stage.MORE and index < FARTHEST:
            raise Wait
        return None

    def after(self, index: int) -> Word | None:
        """Return the word after the one at `index`; None after a mark, which ends the wait."""
        return None if self.words[index].mark else self.at(index + 1)

    def cut(self, index: int = 0) -> bool:
        """Return whether the words end at `index` only because the wait is over."""
        return self.stage is Stage.RELEASE and len(self.words) == index + 1 and not self.words[index].mark


class Language(Protocol):
    """The table of one language."""

    code_pause: str

    def read(self, look: Look, long_words: LongWords) -> Reading:
        """Return how the first words held back are said. Raises: Wait if that depends on a word to come."""

    def code_words(self, word: str) -> int:
        """Return how many words after this one may be the digits of a code."""
