"""English for text attached to a number: the end of an ordinal, a plural, a unit, a scale."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.attributes import (
    MEASURED_NOUNS,
    describes,
    describes_one_of,
)
from vflow_nodes.lib.spoken_form.english.codes import version
from vflow_nodes.lib.spoken_form.english.dates import (
    count,
)
from vflow_nodes.lib.spoken_form.english.following import degrees
from vflow_nodes.lib.spoken_form.english.moments import is_seconds
from vflow_nodes.lib.spoken_form.english.numbers import (
    HALVES,
    cardinal,
    fraction,
    is_year,
    number,
    ordinal,
    plural,
    year,
)
from vflow_nodes.lib.spoken_form.english.units import HOMES, PERIODS, SCALE_LETTERS, unit_name
from vflow_nodes.lib.spoken_form.reading import Look

_TWO_UNITS = re.compile(r"([^/0-9]{1,4})/([0-9]+(?:\.[0-9]+)?)([^/0-9]{1,3})")
_SECONDS = re.compile("[0-5]?[0-9](?:s|sec|secs)")
_ENDS = frozenset(("st", "nd", "rd", "th", "ST", "ND", "RD", "TH"))
_EQUATION_SIGNS = frozenset("+-−=<>≤≥")
_HUNDREDS = {"100": "hundreds", "1000": "thousands", "1,000": "thousands", "10,000": "ten thousands"}
_NOTHING = ("", "")


def ending(look: Look, digits: str, rest: str, whole: bool) -> tuple[str, str]:
    """Say a number with the ending of an ordinal, a plural or an age, and its kind; '' for none."""
    before = look.before
    if rest in _ENDS and whole:
        return ordinal(digits), "day" if before.kind == "month" else ""
    if rest == "s" and digits in _HUNDREDS:
        return _HUNDREDS[digits], ""
    if rest == "s" and whole and len(digits) < 4 and is_seconds(before.word.lower()):
        return count(digits, "second"), "unit"
    if rest in ("s", "'s", "’s") and whole and (len(digits) == 4 or digits[1:] == "0" or rest != "s"):
        return plural(year(digits) if is_year(digits) else cardinal(digits)), ""
    if rest in ("'s", "’s") and (said := version(digits, True)):
        return f"{said}'s", ""
    if rest in ("-y/o", "y/o", "-yo", "yo", "-yr-old", "-yr.-old") and whole:
        return f"{cardinal(digits)} year old", ""
    return _NOTHING


def measure(look: Look, digits: str, rest: str, whole: bool) -> tuple[str, str]:
    """Say a number with its unit, scale or sign, and its kind; '' for none."""
    before = look.before
    if (
        rest == "m"
        and whole
        and ((before.kind == "unit" and before.word[-1:] in "hr") or _is_before_seconds(look))
    ):
        return count(digits, "minute"), "unit"
    if (name := unit_name(rest, digits)) and not (rest == "ac" and "." in digits):
        singular = (rest[0].isalpha() or rest == "¢") and (
            describes(look) or describes_one_of(look, 0, MEASURED_NOUNS)
        )
        return f"{number(digits)} {unit_name(rest, '1') if singular else name}", "unit"
    if rest[0] == "/" and rest[1:].isalpha() and (per := PERIODS.get(rest[1:])):
        return f"{number(digits)} per {per}", ""
    if rest[0] in "-–" and (name := unit_name(rest[1:], "1")):
        return f"{number(digits)} {name}", "unit"
    if rest == "p" and whole and 3 <= len(digits) <= 4:
        return f"{cardinal(digits[:-2])} {cardinal(digits[-2:])} P", ""
    if rest == "k" and whole and len(digits) < 4 and before.word in ("a", "the", "my", "your", "this"):
        return f"{cardinal(digits)} K", ""
    if rest == "x" and (following := look.after(0)) is not None and following.core in _EQUATION_SIGNS:
        return f"{number(digits)} X", "letter"
    if rest[:2] == "x/" and rest[2:].isalpha():
        return f"{number(digits)} times per {rest[2:]}", ""
    if rest == "ers" and whole:
        said = cardinal(digits)
        return said + ("rs" if said.endswith("e") else "ers"), ""
    if rest in ("x", "×") or (rest == "X" and whole):
        return f"{number(digits)} times", ""
    if rest in ("F", "C") and (heat := degrees(look, digits, rest)):
        return f"{number(digits)} {heat}", "unit"
    if rest in ("K", "G", "D") and whole and len(digits) <= 3:
        return f"{cardinal(digits)} {rest}", ""
    if rest in SCALE_LETTERS:
        return f"{number(digits)} {SCALE_LETTERS[rest]}", "number"
    if rest == "+":
        return f"{number(digits)} plus", ""
    if rest[0] in HALVES and len(rest) == 1:
        part = HALVES[rest]
        return f"{number(digits)} and {'a half' if rest == '½' else fraction(*part)}", "range"
    if rest in ("-", "–"):
        return number(digits), "range"  # "a 4- to 5-lb. chicken"
    found = _TWO_UNITS.fullmatch(rest)
    if found and found[1] in HOMES:
        found = _TWO_UNITS.fullmatch(rest.lower())
    if found and (name := unit_name(found[1], digits)):
        return (
            f"{number(digits)} {name}, {number(found[2])} {unit_name(found[3], found[2]) or found[3]}",
            "unit",
        )
    return _NOTHING


def _is_before_seconds(look: Look) -> bool:
    """Tell whether "4m" is a time: seconds follow."""
    following = look.after(0)
    return following is not None and _SECONDS.fullmatch(following.core) is not None
