"""English for words that begin with a number: counts, units, ordinals, ranges, fractions."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.attachments import ending, measure
from vflow_nodes.lib.spoken_form.english.attributes import (
    MEASURED_NOUNS,
    begins_sentence,
    describes,
    describes_one_of,
    is_noun,
)
from vflow_nodes.lib.spoken_form.english.bare_numbers import bare_number
from vflow_nodes.lib.spoken_form.english.codes import version_of
from vflow_nodes.lib.spoken_form.english.dates import (
    day_to_month,
    duration,
    expiry,
    full_date,
    month_and_day,
)
from vflow_nodes.lib.spoken_form.english.designations import pairs_of
from vflow_nodes.lib.spoken_form.english.following import end_of, follow
from vflow_nodes.lib.spoken_form.english.lengths import length
from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.moments import decade, time_of_day
from vflow_nodes.lib.spoken_form.english.money import SIGNS
from vflow_nodes.lib.spoken_form.english.numbers import (
    HALVES,
    NUMBER,
    cardinal,
    fraction,
    number,
    plural,
    spelled,
)
from vflow_nodes.lib.spoken_form.english.ranges import range_of
from vflow_nodes.lib.spoken_form.english.slashes import (
    FRACTION,
    is_date,
    is_part_of_unit,
    no_date,
    with_slash,
)
from vflow_nodes.lib.spoken_form.english.units import DOTTED_UNITS, unit_name
from vflow_nodes.lib.spoken_form.english.words import PLACED, word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading

_HEAD = re.compile(rf"([+\-−±~≈<>]?)({NUMBER})(.*)", re.DOTALL)
_RATIO = re.compile(r":([0-9]{1,4}(?:\.[0-9]+)?)")
_BY = re.compile(rf"[x×]({NUMBER})(.*)")
_ROOMS = word_set("room rm suite ste unit apt apartment office lab")
_CODE = re.compile("-[0-9]{3,8}")
_ROOM = re.compile("-[0-9]{2,4}")
_POWER = re.compile(r"[eE]([+\-]?)([0-9]{1,4})")
_WHOLE = {
    "20/20": "twenty twenty",
    "20-20": "twenty twenty",
    "24/7": "twenty four seven",
    "9/11": "nine eleven",
    "50/50": "fifty fifty",
    "50-50": "fifty fifty",
    "7/11": "seven eleven",
}


def numeric(look: Look) -> Reading | None:
    """Read a word that begins with a number or its sign."""
    first = look.first
    core = first.core
    if core in _WHOLE:
        return Reading(1, _WHOLE[core] + first.mark)
    if reading := length(look):
        return reading
    if reading := day_to_month(look):
        return reading
    if said := decade(first, "" if _names_decade(look) else look.before.word.lower()):
        return Reading(1, said + first.mark)
    if core[:1] in HALVES:
        said = fraction(*HALVES[core[0]])
        rest = unit_name(core[1:], "1")
        return (
            Reading(1, f"{said} {rest}".rstrip() + first.mark, "number", "1")
            if rest or core[1:] == ""
            else None
        )
    found = _HEAD.fullmatch(core)
    if not found:
        return None
    sign, digits, rest = found.groups()
    if not rest:
        return bare_number(look, sign, digits)
    before = look.before.word.lower()
    if not sign:
        if reading := no_date(look):
            return reading
        before = "on" if is_date(look) else "" if is_part_of_unit(look) else before
        if date := full_date(core) or expiry(core, look.before) or month_and_day(core, before):
            return Reading(1, date + first.mark, "date")
        if len(core) > 2 and (said := version_of(look)):
            return Reading(1, said + first.mark, "digits")
        if reading := time_of_day(look, before):
            return reading
    if core == "3M" and look.cut():
        return Reading(1, "three", "number", "M", owed="million")
    if rest == "B" and not sign:  # a house's number, or billions
        following = look.after(0)
        if look.cut() and look.before.word.lower() not in PLACED:
            return Reading(1, number(digits), "number", "B", owed="billion")
        if following is not None and following.core[:1].isupper():
            return None
    said, kind = _with_rest(look, sign, digits, rest)
    if not said:
        return None
    if kind == "unit" and first.dotted and rest.lstrip("-") in DOTTED_UNITS:
        following = look.at(1) if rest[0] == "-" else None
        named = following is not None and is_noun(following, True) and not begins_sentence(following)
        return Reading(1, SIGNS[sign] + said + ("" if named else end_of(look, 0)), kind)
    value = digits if kind == "number" else ""
    if kind == "range":
        return follow(look, SIGNS[sign] + said, "1" if FRACTION.fullmatch(rest) else "2")
    return Reading(1, SIGNS[sign] + said + first.mark, kind, value)


def _with_rest(look: Look, sign: str, digits: str, rest: str) -> tuple[str, str]:
    """Return a number with the text attached to it, in spoken form, and the kind of the amount."""
    whole = digits.replace(",", "").isdigit()
    for read in (ending, measure, with_slash):
        if (found := read(look, digits, rest, whole))[0]:
            return found
    return _joined(look, sign, digits, rest, whole)


def _names_decade(look: Look) -> bool:
    """Tell whether "90s" describes a noun: "for 90s kids"."""
    return look.first.core.endswith("0s") and len(look.first.core) == 3 and is_noun(look.after(0))


def _joined(look: Look, sign: str, digits: str, rest: str, whole: bool) -> tuple[str, str]:
    """Say two numbers with a sign or a letter between them."""
    before = look.before
    if (found := _RATIO.fullmatch(rest)) and whole:
        return f"{cardinal(digits)} to {number(found.group(1))}", ""
    if found := _POWER.fullmatch(rest):
        minus = "minus " if found.group(1) == "-" else ""
        return f"{number(digits)} times ten to the {minus}{cardinal(found.group(2))}", ""
    if said := duration(digits + rest):
        return said, ""
    if rest[0] in "x×" and (found := _BY.fullmatch(rest)):
        return _by(look, digits, found.group(1), found.group(2))
    if "." in digits and rest.isalpha() and len(rest) < 3:
        return f"{number(digits)} {spaced(rest)}", ""
    if before.kind == "label" and whole and _CODE.fullmatch(rest) and before.word.lower() in ("no", "#"):
        return spelled(f"{digits}{rest}"), ""
    if before.word.lower() in _ROOMS and _ROOM.fullmatch(rest) and whole:
        return f"{number(digits)}, {spelled(rest[1:])}", ""
    return range_of(look, sign, digits, rest)


def _by(look: Look, digits: str, second: str, unit: str) -> tuple[str, str]:
    if unit == "s":
        return f"{number(digits)} by {plural(number(second))}", "unit"
    if not unit and min(len(digits), len(second)) > 2 and digits.isdigit() and second.isdigit():
        return f"{pairs_of(digits)} by {pairs_of(second)}", "range"
    name = unit[1:] if unit[:1] == "-" and unit[1:].isalpha() else unit_name(unit, "2") if unit else ""
    if unit and (describes(look) or describes_one_of(look, 0, MEASURED_NOUNS)):
        name = unit_name(unit, "1") or name
    if unit and not name:
        return "", ""
    word = "times" if look.first.core[len(digits)] == "×" and not unit else "by"
    return f"{number(digits)} {word} {number(second)} {name}".rstrip(), "unit" if unit else "range"
