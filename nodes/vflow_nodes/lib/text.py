"""Prepare words for a voice: remove Markdown, and find the mark that tells how they end.

It imports nothing of vflow, since the decode engine uses it too.
"""

from __future__ import annotations

import re

MARKS = ".!?…:;—–,"  # noqa: RUF001  # the dashes are meant
"""The punctuation marks that a voice pauses at."""

SENTENCE_ENDS = frozenset(".!?…")
_NARROW = {
    **dict(zip("。！？，、；：．｡､", ".!?,,;:..,", strict=True)),  # noqa: RUF001  # Chinese, Japanese
    **dict(zip("။၊។؟،؛۔।॥", ".,.?,;...", strict=True)),  # noqa: RUF001  # Burmese to Hindi
}
"""The marks of other scripts, each with the mark in MARKS that it corresponds to."""
_CLOSERS = "\"'”’)]}*_`~」』）》〉】〕］"  # noqa: RUF001
_ABBREVIATIONS = frozenset("dr mr mrs ms st prof sr jr vs e.g i.e approx inc ltd".split())  # noqa: SIM905
_MARKDOWN = re.compile(r"^[#|>]+$|(?<!\w)[*_`~]+|[*_`~]+(?!\w)|(?<!\w)#+(?!\d)")
_TAG = re.compile(r"</?\w[^<>\s]*>")
_UNSPOKEN = "-–—•|=~"  # noqa: RUF001


def speakable(text: str) -> str:
    """Return the text as it is said: without Markdown's marks, HTML tags and doubled spaces."""
    return " ".join(filter(None, (_without_marks(_TAG.sub("", word)) for word in text.split())))


def spoken(word: str) -> str:
    """Return a word of a reply without Markdown's marks; '' for a bullet, a dash or a rule, never said.

    Every letter and digit stays, even those of an HTML tag: the engine has counted them as a word.
    """
    bare = _without_marks(word)
    return bare if bare.strip(_UNSPOKEN) else ""


def _without_marks(word: str) -> str:
    return _MARKDOWN.sub("", word)


def mark_after(text: str) -> str:
    """Return the mark of `MARKS` that ends a written word or chunk; '' for none, and for the full stop of an
    abbreviation or an initial."""
    mark = final_mark(text)
    if mark == ".":
        stem = text.rstrip().rstrip(_CLOSERS)[:-1].split()[-1:] or [""]
        word = stem[0].lstrip("\"'“‘([{*_")  # noqa: RUF001
        initial = len(word) == 1 and word.isupper() and word != "I"
        if initial or word.lower() in _ABBREVIATIONS:
            return ""
    return mark


def final_mark(text: str) -> str:
    """Return the mark of `MARKS` that ends a text, before any quotes and brackets; '' for none.

    A mark of another script is returned as the mark that it corresponds to, two hyphens as a dash.
    """
    bare = text.rstrip().rstrip(_CLOSERS)
    if bare.endswith("--"):
        return "—"
    mark = _NARROW.get(bare[-1:], bare[-1:])
    if not mark or mark not in MARKS:
        return "—" if bare.split()[-1:] == ["-"] else ""
    return mark


def ends_sentence(text: str) -> bool:
    """Tell whether a written word or chunk ends a sentence."""
    return mark_after(text) in SENTENCE_ENDS
