"""English for words of digits that are read by their form alone: addresses, zones, endless numbers."""

# ruff: noqa: RUF001
# The dashes are those that models write.

from __future__ import annotations

import re
from collections.abc import Callable

from vflow_nodes.lib.spoken_form.english.codes import hexadecimal, machine
from vflow_nodes.lib.spoken_form.english.dates import month_and_year
from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.numbers import MOST_DIGITS, cardinal, year
from vflow_nodes.lib.spoken_form.english.symbols import expression
from vflow_nodes.lib.spoken_form.reading import Reading
from vflow_nodes.lib.spoken_form.word import Word

_MILLIONS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,4}")
_MINUTES = re.compile(":[0-5][05]")
_SEASON = re.compile(r"((?:18|19|20)[0-9]{2})/([0-9]{2})")
_COUNTDOWN = re.compile(r"[TL]-([0-9]{1,2}(?::[0-9]{2})?)")
_EUROPEAN = re.compile(r"([€£$]?)([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+),([0-9]{1,2})([€£$]?)")
_THOUSANDS = re.compile(r"(?:Rp|[€₫₺₽₴₹]|R\$)[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?:\.[0-9]{3})+[€₫₺₽₴₹]")
_ZONE = re.compile(r"(UTC|GMT)([+\-−])([0-9]{1,2}(?::[0-9]{2})?)")


def number_form(first: Word) -> Reading | None:
    """Read a word whose form says what its digits are."""
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


def american_form(core: str, is_measured: Callable[[], bool]) -> str:
    """The American form of "1.234,56" and "€50.000"; '' for what has it, or may be several numbers.

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
