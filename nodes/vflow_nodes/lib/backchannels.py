"""Backchannels: words with which listeners show that they listen and want no turn.

Source of the words: the classes of backchannels and assessments of Switchboard's annotation (D. Jurafsky et
al., "Switchboard SWBD-DAMSL Coders Manual", 1997, tags b, bk, ba), without "yes" and "no", which are answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ENGLISH = (
    "uh huh hu um hum hm hmm mm mmm mhm mhmm uhhuh mmhmm yeah yep yup ya okay ok alright right sure oh ah aha"
    " wow good great nice cool fine exactly absolutely definitely perfect interesting really true"
)
WORDS: Mapping[str, frozenset[str]] = {"en": frozenset(_ENGLISH.split())}
"""The words that a backchannel may consist of, by language. A "hu" is the first half of a "huh"."""
_PHRASES = (
    "i see|got it|gotcha|i know|of course|no problem|all right|very good|that's right|that's great"
    "|that's good|oh my|oh no|no kidding|makes sense|fair enough|me too"
)
PHRASES: Mapping[str, frozenset[str]] = {"en": frozenset(_PHRASES.split("|"))}
"""Phrases that are a backchannel only as a whole, by language."""
HUMS: Mapping[str, frozenset[str]] = {"en": frozenset(("you", "you do", "you knew", "i", "i'm"))}
"""Words that speech-to-text makes of a hum, or of its first quarter of a second. Measured with Moonshine tiny
on human hums: "mm-hmm" becomes "You do." and "You knew.", or a number."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LONGEST = max(len(phrase.split()) for phrases in PHRASES.values() for phrase in phrases)


def is_backchannel(text: str, language: str = "en") -> bool | None:
    """Tell whether words only show that somebody listens; None for no words, for numbers alone, and for an
    unknown language."""
    language = language.partition("-")[0].lower()
    if language not in WORDS:
        return None
    said = _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    if not said:
        return None
    if " ".join(said) in HUMS[language]:
        return True
    at = 0
    while at < len(said):
        lengths = range(min(_LONGEST, len(said) - at), 0, -1)
        known = (n for n in lengths if n == 1 and said[at] in WORDS[language])
        whole = (n for n in lengths if " ".join(said[at : at + n]) in PHRASES[language])
        taken = next(whole, 0) or next(known, 0)
        if not taken:
            return False
        at += taken
    return True
