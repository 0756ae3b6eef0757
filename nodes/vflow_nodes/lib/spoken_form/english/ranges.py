"""English for ranges that are one word: "5-10", "20-25°C", "2024-25", "1½-2", "9am-5pm"."""

# ruff: noqa: RUF001
# The dashes are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.dates import half_of_day
from vflow_nodes.lib.spoken_form.english.numbers import (
    HALVES,
    NUMBER,
    fraction,
    is_year,
    number,
    ordinal,
    year,
)
from vflow_nodes.lib.spoken_form.english.units import SCALE_LETTERS, unit_name
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look

_HALF = "[½¼¾⅓⅔⅛]"
_RANGE = re.compile(
    rf"({_HALF}?)(%|°[CF]?|[AaPp][Mm]|[a-zA-Z]{{0,3}})[-–—~]([+\-−]?)({NUMBER})({_HALF}?)(.*)", re.DOTALL
)
_TEAM_VERBS = word_set("are were went started sit sits finished")
_IMPROVED = frozenset(("improved", "improving", "improves", "improve", "fell", "falls", "falling", "dropped"))
_SCORES = word_set(
    "score scores odds ratio vote votes series count result results tie tied ages hours prices temperatures"
)
_CODE = re.compile("0[0-9]+")


def range_of(look: Look, sign: str, digits: str, rest: str) -> tuple[str, str]:
    """Say the two ends of a range, and return the kind of the word; '' for no range. `sign` is that of the
    first end; the caller says it."""
    found = _RANGE.fullmatch(rest)
    if not found:
        return "", ""
    first_half, first_unit, second_sign, second, half, unit = found.groups()
    if _CODE.fullmatch(second) or _CODE.fullmatch(digits):
        return "", ""
    if second_sign and not sign and rest[0] == "-":
        return "", ""  # "5--3" has a dash
    low = _end(digits, first_half, first_unit)
    whole = second.isdigit() and not (first_half or half or second_sign or sign or first_unit)
    if look.before.kind == "month" and whole and len(digits) <= 2 and len(second) <= 2:
        return f"{ordinal(digits)} to {ordinal(second)}", "day"
    if whole and is_year(digits) and (is_year(second) or len(second) == 2) and not unit:
        return f"{year(digits)} to {year(second) if len(second) == 4 else number(second)}", ""
    high = _end(second, half, unit)
    if not low or not high:
        return "", ""
    if whole and not unit and _is_record(look, digits, second):
        return f"{low} and {high}", ""
    said = {"": "", "+": "plus ", "-": "minus ", "−": "minus "}[second_sign]
    return f"{low} to {said}{high}", "" if unit else "range"


def _is_record(look: Look, won: str, lost: str) -> bool:
    """Tell whether "are 7-2" gives the wins and losses of a team."""
    before = look.before
    improved = before.word == "to" and before.near(_IMPROVED)
    if not (improved or before.word.lower() in _TEAM_VERBS) or before.near(_SCORES):
        return False
    return len(won) < 4 and len(lost) < 4


def _end(digits: str, half: str, unit: str) -> str:
    """Say one end of a range, with its unit; '' if the unit is unknown."""
    said = number(digits)
    if half:
        said += f" and {'a half' if half == '½' else fraction(*HALVES[half])}"
    if not unit:
        return said
    if unit.lower() in ("am", "pm"):
        return f"{said} {half_of_day(unit)}"
    if name := unit_name(unit, "2" if half else digits):
        return f"{said} {name}"
    if unit in SCALE_LETTERS:
        return f"{said} {SCALE_LETTERS[unit]}"
    return ""
