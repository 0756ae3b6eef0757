"""Read spoken numbers for tests, independently of the library: which digits would a listener write down?"""

from __future__ import annotations

import re

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
_VALUES = {word: value for value, word in enumerate(_ONES.split())} | {"oh": 0}
_TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)  # noqa: SIM905
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ORDINALS = {
    "first": "one",
    "third": "three",
    "fifth": "five",
    "eighth": "eight",
    "ninth": "nine",
    "twelfth": "twelve",
}


def heard(spoken: str) -> str:
    """Return the digits of all numbers in a text, in order, without the text between them."""
    runs: list[list[str]] = [[]]
    for word in re.findall(r"[a-z]+|[^a-z\s]", spoken.lower()):
        bare = _bare(word)
        if bare:
            runs[-1].append(bare)
        elif word not in ("o", "clock", "'"):
            runs.append([])
    return "".join(_digits(run) for run in runs)


def _bare(word: str) -> str:
    """Return the cardinal for a number word: cardinal, ordinal, fraction or plural; '' for other words."""
    if word in ("quarter", "quarters"):
        return "four"
    if (ordinal := word.removesuffix("s")) in _ORDINALS:
        return _ORDINALS[ordinal]
    for form in (
        word,
        word.removesuffix("s").removesuffix("th"),
        word.removesuffix("s"),
        word.removesuffix("es"),
    ):
        if form in _VALUES or form in _TENS or form in _SCALES:
            return form
    for ending in ("ieth", "ies"):
        if word.endswith(ending) and word.removesuffix(ending) + "y" in _TENS:
            return word.removesuffix(ending) + "y"
    return ""


def _digits(run: list[str]) -> str:
    """Return the digits of adjacent number words: "twenty twenty six" is 2026, "one two" is 12."""
    written = ""
    total = last = 0
    open_number = False
    for word in run:
        if word in _SCALES:
            scale = _SCALES[word]
            if scale == 100:
                last *= 100
            else:
                total, last = total + last * scale, 0
            open_number = True
            continue
        value = _TENS.get(word, _VALUES.get(word, 0))
        joins = open_number and (
            (last % 100 >= 20 and last % 10 == 0 and 0 < value < 10)
            or (last % 100 == 0 and last + total > 0 and value > 0)
        )
        if open_number and not joins:
            written += str(total + last)
            total = last = 0
        last += value
        open_number = True
    return written + (str(total + last) if open_number else "")
