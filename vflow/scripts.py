"""Join words: some scripts put a space between words, and some do not."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese, Khmer
    "\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uff9f\uffe0-\uffef"  # Chinese, Japanese, their marks
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Letters and marks of scripts without spaces between words, for the inside of a character class."""

_IS_UNSPACED = re.compile(f"[{UNSPACED}]")


def join_words(words: Iterable[str]) -> str:
    """Return words as a text, with a space between them if their script has one.

    No space is put beside a letter or mark of Chinese, Japanese, Thai, Lao, Khmer or Burmese. A space that a
    word brings stays: a word of a reply begins with a space where the model wrote one.
    """
    parts: list[str] = []
    for word in filter(None, words):
        parts += [between(parts[-1] if parts else "", word), word]
    return "".join(parts).strip()


def between(before: str, word: str) -> str:
    """Return the space between two words; '' if their script has none, or one of them brings it."""
    last, first = before[-1:], word[:1]
    if not last or last.isspace() or first.isspace():
        return ""
    return "" if _IS_UNSPACED.match(last) or _IS_UNSPACED.match(first) else " "
