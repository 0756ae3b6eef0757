"""Read English names of months and days, short or long, and tell them from ordinary words."""

# ruff: noqa: RUF001, RUF002
# The dashes are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.following import end_of
from vflow_nodes.lib.spoken_form.english.units import DAY_NAMES, DAYS, MONTH_NAMES, MONTHS
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading

_SURE_MONTHS = word_set("Jan Feb Apr Aug Sep Sept Oct Nov Dec")
_DASH = re.compile("[-–—]")
_ALSO_NAMES = frozenset(("Sun", "Sat", "Mon", "Wed", "Fri"))
_LETTERS = {"M": "Monday", "F": "Friday", "Th": "Thursday", "Sa": "Saturday", "Su": "Sunday"}


def range_of_names(core: str) -> str:
    """Say "Mon-Fri" and "Jan.–Mar"; '' for any other word."""
    ends = [end.rstrip(".") for end in _DASH.split(core)]
    names = [DAYS.get(end) or MONTH_NAMES.get(end) or (end if end in DAY_NAMES else "") for end in ends]
    return " to ".join(names) if len(ends) == 2 and all(names) else ""


def calendar_name(look: Look) -> Reading | None:
    """Read the name of a month or a day, short or long."""
    first = look.first
    core = first.core
    if core in MONTHS:
        return Reading(1, core + first.mark, "" if first.mark else "month", look.before.word.lower())
    month = core in MONTH_NAMES
    said = MONTH_NAMES[core] if month else DAYS[core]
    if first.mark == "," and not month and (following := look.at(1)) and following.core in MONTH_NAMES:
        return Reading(1, f"{said},")
    if first.after:
        return Reading(1, said + first.after) if first.dotted else None
    if first.mark and not first.dotted:
        return None
    following = look.at(1)
    if following is not None and following.core[:1].isdigit():
        return Reading(1, said, "month" if month else "", look.before.word.lower())
    if not first.dotted:
        return None
    if following is not None and following.core[:1].islower():
        return Reading(1, said)
    if look.before.paused and not month and core in _ALSO_NAMES:
        return None
    if not month and not (core == "Sun" and look.before.word.lower() in ("the", "our")):
        return Reading(1, said + end_of(look, 0))
    if core in _SURE_MONTHS or (not month and core not in _ALSO_NAMES):
        return Reading(1, said + end_of(look, 0))
    return None
