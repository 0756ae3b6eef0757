"""The records that pass between the buffer of a reply and the table of a language."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

from vflow_nodes.lib.spoken_form.word import Word

LongWords = Literal["spell", "shorten", "name"]
"""How to say a word that is no word, such as a hash: letter by letter, its two ends, or "a long code"."""

RECENT = 5
"""Words of a sentence that are remembered."""
FARTHEST = 30
"""Words that one reading may span; a bracket that is still open by then is read as it stands."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Written words and how they are said together.

    `written` has one or more words, joined by one space. It is '' in one case: a word that a release left
    owing ("dollars" after "one point five") and no later word took.
    """

    written: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How the first `count` words that are held are said.

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
    """The last word that was read, and where it stood.

    paused: whether a voice pauses after it, or the reply begins here.
    ended: whether a sentence ended, or the reply begins.
    mark: the mark after it.
    start: whether that word began its sentence.
    sum: whether an operator stands before that word: "+ 5".
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
        """Whether one of these words is among the last of this sentence."""
        return any(word in words for word in self.recent)


class Stage(Enum):
    """How sure it is that no more words come: not, not for now, for good."""

    MORE = "more"
    RELEASE = "release"
    FINISH = "finish"


class Wait(Exception):  # control flow, no error
    """Raised inside a reading that depends on a word that has not come."""


class Look:
    """The words that are held, as a reading sees them."""

    __slots__ = ("before", "first", "stage", "words")

    def __init__(self, words: Sequence[Word], before: Before, stage: Stage) -> None:
        self.words = words
        self.first = words[0]
        self.before = before
        self.stage = stage

    def at(self, index: int) -> Word | None:
        """The word at `index`, or None where none follows. Raises: Wait if it may still come."""
        if index < len(self.words):
            return self.words[index]
        if self.stage is Stage.MORE and index < FARTHEST:
            raise Wait
        return None

    def after(self, index: int) -> Word | None:
        """The word after that at `index`; None after a mark, where nothing is waited for."""
        return None if self.words[index].mark else self.at(index + 1)

    def cut(self, index: int = 0) -> bool:
        """Whether the words end at `index` only because the wait is over."""
        return self.stage is Stage.RELEASE and len(self.words) == index + 1 and not self.words[index].mark


class Language(Protocol):
    """The table of one language."""

    code_pause: str

    def read(self, look: Look, long_words: LongWords) -> Reading:
        """Return how the first held words are said. Raises: Wait if that depends on a word to come."""

    def code_words(self, word: str) -> int:
        """How many words after this one may be the digits of a code."""
