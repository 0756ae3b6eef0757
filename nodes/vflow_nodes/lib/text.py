"""Words as a voice says them: without Markdown, and with the mark that says how they end.

It imports nothing of vflow: the decode engine uses it too.
"""

from __future__ import annotations

import re

MARKS = ".!?…:;—–,"  # noqa: RUF001  # the dashes are meant
"""The punctuation marks that a voice pauses at."""

_SENTENCE_ENDS = frozenset(".!?…")
_NARROW = {
    **dict(zip("。！？，、；：．｡､", ".!?,,;:..,", strict=True)),  # noqa: RUF001  # Chinese, Japanese
    **dict(zip("။၊។؟،؛۔।॥", ".,.?,;...", strict=True)),  # noqa: RUF001  # Burmese to Hindi
}
"""The marks of other scripts, each with the one of MARKS that it is like."""
_CLOSERS = "\"'”’)]}*_`~」』）》〉】〕］"  # noqa: RUF001
_ABBREVIATIONS = frozenset("dr mr mrs ms st prof sr jr vs e.g i.e approx inc ltd".split())  # noqa: SIM905
_MARKDOWN = re.compile(r"^[#|>]+$|(?<!\w)[*_`~]+|[*_`~]+(?!\w)|(?<!\w)#+(?!\d)")
_TAG = re.compile(r"</?\w[^<>\s]*>")
_UNSPOKEN = "-–—•|=~"  # noqa: RUF001


def speakable(text: str) -> str:
    """The text as it is said: without Markdown's marks, HTML tags and doubled spaces."""
    return " ".join(filter(None, (_without_marks(_TAG.sub("", word)) for word in text.split())))


def spoken(word: str) -> str:
    """A word of a reply without Markdown's marks; '' for a bullet, a dash or a rule, which nobody says.

    Every letter and digit stays, also those of an HTML tag: the engine has counted them as a word.
    """
    bare = _without_marks(word)
    return bare if bare.strip(_UNSPOKEN) else ""


def _without_marks(word: str) -> str:
    return _MARKDOWN.sub("", word)


def mark_after(text: str) -> str:
    """The mark of `MARKS` with which a word or chunk ends, quotes and brackets set aside; '' for none.

    The full stop of an abbreviation or an initial is none. A mark of another script is returned as the one
    that it is like, two hyphens as a dash.
    """
    bare = text.rstrip().rstrip(_CLOSERS)
    if bare.endswith("--"):
        return "—"
    mark = _NARROW.get(bare[-1:], bare[-1:])
    if not mark or mark not in MARKS:
        return "—" if bare.split()[-1:] == ["-"] else ""
    if mark == ".":
        word = bare[:-1].split()[-1:] or [""]
        stem = word[0].lstrip("\"'“‘([{*_")  # noqa: RUF001
        initial = len(stem) == 1 and stem.isupper() and stem != "I"
        if initial or stem.lower() in _ABBREVIATIONS:
            return ""
    return mark


def ends_sentence(text: str) -> bool:
    """Whether a word or chunk ends a sentence."""
    return mark_after(text) in _SENTENCE_ENDS
