"""How likely it is that a turn is over, by its words, how long it is, and what a model of its sound says.

    P(finished) = 1 / (1 + exp(-(w0 + sum of w_i x_i)))

The weights are those that `benchmarks/end_of_turn.py` printed for human turns with pauses; see
docs/measurements.md. A speech-to-text guesses at a pause how the sentence stands, and writes it down as
punctuation: nobody ends in a comma. Who hesitates has said few words a second. Which words nobody ends with,
and how many are said, is known for English alone; of other languages only the punctuation counts.
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
"""The kinds of last characters."""
AUDIO: Weights = {"bias": -0.817, "sound": 0.301}
TEXT: Weights = {
    "bias": -3.01,
    "comma": -0.358,
    "trails_off": -1.441,
    "asks": 2.067,
    "states": 1.047,
    "open_word": -1.361,
    "rate": 0.54,
    "words": -0.105,
}
AUDIO_AND_TEXT: Weights = {
    "bias": -2.74,
    "sound": 0.199,
    "comma": -0.349,
    "trails_off": -1.276,
    "asks": 1.688,
    "states": 0.886,
    "open_word": -0.925,
    "rate": 0.397,
}
"""The weights by the sound, by the words, and by both. `sound` are the log-odds that smart-turn gives."""

LIMIT = 6.0
"""The log-odds of a model of the sound are cut here: one that is sure is not that sure."""
UNSPOKEN_S, SHORTEST_S = 0.6, 0.5
"""Of an utterance about this long is no speech, its pre-roll and its pause; and the least that counts."""
TYPICAL: Cues = {"open_word": 0.0, "words": 2.5, "rate": 2.9}
"""The values for a language whose words nobody has measured: of the others, the means of English."""

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
"""Words after which hardly anybody ends, by language. Not here: what may be an adverb, as "so" and "in"."""

_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


def cues(text: str, seconds: float, language: str = "en") -> dict[str, float]:
    """The values of a transcript that ends at a pause, of an utterance of that length."""
    said = text.rstrip().rstrip(f"\"'”{_APOSTROPHE})»")
    words = _WORD.findall(said.lower().replace(_APOSTROPHE, "'"))
    last = words[-1] if words else ""
    trails_off = said.endswith(("...", "…"))
    found = {name: float(said.endswith(tuple(marks))) for name, marks in MARKS.items()}
    if trails_off:
        found["states"] = 0.0
    found["trails_off"] = float(trails_off)
    open_words = OPEN_WORDS.get(language.partition("-")[0].lower())
    if open_words is None:
        return {**found, **TYPICAL}
    return {
        **found,
        "open_word": float(last in open_words),
        "words": math.log1p(len(words)),
        "rate": len(words) / max(seconds - UNSPOKEN_S, SHORTEST_S),
    }


def log_odds(probability: float) -> float:
    """The log-odds of what a model of the sound says, cut at LIMIT."""
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return min(max(math.log(p / (1 - p)), -LIMIT), LIMIT)


def finished(weights: Weights, values: Cues) -> float:
    """P(finished), 0 to 1; a value that there is no weight for does not count."""
    total = weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in values.items())
    return 1 / (1 + math.exp(-min(max(total, -700), 700)))  # exp overflows a little further out
