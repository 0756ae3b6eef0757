"""English for the words after a number: its unit, scale or half of the day; and for the end of a sentence."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.attributes import (
    MEASURED_NOUNS,
    describes,
    describes_one_of,
    is_lettered,
    is_lettered_noun,
)
from vflow_nodes.lib.spoken_form.english.currencies import AFTER_AMOUNT
from vflow_nodes.lib.spoken_form.english.dates import half_of_day, is_half
from vflow_nodes.lib.spoken_form.english.designations import MADE
from vflow_nodes.lib.spoken_form.english.lengths import describes_length, inch_mark
from vflow_nodes.lib.spoken_form.english.numbers import HALVES, fraction, number
from vflow_nodes.lib.spoken_form.english.short_forms import SLASHED
from vflow_nodes.lib.spoken_form.english.units import (
    DOTTED_UNITS,
    HOMES,
    SCALE_WORDS,
    SCALES,
    UNITS,
    unit_name,
)
from vflow_nodes.lib.spoken_form.english.words import COUNTED, HIGHWAYS, NOT_MANY, PLACED, word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading, Stage
from vflow_nodes.lib.spoken_form.word import Word

_SCALES_OF_HEAT = {"F": "degrees Fahrenheit", "C": "degrees Celsius", "K": "kelvins"}
_TO_HEAT = frozenset(("to", "at", "reaches", "reach", "about", "around"))
_HEAT = word_set(
    "temp temperature temperatures oven degrees heat heated boils boil freezes melts cool cools preheat"
    " bake roast water weather fever internal hot cold warm freezing boiling melting thermostat °c °f"
)
_PAIR = re.compile(r"([^/0-9]{1,4})/([0-9]+(?:\.[0-9]+)?)([^/0-9]{0,3})")
_TWO_WORDS = ("sq", "cu", "fl")
_LATE_UNITS = word_set("d ct in s t N C F l J m mo cal pt sq cu fl c bar MP kn")
"""Units that are also words or letters: they count only right after a number that waits for them."""
STREETS = word_set("St Ave Blvd Rd Ln Hwy Pkwy Dr Ct Pl Street Avenue Boulevard Road Lane Drive Court Place")
_CONTINUES = word_set(
    "I Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June"
    " July August September October November December Eastern Pacific Central Mountain EST EDT PST PDT"
    " CST CDT MST UTC GMT ET PT CT NW NE SW SE North South East West Army Navy Senate Congress"
    " Government Gov Govt Dept Sen Rep Natl Atty Attorney Marine Marines Air Coast Postal Forest Fish"
    " Census Bureau Food President Department Open Supreme House Constitution Treasury"
) - {"I", "May", "March"}


def end_of(look: Look, at: int) -> str:
    """Return the mark after an abbreviation: its full stop counts only if a sentence ends there."""
    word = look.words[at]
    if not word.dotted:
        return word.mark
    if word.after or "." in word.tail[1:]:
        return word.after or "."
    following = look.at(at + 1)
    if following is None:
        return "." if look.stage is not Stage.RELEASE else ""
    if (following.core[:1].isupper() and following.core not in _CONTINUES) or (
        not following.core and following.lead
    ):
        return "."
    return ""


def is_many(word: Word) -> bool:
    """Tell whether a word is a plural noun, so that four digits before it are no year."""
    core = word.core
    return core in COUNTED or (core.isalpha() and core.islower() and core[-1] == "s" and core not in NOT_MANY)


def follow(look: Look, said: str, value: str, at: int = 0) -> Reading:
    """Read a number with the word after it, if that belongs to it: a scale, a unit, a half of the day."""
    following = look.after(at)
    if following is None:
        return Reading(at + 1, said + look.words[at].mark, "number", value)
    core = following.core
    if is_lettered(look, at + 1):
        return Reading(at + 1, said, "number", value)
    if core == "M" and look.cut(at + 1):
        return Reading(at + 2, said, "number", "M", owed="million")
    if scale := SCALE_WORDS.get(core) or SCALES.get(core.lower()):
        return Reading(at + 2, f"{said} {scale}{scale_end(look, at + 1)}", "number", "2")
    if is_half(core) and value.isdigit() and len(value) <= 2:
        return Reading(at + 2, f"{said} {half_of_day(core)}{end_of(look, at + 1)}", "time")
    if value.isdigit() and core[-1:] == "%" and (part := mixed_fraction(core[:-1])):
        return Reading(at + 2, f"{said} and {part} percent{following.mark}", "unit")
    if value.isdigit() and (part := mixed_fraction(core)):
        if inch_mark(following, look.before.quoted):
            noun = "inch" if describes_length(look, at + 1) else "inches"
            return Reading(at + 2, f"{said} and {part} {noun}{following.mark}", "unit")
        return Reading(at + 2, f"{said} and {part}{following.mark}", "number", "2")
    if not following.lead and (name := degrees(look, value, core)):
        return Reading(at + 2, f"{said} {name}{following.mark}", "unit")
    name, count = unit_at(look, at + 1, value)
    if name:
        last = look.words[at + count]
        mark = end_of(look, at + count) if last.dotted and last.core in DOTTED_UNITS else last.mark
        if described(look, at + count):
            name, _ = unit_at(look, at + 1, "1")
        return Reading(at + count + 1, f"{said} {name}{mark}", "feet" if "f" in name[:2] else "unit")
    return Reading(at + 1, said + look.words[at].mark, "number", value)


def degrees(look: Look, digits: str, letter: str) -> str:
    """Return the scale of a temperature that a letter names: "165 F", "20C", "373.15 K"; '' for none."""
    before = look.before
    if letter not in _SCALES_OF_HEAT or before.word.lower() in PLACED or before.code:
        return ""
    if letter == "K" and "." not in digits and not before.near(_HEAT):
        return ""
    heat = before.near(_HEAT) or before.word.lower() in _TO_HEAT
    if (letter == "C" and not heat) or (letter == "F" and len(digits) < 2):
        return ""
    return _SCALES_OF_HEAT[letter]


def described(look: Look, at: int) -> bool:
    """Tell whether the measure that ends at `at` describes the next noun, so that its unit is singular."""
    return describes(look, at) or (
        look.words[at].core in ("V", "W") and describes_one_of(look, at, MEASURED_NOUNS)
    )


def scale_end(look: Look, at: int) -> str:
    """Return the mark after a scale: the full stop of "mil." is its own."""
    word = look.words[at]
    return end_of(look, at) if word.dotted and word.core in DOTTED_UNITS else word.mark


def mixed_fraction(core: str) -> str:
    """Say the fraction of "2 1/2"; '' for any other word."""
    if core in HALVES:
        return "a half" if core == "½" else fraction(*HALVES[core])
    above, slash, below = core.partition("/")
    if not (slash and above.isdigit() and below.isdigit() and core.isascii() and len(core) < 6):
        return ""
    if not 0 < int(above) < int(below) <= 64:
        return ""
    return "a half" if core == "1/2" else fraction(above, below)


def _is_direction(look: Look, at: int) -> bool:
    """Tell whether "W." is no unit but a part of an address: "42 W. 5th St."."""
    word = look.words[at]
    if word.core in ("N", "W") and look.before.word.rstrip(".").lower() in HIGHWAYS:
        return True
    if word.core not in ("N", "W") or not word.dotted or word.after:
        return False
    following = look.at(at + 1)
    if following is None or following.mark:
        return False
    if following.core[:1].isdigit() and following.core[-2:] in ("st", "nd", "rd", "th"):
        return True
    street = look.at(at + 2) if following.core[:1].isupper() else None
    return street is not None and street.core in STREETS


def unit_at(look: Look, at: int, value: str) -> tuple[str, int]:
    """Return the name of the unit at `at`, and how many words it has; '' and 0 for none."""
    if at >= len(look.words):
        return "", 0
    word = look.words[at]
    core = word.core.replace("./", "/")
    if word.lead or _is_direction(look, at):
        return "", 0
    if core in _TWO_WORDS and (following := look.at(at + 1)) is not None and following.core in UNITS:
        return f"{UNITS[core][0]} {unit_name(following.core, value)}", 2
    if core in _TWO_WORDS[1:] or (core in ("c", "d", "ct") and not word.dotted):
        return "", 0
    if core == "in" and not word.dotted and look.before.kind != "feet":
        return "", 0
    if core in AFTER_AMOUNT:
        return AFTER_AMOUNT[core][value != "1"], 1
    if core == "pt" and "." in value:
        return "points", 1  # of a rate, and no pint
    if word.tail[:1] and word.tail[0] in "'’":
        return "", 0
    return unit_name(core, value), 1


def is_scale(core: str) -> bool:
    """Tell whether a word after a number multiplies it."""
    return core in SCALE_WORDS or core.lower() in SCALES


def is_measured(look: Look) -> bool:
    """Tell whether a unit, a scale or a currency follows, so that the comma of "1,5" is a decimal one."""
    following = look.after(0)
    if following is None or following.core in ("in", "t"):
        return False
    return following.core in UNITS or following.core in AFTER_AMOUNT or following.core in SCALE_WORDS


def after_number(look: Look) -> Reading | None:
    """Read a scale, a unit or a half of the day whose number has been said."""
    first, before = look.first, look.before
    core = first.core
    if core in SLASHED:
        return None
    if (
        (scale := SCALE_WORDS.get(core) or SCALES.get(core.lower()))
        and before.kind == "number"
        and not before.paused
    ):
        if is_lettered(look, 0):
            return None
        if core == "M" and look.cut():
            return Reading(1, "", "number", "M", owed="million")
        return Reading(1, scale + scale_end(look, 0), "scale", "2")
    scale, dash, more = core.partition("-")
    if dash and scale in SCALES and more.isalpha() and before.kind == "number":
        return Reading(1, f"{scale} {more}{first.mark}", "scale", "2")
    if is_half(core):
        return Reading(1, half_of_day(core) + end_of(look, 0), "time")
    if before.word.endswith("°"):
        return None
    if _is_direction(look, 0):
        return Reading(1, {"N": "North", "W": "West"}[core])
    if (
        before.kind == "number"
        and not before.paused
        and before.value.isdigit()
        and (part := mixed_fraction(core))
    ):
        return Reading(1, f"and {part}{first.mark}", "number", "2")
    if (
        first.lead
        or before.paused
        or (core in _LATE_UNITS and before.kind != "feet" and not (core == "m" and not first.mark))
    ):
        return None
    if core in AFTER_AMOUNT and core != "$":
        return Reading(1, AFTER_AMOUNT[core][before.value != "1"] + first.mark, "unit")
    if is_lettered(look, 0):
        return None
    if name := unit_name(core, before.value):
        mark = end_of(look, 0) if first.dotted and core in DOTTED_UNITS else first.mark
        return Reading(1, name + mark, "unit")
    return None


def after_beds(look: Look) -> Reading | None:
    """Read "bd/2" of "3 bd/2 ba" and "°C/350" of "180 °C/350 °F"."""
    found = _PAIR.fullmatch(look.first.core)
    if not found or look.before.kind not in ("number", "unit"):
        return None
    name = unit_name(found[1].lower() if found[1] in HOMES else found[1], look.before.value)
    other = unit_name(found[3].lower() if found[3] in HOMES else found[3], found[2]) if found[3] else ""
    if not name or (found[3] and not other):
        return None
    following = look.after(0)
    if not other and following is not None and following.core in HOMES:
        said = f"{name}, {number(found[2])} {unit_name(following.core.lower(), found[2])}"
        return Reading(2, said + following.mark, "unit")
    per = following is not None and following.core in ("h", "hr", "hrs", "hours", "days", "min", "minutes")
    said = f"{name} per {number(found[2])}" if per else f"{name}, {number(found[2])}"
    return Reading(1, f"{said} {other}{look.first.mark}", "unit") if other else follow(look, said, found[2])


def after_letter(look: Look) -> Reading | None:
    """Read the noun after "3 M" that a release has split: the letter is its kind, and no million."""
    before, first = look.before, look.first
    if before.kind == "number" and before.value == "B" and first.core[:1].isupper():
        return Reading(1, f"B {first.core}{first.mark}", replaces=True)
    if before.kind != "number" or before.value != "M":
        return None
    if not is_lettered_noun(first) and not (before.word == "3M" and first.core.lower() in MADE):
        return None
    return Reading(1, f"M {first.core}{first.mark}", replaces=True)


def after_per(look: Look) -> Reading | None:
    """Read the unit of "per kg"."""
    first, before = look.first, look.before
    if before.word.lower() != "per" or before.paused or first.core not in UNITS:
        return None
    mark = end_of(look, 0) if first.dotted and first.core in DOTTED_UNITS else first.mark
    return Reading(1, unit_name(first.core, "1") + mark, "unit")
