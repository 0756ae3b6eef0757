"""English for words of digits whose form alone decides the reading: addresses, zones, endless numbers."""

# ruff: noqa: RUF001
# The dashes are those that models write.

from __future__ import annotations

import re
from collections.abc import Callable

from vflow_nodes.lib.spoken_form.english.codes import hexadecimal, machine
from vflow_nodes.lib.spoken_form.english.dates import full_date, month_and_day, month_and_year
from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.numbers import MOST_DIGITS, cardinal, fraction, year
from vflow_nodes.lib.spoken_form.english.symbols import expression
from vflow_nodes.lib.spoken_form.reading import Reading
from vflow_nodes.lib.spoken_form.word import Word

_MILLIONS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,4}")
_MINUTES = re.compile(":[0-5][05]")
_SEASON = re.compile(r"((?:18|19|20)[0-9]{2})/([0-9]{2})")
_COUNTDOWN = re.compile(r"[TL]-([0-9]{1,2}(?::[0-9]{2})?)")
_EUROPEAN = re.compile(r"([€£$]?)([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+),([0-9]{1,2})([€£$]?)")
_THOUSANDS = re.compile(r"(?:Rp|[€₫₺₽₴₹]|R\$)[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?:\.[0-9]{3})+[€₫₺₽₴₹]")
_FRACTIONS = re.compile(r"([0-9])/([2-9]|16)[-–]([0-9])/([2-9]|16)")
_ZONE = re.compile(r"(UTC|GMT)([+\-−])([0-9]{1,2}(?::[0-9]{2})?)")


def number_form(first: Word) -> Reading | None:
    """Read a word whose form shows the meaning of its digits."""
    core, mark = first.core, first.mark
    if said := machine(core) or hexadecimal(core):
        return Reading(1, said + mark, "digits")
    if core.isascii() and core.isdigit() and len(core) > MOST_DIGITS:
        return Reading(1, f"a number of {cardinal(str(len(core)))} digits{mark}", "digits")
    if found := _ZONE.fullmatch(core):
        zone, sign, hours = found.groups()
        return Reading(1, f"{spaced(zone)} {'plus' if sign == '+' else 'minus'} {expression(hours)}{mark}")
    if _MILLIONS.fullmatch(core):
        return Reading(1, cardinal(core.replace(".", "")) + mark, "number", "2")
    if _MINUTES.fullmatch(core):
        return Reading(1, (cardinal(core[1:]) if core != ":00" else "the hour") + mark, "number", "2")
    if said := _range_of_dates(core) or _range_of_fractions(core):
        return Reading(1, said + mark, "number", "2")
    if found := _COUNTDOWN.fullmatch(core):
        minutes, _, seconds = found[1].partition(":")
        said = f"{cardinal(minutes)} {cardinal(seconds) if seconds.strip('0') else ''}".strip()
        return Reading(1, f"{core[0]} minus {said}{mark}", "number", "2")
    if found := _SEASON.fullmatch(core):
        last = found[2]
        return Reading(
            1, f"{year(found[1])} to {'oh ' if last[0] == '0' else ''}{cardinal(last)}{mark}", "year"
        )
    if said := month_and_year(core):
        return Reading(1, said + mark, "date")
    return None


def _range_of_dates(core: str) -> str:
    """Say "10/1/25-9/30/26" and "10/1-10/5"; '' for any other word."""
    first, dash, second = core.replace("–", "-").partition("-")
    if not dash or "/" not in first or "/" not in second:
        return ""
    low, high = full_date(first), full_date(second)
    if not (low and high):
        low, high = (month_and_day(day, "on") for day in (first, second))
    proper = first.partition("/")[0] <= first.partition("/")[2] if len(first) < 5 else False
    return f"{low} to {high}" if low and high and not (proper and _FRACTIONS.fullmatch(core)) else ""


def _range_of_fractions(core: str) -> str:
    """Say "1/3-1/2"; '' for any other word."""
    found = _FRACTIONS.fullmatch(core)
    if not found or found[2] == "1" or found[4] == "1":
        return ""
    return f"{fraction(found[1], found[2])} to {fraction(found[3], found[4])}"


def american_form(core: str, is_measured: Callable[[], bool]) -> str:
    """Return the American form of "1.234,56" and "€50.000"; '' if it has that form, or may be several.

    `is_measured` tells whether a unit follows, so that the comma of "1,5" is a decimal one.
    """
    if _THOUSANDS.fullmatch(core):
        return core.replace(".", ",")
    found = _EUROPEAN.fullmatch(core)
    if not found:
        return ""
    symbol, whole, part, end = found.groups()
    if len(core) <= 6 and core[0].isdigit() and core[-1].isdigit() and not is_measured():
        return ""
    return f"{symbol}{whole.replace('.', '')}.{part}{end}"
