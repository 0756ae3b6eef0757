"""English for words of digits that are read by their form alone: addresses, zones, endless numbers."""

# ruff: noqa: RUF001
# The dashes are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.codes import hexadecimal, machine
from vflow_nodes.lib.spoken_form.english.dates import month_and_year
from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.numbers import MOST_DIGITS, cardinal
from vflow_nodes.lib.spoken_form.english.symbols import expression
from vflow_nodes.lib.spoken_form.reading import Reading
from vflow_nodes.lib.spoken_form.word import Word

_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,4}")
_MINUTES = re.compile(":[0-5][05]")
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
    if _THOUSANDS.fullmatch(core):
        return Reading(1, cardinal(core.replace(".", "")) + mark, "number", "2")
    if _MINUTES.fullmatch(core):
        return Reading(1, (cardinal(core[1:]) if core != ":00" else "the hour") + mark, "number", "2")
    if said := month_and_year(core):
        return Reading(1, said + mark, "date")
    return None
