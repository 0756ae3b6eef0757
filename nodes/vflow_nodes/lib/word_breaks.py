"""Split a text into words as its readers see them, also in scripts that put no space between words.

It imports nothing of vflow, since the decode engine uses it too. `vflow.join_words` does the reverse.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"
    "\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uff9f\uffe0-\uffef"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
"""Matches a letter or mark of a script without spaces; the same as in vflow.scripts."""
LONGEST = 24
"""Most characters of such a word: no dictionary has a longer one, so it is cut."""
_OPENERS = "([{<¡¿“‘«‹「『（《〈【〔［｛〖〘$€£¥￥₩฿"  # noqa: RUF001
_SMALL = "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮー々ๆ"
"""Letters that never begin a word."""
_LEADING = "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
"""Vowels of Thai and Lao that are written before their consonant."""
_NUMBER = re.compile(r"\d[\d.,]*")


def units(text: str) -> list[str]:
    """Return the words of a text without spaces, each with its marks; joined, they are the text.

    A text that has no letter of such a script is one word.
    """
    if not UNSPACED.search(text):
        return [text] if text else []
    found: list[str] = []
    for segment in _segments(text):
        if found and not _parts(found[-1], segment):
            found[-1] += segment
        else:
            found.append(segment)
    return found


def settled(text: str, cut: bool = False) -> tuple[list[str], str]:
    """Return the words of a text that no further letters can change, and the rest of the text.

    A dictionary finds the end of a word by the letters after it, in Chinese and Japanese by a few. With `cut`
    nothing follows, but the last word may be incomplete.
    """
    found = units(text)
    after = 0
    for n in reversed(range(len(found) - 1)):
        after += len(found[n + 1])
        last = found[n][-1]
        near, far = (1, 2) if cut else (4, 10)
        ended = unicodedata.category(last)[0] in "PS" or not UNSPACED.match(last)
        if ended or after >= (near if last >= "\u2e80" else far):
            return found[: n + 1], "".join(found[n + 1 :])
    return [], text


def words_of(text: str) -> list[str]:
    """Return the words of a whole text, as `Words` makes them of a reply: a word begins with a space if the
    text has one there and joining adds none."""
    found: list[str] = []
    for chunk in text.split():
        for n, unit in enumerate(units(chunk)):
            found.append(spaced(found[-1] if found else "", unit, gap=n == 0))
    return found


def spaced(before: str, word: str, gap: bool) -> str:
    """Return a word, with the space before it in its text if joining it to the word `before` adds none."""
    beside = before and (UNSPACED.match(before[-1]) or UNSPACED.match(word[0]))
    return f" {word}" if gap and beside else word


def _parts(left: str, right: str) -> bool:
    """Tell whether a word ends between the two, and joining them adds no space."""
    if not (UNSPACED.match(left[-1]) or UNSPACED.match(right[0])):
        return False
    if left[-1] in _OPENERS or not any(map(str.isalnum, left)) or right[0] in _SMALL:
        return False
    if right[0] in _OPENERS:
        return True
    return any(map(str.isalnum, right)) and not _NUMBER.fullmatch(left)  # its unit belongs to a number


def _segments(text: str) -> list[str]:
    found: list[str] = []
    for segment in _breaker()(text):
        if len(segment) <= LONGEST or not UNSPACED.search(segment):
            found.append(segment)
        else:
            clusters = _clusters(segment)
            found += ["".join(clusters[n : n + LONGEST // 2]) for n in range(0, len(clusters), LONGEST // 2)]
    return found


@functools.cache
def _breaker() -> Callable[[str], list[str]]:
    """Return a function that splits by ICU's dictionaries, if installed; else each character with its marks
    is a word."""
    try:
        from icu4py.breakers import WordBreaker
    except ImportError:
        return _clusters
    return lambda text: [str(segment) for segment in WordBreaker(text, "en")]


def _clusters(text: str) -> list[str]:
    """Return the characters of scripts without spaces, each with its marks, and other characters as runs."""
    found: list[str] = []
    for character in text:
        unspaced = UNSPACED.match(character) is not None
        mark = unicodedata.category(character).startswith("M") or character in "\u0e33\u0eb3\u30fc\u200d"
        leads = (
            bool(found) and found[-1][-1] in "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"
        )
        runs = bool(found) and not unspaced and not UNSPACED.match(found[-1][-1])
        if found and (mark or leads or runs):
            found[-1] += character
        else:
            found.append(character)
    return found
