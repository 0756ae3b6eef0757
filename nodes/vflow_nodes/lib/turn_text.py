"""Rate how likely it is that a turn is over, by its words, its length, and a model of its sound.

    P(finished) = 1 / (1 + exp(-(w0 + sum of w_i x_i)))

`benchmarks/end_of_turn.py` printed the weights, from human turns with pauses; see docs/measurements.md. At a
pause, speech-to-text guesses whether the sentence is complete, and shows that by punctuation: nobody ends
with a comma. People who hesitate say few words a second. Which words end no sentence, and how many words are
usual, is known for English only; in other languages only the punctuation counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

Cues = Mapping[str, float]
"""The values x_i of a pause by name."""
Weights = Mapping[str, float]
"""The weights w_i by name; `bias` is w0."""

MARKS = {"comma": ",，、،;:-—", "trails_off": "…", "asks": "?？؟", "states": ".!。！"}
"""Last characters of a transcript, by their meaning."""
AUDIO: Weights = {"bias": -0.821, "sound": 0.269}
TEXT: Weights = {
    "bias": -2.639,
    "comma": -0.384,
    "trails_off": -1.65,
    "asks": 2.382,
    "states": 0.926,
    "open_word": -1.322,
    "rate": 0.451,
    "words": -0.182,
}
AUDIO_AND_TEXT: Weights = {
    "bias": -2.561,
    "sound": 0.182,
    "comma": -0.317,
    "trails_off": -1.545,
    "asks": 2.191,
    "states": 0.76,
    "open_word": -1.021,
    "rate": 0.337,
}
"""The weights for the sound alone, for the words alone, and for both. `sound` is smart-turn's log-odds."""

LIMIT = 6.0
"""The most that a sound model's log-odds may be, either way: such models are too sure of themselves."""
UNSPOKEN_S, SHORTEST_S = 0.6, 0.5
"""About how much of an utterance is no speech (its pre-roll and its pause), and the least speech assumed."""
TYPICAL: Cues = {"open_word": 0.0, "words": 2.5, "rate": 2.9}
"""The values for a language whose words were never measured: no open word, and the means of English."""

BRIEF_S, BRIEF = 2.3, 0.6
"""A complete utterance shorter than this, such as a command or an answer, has at least this probability. The
calls that the weights were fitted to have few of those, and many opening words."""

_CONJUNCTIONS = "and or but nor because cause if when while whereas than although unless until since as"
_PREPOSITIONS = "of to at for with from by into onto between during without within"
_DETERMINERS = "a an the my your our their every"
_SUBJECTS = (
    "i we he she they i'm we're they're you're he's she's it's that's there's what's i'll i've i'd we've"
)
_AUXILIARIES = "is are was were am be been have has had will would can could should must"
_FILLERS = "um uh uhm er erm hmm"
OPEN_WORDS: Mapping[str, frozenset[str]] = {
    "en": frozenset(
        f"{_CONJUNCTIONS} {_PREPOSITIONS} {_DETERMINERS} {_SUBJECTS} {_AUXILIARIES} {_FILLERS}".split()
    )
}
"""Words that hardly anybody ends with, by language. Words that may be adverbs, as "so" and "in", are left
out."""
_OPENERS = (
    "okay ok well so sure right alright all hi hello hey um uh oh good morning afternoon please thanks thank"
    " you now then and but actually great perfect mhm hmm i see"
)
OPENERS: Mapping[str, frozenset[str]] = {"en": frozenset(_OPENERS.split())}
"""Words with which people begin, by language: a turn of only these goes on. "Yes" and "no" are left out: they
may be the whole answer."""

_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


def cues(text: str, seconds: float, language: str = "en") -> dict[str, float]:
    """Return the values of a transcript that ends at a pause, for an utterance of that length."""
    said = text.rstrip().rstrip(f"\"'”{_APOSTROPHE})»")
    words = _WORD.findall(said.lower().replace(_APOSTROPHE, "'"))
    last = words[-1] if words else ""
    trails_off = said.endswith(("...", "…"))
    found = {name: float(said.endswith(tuple(marks))) for name, marks in MARKS.items()}
    if trails_off:
        found["states"] = 0.0
    found["trails_off"] = float(trails_off)
    language = language.partition("-")[0].lower()
    open_words, openers = OPEN_WORDS.get(language, frozenset()), OPENERS.get(language, frozenset())
    whole = bool(words) and not (found["comma"] or trails_off or last in open_words)
    begins = all(word in openers for word in words)
    found["brief"] = float(whole and not begins and seconds < BRIEF_S)
    if not open_words:
        return {**found, **TYPICAL}
    return {
        **found,
        "open_word": float(last in open_words),
        "words": math.log1p(len(words)),
        "rate": len(words) / max(seconds - UNSPOKEN_S, SHORTEST_S),
    }


def log_odds(probability: float) -> float:
    """Return the log-odds of a sound model's probability, cut at LIMIT."""
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return min(max(math.log(p / (1 - p)), -LIMIT), LIMIT)


def finished(weights: Weights, values: Cues) -> float:
    """Return P(finished), 0 to 1, at least BRIEF if `brief` is set. Values without a weight do not count."""
    total = weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in values.items())
    likely = 1 / (1 + math.exp(-min(max(total, -700), 700)))  # exp overflows a little further out
    return max(likely, BRIEF) if values.get("brief") else likely
