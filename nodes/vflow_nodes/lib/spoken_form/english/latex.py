"""English for the LaTeX that language models write."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.numbers import fraction
from vflow_nodes.lib.spoken_form.english.symbols import expression
from vflow_nodes.lib.spoken_form.english.words import word_set

_COMMANDS = {
    "times": "times",
    "cdot": "times",
    "div": "divided by",
    "pm": "plus or minus",
    "leq": "is less than or equal to",
    "le": "is less than or equal to",
    "geq": "is greater than or equal to",
    "ge": "is greater than or equal to",
    "neq": "is not equal to",
    "ne": "is not equal to",
    "approx": "is approximately",
    "infty": "infinity",
    "to": "to",
    "rightarrow": "to",
    "Rightarrow": "so",
    "implies": "so",
    "sum": "the sum of",
    "int": "the integral of",
    "lim": "the limit of",
    "circ": "degrees",
    "degree": "degrees",
    "in": "in",
    "ldots": "and so on",
    "dots": "and so on",
    "cdots": "and so on",
    "percent": "percent",
    "lt": "is less than",
    "gt": "is greater than",
}
_SILENT = word_set(
    "left right text mathrm mathbf boxed displaystyle quad qquad begin end hline big Big bigl bigr limits"
)
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]*)\}")
_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|boxed|textbf)\{([^{}]*)\}")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_BRACED = re.compile(r"([\^_])\{([^{}]*)\}")
_SUB = re.compile(r"_(\w)")
_DEPTH = 12
_WORDS = frozenset(("sub", "in", "so", "is", "of", "to", "or"))


def latex(source: str) -> str:
    """Say a formula."""
    text = source
    for _ in range(_DEPTH):
        simpler = _TEXT.sub(r" \1 ", text)
        simpler = _FRACTION.sub(_say_fraction, simpler)
        simpler = _ROOT.sub(r" the square root of \1 ", simpler)
        simpler = _BRACED.sub(r"\1\2", simpler)
        if simpler == text:
            break
        text = simpler
    text = text.replace("\\%", " percent ").replace("\\$", " dollars ").replace("^\\circ", " degrees ")
    text = _COMMAND.sub(_say_command, text)
    text = re.sub(r"[\\{}&~$]|\^(?=\s)", " ", _SUB.sub(r" sub \1", text))
    return " ".join(filter(None, map(_say_word, text.split())))


def _say_word(word: str) -> str:
    if word == "-":
        return "minus"
    return word if word in _WORDS or (len(word) > 2 and word.isalpha()) else expression(word)


def _say_fraction(found: re.Match[str]) -> str:
    above, below = found.group(1).strip(), found.group(2).strip()
    if above.isdigit() and below.isdigit() and above.isascii() and below.isascii() and len(above + below) < 8:
        return f" {fraction(above, below)} "
    return f" {above} over {below} "


def _say_command(found: re.Match[str]) -> str:
    name = found.group(1)
    return " " if name in _SILENT else f" {_COMMANDS.get(name, name)} "
