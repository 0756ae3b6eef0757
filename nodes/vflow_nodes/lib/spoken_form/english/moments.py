"""English for decades and for times of day, with the half of the day that follows them."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.dates import clock_time, half_of_day, half_range, is_half
from vflow_nodes.lib.spoken_form.english.following import end_of
from vflow_nodes.lib.spoken_form.english.numbers import cardinal, plural
from vflow_nodes.lib.spoken_form.reading import Look, Reading
from vflow_nodes.lib.spoken_form.word import Word

_DECADE = re.compile(r"['’]?([0-9]{2})(s?)")
_ENDS_OF_RANGE = re.compile("[-–—]")


def decade(word: Word) -> str:
    """Say "'90s" and "80s"; '' for what is none."""
    found = _DECADE.fullmatch(word.core)
    if not found or not (word.core[0] in "'’" or found.group(2)):
        return ""
    said = cardinal(found.group(1))
    if found.group(1)[0] == "0":
        said = f"oh {said}"
    return plural(said) if found.group(2) else said


def time_of_day(look: Look, before: str) -> Reading | None:
    """Read "9:30 a.m.", "9am-5pm" and "5:00 o'clock"."""
    first = look.first
    if ":" not in first.core and first.core[-1] not in "mM":
        return None
    if len(ends := _ENDS_OF_RANGE.split(first.core)) == 2 and all(map(clock_time, ends)):
        return Reading(1, f"{clock_time(ends[0])} to {clock_time(ends[1])}{first.mark}", "time")
    half = None
    if first.core.endswith(":00") and not first.mark and len(first.core) < 6 and clock_time(first.core):
        following = look.at(1)
        if following is not None and following.core.replace("’", "'") == "o'clock":
            return Reading(1, cardinal(first.core[:-3]), "number")
    if ":" in first.core and not first.mark and clock_time(first.core):
        following = look.at(1)
        half = following if following is not None and is_half(following.core) else None
        if following is not None and (closing := half_range(following.core)):
            return Reading(
                2, f"{clock_time(first.core, before, True)} {closing}{following.mark}", "number", "2"
            )
    said = clock_time(first.core, before, half is not None)
    if not said:
        return None
    if half is None:
        dotted = first.dotted and first.core.endswith((".m", ".M"))
        return Reading(1, said + (end_of(look, 0) if dotted else first.mark), "time")
    return Reading(2, f"{said} {half_of_day(half.core)}{end_of(look, 1)}", "time")


def half_range_alone(look: Look) -> Reading | None:
    """Read "AM-5" after the hour "9"."""
    if look.before.kind not in ("number", "time") or not (said := half_range(look.first.core)):
        return None
    return Reading(1, said + look.first.mark, "number", "2")
