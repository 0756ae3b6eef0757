"""English for words that begin with a number: counts, units, ordinals, ranges, fractions."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.attributes import (
    MEASURED_NOUNS,
    begins_sentence,
    describes,
    describes_one_of,
    is_noun,
)
from vflow_nodes.lib.spoken_form.english.bare_numbers import bare_number
from vflow_nodes.lib.spoken_form.english.codes import version
from vflow_nodes.lib.spoken_form.english.dates import (
    count,
    day_to_month,
    duration,
    expiry,
    full_date,
    month_and_day,
)
from vflow_nodes.lib.spoken_form.english.designations import pairs_of
from vflow_nodes.lib.spoken_form.english.following import degrees, end_of, follow, is_many, mixed_fraction
from vflow_nodes.lib.spoken_form.english.lengths import length
from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.moments import decade, is_seconds, time_of_day
from vflow_nodes.lib.spoken_form.english.money import SIGNS
from vflow_nodes.lib.spoken_form.english.numbers import (
    HALVES,
    NUMBER,
    cardinal,
    fraction,
    is_year,
    number,
    ordinal,
    plural,
    spelled,
    year,
)
from vflow_nodes.lib.spoken_form.english.ranges import range_of
from vflow_nodes.lib.spoken_form.english.units import DOTTED_UNITS, PERIODS, SCALE_LETTERS, UNITS, unit_name
from vflow_nodes.lib.spoken_form.english.words import PLACED, is_versioned, word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading

_HEAD = re.compile(rf"([+\-−±~≈<>]?)({NUMBER})(.*)", re.DOTALL)
_FRACTION = re.compile(r"/([0-9]{1,6})(?:rds?|ths?|nds?)?")
_OUT_OF = re.compile(r"/([0-9]{1,3})")
_PARTS = word_set("page step part slide question chapter lesson level round stage item")
_RATIO = re.compile(r":([0-9]{1,4}(?:\.[0-9]+)?)")
_BY = re.compile(rf"[x×]({NUMBER})(.*)")
_ROOMS = word_set("room rm suite ste unit apt apartment office lab")
_CODE = re.compile("-[0-9]{3,8}")
_ROOM = re.compile("-[0-9]{2,4}")
_EYESIGHT = word_set("15 25 30 40 50 70 100 200 400")
_SECONDS = re.compile("[0-5]?[0-9](?:s|sec|secs)")
_LINE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{1,2})")
_SHARE = re.compile(r"([0-9]{1,2})/([0-9]{1,3})")
_PERIODS_OF_DAY = word_set("mornings evenings nights afternoons weekends")
_COUNTED = word_set("had averaged averages averaging average posted line scored scores finished")
_POWER = re.compile(r"[eE]([+\-]?)([0-9]{1,4})")
_ENDS = frozenset(("st", "nd", "rd", "th", "ST", "ND", "RD", "TH"))
_EQUATION_SIGNS = frozenset("+-−=<>≤≥")
_HUNDREDS = {"100": "hundreds", "1000": "thousands", "1,000": "thousands", "10,000": "ten thousands"}
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
    if said := decade(first, look.before.word.lower()):
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
        if before in _COUNTED and (found := _LINE.fullmatch(core)):
            return Reading(1, ", ".join(map(cardinal, found.groups())) + first.mark, "digits")
        if before == "and" and "".join(look.before.recent[-2:-1]).isdigit() and mixed_fraction(core):
            return Reading(1, mixed_fraction(core) + first.mark, "number", "2")
        if before == "on" and (said := _of_several(look)):
            return Reading(1, said + first.mark)
        if (found := _SHARE.fullmatch(core)) and _before_time(look):
            before = "on"
        if date := full_date(core) or expiry(core, look.before) or month_and_day(core, before):
            return Reading(1, date + first.mark, "date")
        if len(core) > 2 and (said := version(core, is_versioned(look.before.word))):
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
        return follow(look, SIGNS[sign] + said, "1" if _FRACTION.fullmatch(rest) else "2")
    return Reading(1, SIGNS[sign] + said + first.mark, kind, value)


def _with_rest(look: Look, sign: str, digits: str, rest: str) -> tuple[str, str]:
    """Say a number with what is attached to it; and the kind of that."""
    before = look.before
    whole = digits.isdigit() or digits.replace(",", "").isdigit()
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
    if rest[0] == "-" and whole and (more := mixed_fraction(rest[1:])):
        return f"{cardinal(digits)} and {more}", "range"
    above, dash, noun = rest.partition("-")
    if dash and noun.isalpha() and (found := _FRACTION.fullmatch(above)) and whole:
        return f"{_fraction(digits, found.group(1))} {unit_name(noun, '1') or noun}", "unit"
    if (found := _OUT_OF.fullmatch(rest)) and whole and before.word.lower() in _PARTS:
        return f"{cardinal(digits)} of {cardinal(found.group(1))}", "range"
    if (found := _OUT_OF.fullmatch(rest)) and whole and _is_pair(look, digits, found.group(1)):
        return f"{cardinal(digits)} {cardinal(found.group(1))}", ""
    if (found := _OUT_OF.fullmatch(rest)) and whole and _is_rating(look, digits, found.group(1)):
        return f"{cardinal(digits)} out of {cardinal(found.group(1))}", ""
    if (found := _FRACTION.fullmatch(rest)) and whole:
        return _fraction(digits, found.group(1)), "range"
    if (found := _RATIO.fullmatch(rest)) and whole:
        return f"{cardinal(digits)} to {number(found.group(1))}", ""
    if found := _POWER.fullmatch(rest):
        minus = "minus " if found.group(1) == "-" else ""
        return f"{number(digits)} times ten to the {minus}{cardinal(found.group(2))}", ""
    if said := duration(digits + rest):
        return said, ""
    if rest[0] in "x×" and (found := _BY.fullmatch(rest)):
        return _by(look, digits, found.group(1), found.group(2))
    if "." in digits and (found := _OUT_OF.fullmatch(rest)):
        return f"{number(digits)} out of {cardinal(found.group(1))}", "range"
    if "." in digits and rest.isalpha() and len(rest) < 3:
        return f"{number(digits)} {spaced(rest)}", ""
    if before.kind == "label" and whole and _CODE.fullmatch(rest) and before.word.lower() in ("no", "#"):
        return spelled(f"{digits}{rest}"), ""
    if before.word.lower() in _ROOMS and _ROOM.fullmatch(rest) and whole:
        return f"{number(digits)}, {spelled(rest[1:])}", ""
    return range_of(look, sign, digits, rest)


def _of_several(look: Look) -> str:
    """Say "on 3/8 nodes", which is no date; '' for what may be one."""
    found = _SHARE.fullmatch(look.first.core)
    if not found or int(found[1]) > int(found[2]):
        return ""
    following = look.after(0)
    if following is None or not is_many(following) or following.core in _PERIODS_OF_DAY:
        return ""
    return f"{cardinal(found[1])} of {cardinal(found[2])}"


def _is_before_seconds(look: Look) -> bool:
    """Whether "4m" is a time: seconds follow."""
    following = look.after(0)
    return following is not None and _SECONDS.fullmatch(following.core) is not None


def _before_time(look: Look) -> bool:
    """Whether "at" and a time follow, so that "2/3" is a date."""
    following = look.after(0)
    if following is None or following.core not in ("at", "@") or look.cut():
        return False
    clock = look.at(1 + 1)
    return clock is not None and clock.core[:1].isdigit() and clock.core[-1:] in "0123456789amMpP"


def _is_pair(look: Look, digits: str, most: str) -> bool:
    """Whether "4/4 time", "28/36 mpg" and "20/40 vision" are two numbers."""
    if (digits == "20" and most in _EYESIGHT) or digits == most:
        return True
    following = look.after(0)
    return following is not None and following.core in ("time", "mpg", "meter", "beat", "signature")


def _is_rating(look: Look, digits: str, most: str) -> bool:
    """Whether "7/10" is a rating: nothing follows of which it would be a part."""
    if most not in ("10", "100") or int(digits) > int(most):
        return False
    following = look.after(0)
    return following is None or (
        following.core != "of" and not is_noun(following) and following.core not in UNITS
    )


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


def _fraction(above: str, below: str) -> str:
    if len(above) < 4 and len(below) < 4 and int(above) > 12 and int(below) > 12:
        return f"{cardinal(above)} over {cardinal(below)}"
    if int(below[:4]) < 2 or below[0] == "0" or above == "0":
        return f"{number(above)} slash {number(below)}"
    return fraction(above, below)
