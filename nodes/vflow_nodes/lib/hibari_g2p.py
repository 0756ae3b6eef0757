"""Return the English phonemes, by hibari's rules and dictionary, of text that is written as it is said.

Any thread may call: the G2P only reads its tables. Source of the alphabet: misaki, as Kokoro-82M takes it.
"""

from __future__ import annotations

import re
from typing import Any

_LETTER_A = re.compile(r"\bA(?= [A-Z]\b)|(?<=\b[A-Z] )A(?=[ ,;:!?]|$)")
"""Matches the letter A among other letters, as in "A P I"; alone it would be the article."""


def phonemes(g2p: Any, text: str) -> list[str]:
    """Return the phonemes of a text, a string a sentence.

    Nothing is expanded: hibari's own expansion would turn "is no." into "is number".
    """
    from hibari import Hibari

    sentences = Hibari.split_sentences(_LETTER_A.sub("A.", text))
    return [found for one in sentences if (found := g2p(one, normalize_text=False))]
