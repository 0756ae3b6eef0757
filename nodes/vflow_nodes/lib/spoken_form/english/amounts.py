"""English for words that begin with a number: counts, units, ordinals, ranges, fractions."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.codes import version
from vflow_nodes.lib.spoken_form.english.dates import (
    clock_time,
    day_of_month,
    duration,
    full_date,
    half_of_day,
    is_half,
    month_and_day,
)
from vflow_nodes.lib.spoken_form.english.money import SIGNS
from vflow_nodes.lib.spoken_form.english.numbers import (
    NUMBER,
    cardinal,
    code,
    fraction,
    is_year,
    number,
    ordinal,
    plural,
    year,
)
from vflow_nodes.lib.spoken_form.english.units import CURRENCIES, SCALE_LETTERS, SCALES, UNITS, unit_name
from vflow_nodes.lib.spoken_form.english.words import (
    CODE_NEXT,
    COUNTED,
    NOT_MANY,
    VERSIONED,
    YEAR_WORDS,
)
from vflow_nodes.lib.spoken_form.reading import Look, Reading, Stage
from vflow_nodes.lib.spoken_form.word import Word

_HEAD = re.compile(rf"([+\-−±~≈<>]?)({NUMBER})(.*)", re.DOTALL)
_RANGE = re.compile(rf"(%|°[CF]?|[AaPp][Mm]|[a-zA-Z]{{0,3}})[-–—]({NUMBER})(.*)")
_FRACTION = re.compile(r"/([0-9]{1,6})")
_RATIO = re.compile(r":([0-9]{1,4})")
_BY = re.compile(rf"[x×]({NUMBER})(.*)")
_FEET = re.compile(r"['’′](?:([0-9]{1,2})(?:[\"”″]|''|’’)?)?")
_POWER = re.compile(r"[eE]([+\-]?)([0-9]{1,4})")
_DECADE = re.compile(r"['’]?([0-9]{2})(s?)")
_ENDS = frozenset(("st", "nd", "rd", "th", "ST", "ND", "RD", "TH"))
_WHOLE = {"24/7": "twenty four seven", "9/11": "nine eleven", "50/50": "fifty fifty", "7/11": "seven eleven"}
_HALVES = {"½": ("1", "2"), "¼": ("1", "4"), "¾": ("3", "4"), "⅓": ("1", "3"), "⅔": ("2", "3"), "⅛": ("1", "8")}
_LATE_UNITS = frozenset(("in", "s", "t", "N", "C", "F", "l", "J", "m", "min", "mo", "cal", "pt", "sq"))
"""Units that are words or letters too: only right after a number that waits for them."""


def numeric(look: Look) -> Reading | None:
    """Read a word that begins with a number or its sign."""
    first = look.first
    core = first.core
    if core in _WHOLE:
        return Reading(1, _WHOLE[core] + first.mark)
    if decade := _decade(first):
        return Reading(1, decade + first.mark)
    if core[:1] in _HALVES:
        said = fraction(*_HALVES[core[0]])
        rest = unit_name(core[1:], "1")
        return Reading(1, f"{said} {rest}".rstrip() + first.mark, "number", "1") if rest or core[1:] == "" else None
    found = _HEAD.fullmatch(core)
    if not found:
        return None
    sign, digits, rest = found.groups()
    if not rest:
        return _bare(look, sign, digits)
    before = look.before.word.lower()
    if not sign:
        if date := full_date(core) or month_and_day(core, before):
            return Reading(1, date + first.mark, "date")
        if len(core) > 2 and (said := version(core, before in VERSIONED)):
            return Reading(1, said + first.mark, "digits")
        if reading := _time(look, before):
            return reading
    said, kind = _with_rest(look, digits, rest)
    if not said:
        return None
    value = digits if kind == "number" else ""
    if kind == "range":
        return follow(look, SIGNS[sign] + said, "2")
    return Reading(1, SIGNS[sign] + said + first.mark, kind, value)


def _decade(word: Word) -> str:
    found = _DECADE.fullmatch(word.core)
    if not found or not (word.core[0] in "'’" or found.group(2)):
        return ""
    said = cardinal(found.group(1))
    return plural(said) if found.group(2) else said


def _time(look: Look, before: str) -> Reading | None:
    first = look.first
    if ":" not in first.core and first.core[-1] not in "mM":
        return None
    half = None
    if ":" in first.core and not first.mark and clock_time(first.core):
        following = look.at(1)
        half = following if following is not None and is_half(following.core) else None
    said = clock_time(first.core, before, half is not None)
    if not said:
        return None
    if half is None:
        dotted = first.dotted and first.core.endswith((".m", ".M"))
        return Reading(1, said + (end_of(look, 0) if dotted else first.mark), "time")
    return Reading(2, f"{said} {half_of_day(half.core)}{end_of(look, 1)}", "time")


def end_of(look: Look, at: int) -> str:
    """The mark after an abbreviation: its full stop counts only where a sentence ends there."""
    word = look.words[at]
    if not word.dotted:
        return word.mark
    if word.after or "." in word.tail[1:]:
        return word.after or "."
    following = look.at(at + 1)
    if following is None:
        return "." if look.stage is not Stage.RELEASE else ""
    if following.core[:1].isupper() and following.core not in _CONTINUES or not following.core and following.lead:
        return "."
    return ""


_CONTINUES = frozenset(
    (
        "I Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August"
        " September October November December Eastern Pacific Central Mountain EST EDT PST PDT CST CDT MST UTC GMT ET"
        " PT CT Army Navy Senate Congress Government President Department Open Supreme House Constitution Treasury"
    ).split()
) - {"I", "May", "March"}


def _bare(look: Look, sign: str, digits: str) -> Reading:
    """Read a number without anything attached."""
    first, before = look.first, look.before
    word = before.word.lower()
    whole = digits.isdigit()
    said = SIGNS[sign] + number(digits)
    if not sign and whole:
        if before.kind == "month" and len(digits) <= 2 and 1 <= int(digits) <= 31:
            return Reading(1, ordinal(digits) + first.mark, "day")
        if len(digits) == 4 and (word in YEAR_WORDS or before.kind in ("month", "day")) and "1000" <= digits <= "2099":
            return Reading(1, year(digits) + first.mark, "year")
        if word in ("boeing", "porsche") and len(digits) == 3:
            return Reading(1, f"{cardinal(digits[0])} {number(digits[1:])}{first.mark}", "digits")
        if coded := _code(look, digits, word):
            return coded
        if day := day_of_month(look):
            return day
    elif not sign and word in VERSIONED and (named := version(digits, True)):
        return Reading(1, named + first.mark, "digits")
    if not sign and whole and is_year(digits):
        following = look.after(0)
        if not (following is not None and (_is_many(following) or _unit(look, 1, digits)[0])):
            said = year(digits)
        elif digits.endswith("00") and digits < "2000":
            said = year(digits)
    return follow(look, said, digits)


def _code(look: Look, digits: str, word: str) -> Reading | None:
    """Read the digits of a code, by the words before it."""
    length = len(digits)
    if word == "order" and length > 3 or word in ("extension", "ext", "flight") and length > 1:
        return Reading(1, code(digits) + look.first.mark, "digits")
    if length < 3 or not (word in CODE_NEXT or look.before.code):
        return None
    following = look.after(0)
    if following is not None and (following.core in COUNTED or _unit(look, 1, digits)[0]):
        return None
    return Reading(1, code(digits) + look.first.mark, "digits")


def _is_many(word: Word) -> bool:
    """Whether a word is a plural noun, so that four digits before it are no year."""
    core = word.core
    return core in COUNTED or (core.isalpha() and core.islower() and core[-1] == "s" and core not in NOT_MANY)


def follow(look: Look, said: str, value: str, at: int = 0) -> Reading:
    """Read a number with the word after it, if that belongs to it: a scale, unit, currency, half of the day."""
    following = look.after(at)
    if following is None:
        return Reading(at + 1, said + look.words[at].mark, "number", value)
    core = following.core
    if core.lower() in SCALES:
        return Reading(at + 2, f"{said} {core.lower()}{following.mark}", "number", "2")
    if is_half(core) and value.isdigit() and len(value) <= 2:
        return Reading(at + 2, f"{said} {half_of_day(core)}{end_of(look, at + 1)}", "time")
    if (part := core.split("/")) and len(part) == 2 and value.isdigit() and all(p.isdigit() and p.isascii() for p in part):
        if 0 < int(part[0][:4]) < int(part[1][:4]) <= 64 and part[0] != "0":
            below = "a half" if core == "1/2" else fraction(*part)
            return Reading(at + 2, f"{said} and {below}{following.mark}", "number", "2")
    name, count = _unit(look, at + 1, value)
    if name:
        last = look.words[at + count]
        mark = end_of(look, at + count) if last.dotted and last.core in UNITS else last.mark
        return Reading(at + count + 1, f"{said} {name}{mark}", "feet" if "f" in name[:2] else "unit")
    return Reading(at + 1, said + look.words[at].mark, "number", value)


def _unit(look: Look, at: int, value: str) -> tuple[str, int]:
    """The name of the unit at `at`, and its words; '' and 0 for none."""
    if at >= len(look.words):
        return "", 0
    word = look.words[at]
    core = word.core
    if word.lead:
        return "", 0
    if core == "sq" and (following := look.at(at + 1)) is not None and following.core in UNITS:
        return f"square {unit_name(following.core, value)}", 2
    if core == "in" and not word.dotted and look.before.kind != "feet":
        return "", 0
    if core in CURRENCIES:
        return CURRENCIES[core][value != "1"], 1
    if word.tail[:1] and word.tail[0] in "'’":
        return "", 0
    return unit_name(core, value), 1


def after_number(look: Look) -> Reading | None:
    """Read a scale, a unit or a half of the day whose number has been said."""
    first, before = look.first, look.before
    core = first.core
    if core.lower() in SCALES and before.kind == "number":
        return Reading(1, core.lower() + first.mark, "scale", "2")
    if is_half(core):
        return Reading(1, half_of_day(core) + end_of(look, 0), "time")
    if first.lead or core in _LATE_UNITS and before.kind != "feet" and not (core == "m" and not first.mark):
        return None
    if core in CURRENCIES and core != "$":
        return Reading(1, CURRENCIES[core][before.value != "1"] + first.mark, "unit")
    if name := unit_name(core, before.value):
        mark = end_of(look, 0) if first.dotted and not first.after else first.mark
        return Reading(1, name + mark, "unit")
    return None


def _with_rest(look: Look, digits: str, rest: str) -> tuple[str, str]:
    """Say a number with what is attached to it; and the kind of that."""
    before = look.before
    whole = digits.isdigit() or digits.replace(",", "").isdigit()
    if rest in _ENDS and whole:
        return ordinal(digits), "day" if before.kind == "month" else ""
    if name := unit_name(rest, digits):
        if rest == "m" and not digits.isdigit():
            return f"{number(digits)} {name}", "unit"
        return f"{number(digits)} {name}", "unit"
    if rest in ("s", "'s", "’s") and whole:
        return plural(year(digits) if is_year(digits) else cardinal(digits)), ""
    if rest in ("x", "×", "X"):
        return f"{number(digits)} times", ""
    if rest in ("K", "G", "D") and whole and len(digits) <= 3:
        return f"{cardinal(digits)} {rest}", ""
    if rest in SCALE_LETTERS:
        return f"{number(digits)} {SCALE_LETTERS[rest]}", "number"
    if rest == "+":
        return f"{number(digits)} plus", ""
    if rest[0] in _HALVES and len(rest) == 1:
        part = _HALVES[rest]
        return f"{cardinal(digits)} and {'a half' if rest == '½' else fraction(*part)}", "range"
    if (found := _FEET.fullmatch(rest)) and whole and len(digits) <= 2:
        inches = found.group(1)
        return (f"{cardinal(digits)} foot {cardinal(inches)}" if inches else f"{cardinal(digits)} feet"), "unit"
    if (found := _FRACTION.fullmatch(rest)) and whole:
        return _fraction(digits, found.group(1)), "range"
    if (found := _RATIO.fullmatch(rest)) and whole:
        return f"{cardinal(digits)} to {cardinal(found.group(1))}", ""
    if found := _POWER.fullmatch(rest):
        sign = "minus " if found.group(1) == "-" else ""
        return f"{number(digits)} times ten to the {sign}{cardinal(found.group(2))}", ""
    if said := duration(digits + rest):
        return said, ""
    if rest[0] in "x×" and (found := _BY.fullmatch(rest)):
        return _by(look, digits, found.group(1), found.group(2))
    return _range(look, digits, rest)


def _by(look: Look, digits: str, second: str, unit: str) -> tuple[str, str]:
    name = unit_name(unit, "2") if unit else ""
    if unit and not name:
        return "", ""
    return f"{number(digits)} by {number(second)} {name}".rstrip(), "unit" if unit else "range"


def _fraction(above: str, below: str) -> str:
    if len(above) < 4 and len(below) < 4 and int(above) > int(below) >= 20:
        return f"{cardinal(above)} over {cardinal(below)}"
    if int(below[:4]) < 2 or below[0] == "0" or above == "0":
        return f"{number(above)} slash {number(below)}"
    return fraction(above, below)


def _range(look: Look, digits: str, rest: str) -> tuple[str, str]:
    """Say "5-10", "20-25°C", "2024-25" and "9am-5pm"; '' for what is no range."""
    found = _RANGE.fullmatch(rest)
    if not found:
        return "", ""
    first_unit, second, unit = found.groups()
    low = _end(digits, first_unit)
    if look.before.kind == "month" and len(digits) <= 2 and not first_unit and second.isdigit() and len(second) <= 2:
        return f"{ordinal(digits)} to {ordinal(second)}", "day"
    if is_year(digits) and not first_unit and (is_year(second) or len(second) == 2) and not unit:
        return f"{year(digits)} to {year(second) if len(second) == 4 else number(second)}", ""
    high = _end(second, unit)
    if not low or not high:
        return "", ""
    return f"{low} to {high}", "" if unit else "range"


def _end(digits: str, unit: str) -> str:
    """One end of a range, with its unit; '' where the unit is unknown."""
    if not unit:
        return number(digits)
    if unit.lower() in ("am", "pm"):
        return f"{number(digits)} {half_of_day(unit)}"
    if name := unit_name(unit, digits):
        return f"{number(digits)} {name}"
    if unit in SCALE_LETTERS:
        return f"{number(digits)} {SCALE_LETTERS[unit]}"
    return ""
