"""English for decades and for times of day, with the half of the day that follows them."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.dates import clock_time, half_of_day, half_range, is_half
from vflow_nodes.lib.spoken_form.english.following import end_of
from vflow_nodes.lib.spoken_form.english.numbers import cardinal, plural, spelled
from vflow_nodes.lib.spoken_form.english.units import UNITS
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading
from vflow_nodes.lib.spoken_form.word import Word

_SECONDS_AFTER = word_set("to for after every wait within about under than takes took is exactly")
_DECADE = re.compile(r"['’]?([0-9]{2})(s?)")
_SHORT = re.compile(r"([0-9]{1,2}(?::[0-5][0-9])?)([ap]m?)?(?:[-–—]([0-9]{1,2}(?::[0-5][0-9])?)([ap]m?)?)?")
_ISH = re.compile(r"([0-9]{1,2}(?::[0-5][0-9])?)-?ish")
_PACE = re.compile(r"([0-9]{1,2}:[0-5][0-9])(?:\.([0-9]{1,3})|/(mi|km))")
_TELEVISION = re.compile(r"([0-9]{1,2})/([0-9]{1,2})c")
_HOURS = re.compile(r"([0-2]?[0-9])(:?)([0-5][0-9])")
_TIME_WORDS = word_set(
    "at by to until till til from before after around since @ between open opens opened close closes"
    " closing it's its daily weekdays mon-fri m-f noon"
)
_BEGINNINGS = frozenset(("from", "between", "since"))
_ENDS_OF_RANGE = re.compile("[-–—]")


def decade(word: Word, before: str = "") -> str:
    """Say "'90s" and "80s"; '' for no decade, as in "to 30s"."""
    found = _DECADE.fullmatch(word.core)
    if not found or not (word.core[0] in "'’" or found.group(2)):
        return ""
    if is_seconds(before) and word.core[0] not in "'’":
        return ""
    said = cardinal(found.group(1))
    if found.group(1)[0] == "0":
        said = f"oh {said}"
    return plural(said) if found.group(2) else said


def is_seconds(before: str) -> bool:
    """Return whether "30s" after a word is a time, not a decade: "to 30s", "4m 28s"."""
    return before in _SECONDS_AFTER or (before[:1].isdigit() and before[-1:] in "mn")


def time_of_day(look: Look, before: str) -> Reading | None:
    """Read "9:30 a.m.", "9am-5pm" and "5:00 o'clock"."""
    first = look.first
    if reading := _short_hours(look) or hours_of_clock(look):
        return reading
    if found := _ISH.fullmatch(first.core):
        said = clock_time(found[1], half_follows=True) or cardinal(found[1].partition(":")[0])
        return Reading(1, f"{said} ish{first.mark}", "time")
    if found := _PACE.fullmatch(first.core):
        clock, part, per = found.groups()
        said = clock_time(clock, half_follows=True) or clock.replace(":", " ")
        said += f" point {spelled(part)}" if part else f" per {UNITS[per][0]}"
        return Reading(1, said + first.mark, "number", "2")
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
    if half is None and look.cut() and said.endswith(" o'clock"):
        return Reading(1, said.removesuffix(" o'clock"), "time", "00", owed="o'clock")
    if half is None:
        dotted = first.dotted and first.core.endswith((".m", ".M"))
        return Reading(1, said + (end_of(look, 0) if dotted else first.mark), "time")
    return Reading(2, f"{said} {half_of_day(half.core)}{end_of(look, 1)}", "time")


def _short_hours(look: Look) -> Reading | None:
    """Read "9a-5p", "9:30a" and, after a word for a time, "9a"; "8/7c" of television."""
    first, before = look.first, look.before
    if found := _TELEVISION.fullmatch(first.core):
        return Reading(1, f"{cardinal(found[1])}, {cardinal(found[2])} Central{first.mark}", "time")
    found = _SHORT.fullmatch(first.core)
    if not found or not (found[2] or found[4]):
        return None
    low, half, high, last = found.groups()
    if "m" in (half or "") and (not high or "m" in (last or "")):
        return None
    if not high and ":" not in low and not before.near(_TIME_WORDS) and before.word not in ("@", "-"):
        return None
    if not all(1 <= int(hour.partition(":")[0]) <= 12 for hour in (low, high) if hour):
        return None
    said = _hour(low, half)
    return Reading(1, f"{said} to {_hour(high, last)}{first.mark}" if high else said + first.mark, "time")


def _hour(hour: str, half: str | None) -> str:
    said = clock_time(hour, half_follows=True) if ":" in hour else cardinal(hour)
    return f"{said} {half_of_day(half)}" if half else said


def hours_of_clock(look: Look) -> Reading | None:
    """Read "08:00 hrs", "0800 hrs" and "at 1430 hours"."""
    first, before = look.first, look.before
    found = _HOURS.fullmatch(first.core)
    if not found or first.mark or int(found[1]) > 23:
        return None
    hour, colon, minute = found.groups()
    word = before.word.lower()
    timed = before.near(_BEGINNINGS) if word in ("to", "and", "-") else word in _TIME_WORDS
    if not colon and hour[0] != "0" and not timed:
        return None
    following = look.at(1)
    if following is None or following.core.lower() not in ("hrs", "hours", "hr", "h"):
        return None
    oh = "oh " if hour[0] == "0" and not colon and hour != "00" else ""
    said = f"{oh}{cardinal(hour)} {_minutes_of(minute)} hours"
    return Reading(2, said + (end_of(look, 1) if following.dotted else following.mark), "time")


def after_clock(look: Look) -> Reading | None:
    """Read "a.m." and "hrs" after an hour that has been said without its "o'clock"."""
    first = look.first
    if look.before.kind != "time" or look.before.value != "00":
        return None
    if is_half(first.core):
        return Reading(1, half_of_day(first.core) + end_of(look, 0), "time", replaces=True)
    if first.core in ("hrs", "hours"):
        return Reading(1, "hundred hours" + (end_of(look, 0) if first.dotted else first.mark), replaces=True)
    return None


def _minutes_of(minute: str) -> str:
    if minute == "00":
        return "hundred"
    return f"oh {cardinal(minute)}" if minute[0] == "0" else cardinal(minute)


def half_range_alone(look: Look) -> Reading | None:
    """Read "AM-5" after the hour "9"."""
    if look.before.kind not in ("number", "time") or not (said := half_range(look.first.core)):
        return None
    return Reading(1, said + look.first.mark, "number", "2")
