"""English dates and times that are written in digits."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.numbers import cardinal, is_year, ordinal, year
from vflow_nodes.lib.spoken_form.english.units import DAY_NAMES, DAYS, MONTH_NAMES, MONTHS
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Before, Look, Reading

_ISO = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})(?:T([0-9]{1,2}:[0-9]{2})[^\sZ]*(Z?))?")
_SLASHES = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_NAMED = re.compile(r"([0-9]{1,2})-([A-Z][a-z]{2,8})-([0-9]{4})")
_DOTS = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_MONTH_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})")
_MONTH_YEAR = re.compile(r"(0?[1-9]|1[0-2])/((?:19|20)[0-9]{2})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:([ap]\.?m|[AP]\.?M)|h)?")
_HOUR = re.compile(r"([0-9]{1,2})([ap]\.?m|[AP]\.?M)")
_POINT_TIME = re.compile(r"^([0-9]{1,2})\.([0-5][0-9])([ap]\.?m|[AP]\.?M)$")
_HALF = re.compile(r"[ap]\.?m|[AP]\.?M")
_HALF_RANGE = re.compile(r"([ap]\.?m|[AP]\.?M)\.?[-–—]([0-9]{1,2}(?::[0-9]{2})?)([ap]\.?m|[AP]\.?M)?")
_DURATION = re.compile(
    r"(?:([0-9]{1,3})w)?(?:([0-9]{1,3})d)?(?:([0-9]{1,3})h)?(?:([0-9]{1,3})(?:m|min))?(?:([0-9]{1,3})s)?"
)
_DAYS = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)[-–—]([0-9]{1,2})(?:st|nd|rd|th)")
_DAY_TO_MONTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[-–—]([A-Z][a-z]+)")
DATE_WORDS = word_set(
    "on by until due since from before after through between and to for"
    " arrives arrive arriving ships shipped starts begins ends leaves departs delivered dated released"
)
EXPIRES = word_set("expires expire expired expiring expiry expiration exp thru")
_CARDS = word_set("card visa mastercard amex debit credit cvv cvc")
_NAMES = DAY_NAMES | set(DAYS) | set(MONTH_NAMES)


def half_of_day(text: str) -> str:
    """Return "A M" or "P M"."""
    return f"{text[0].upper()} M"


def full_date(core: str) -> str:
    """Say a date of year, month and day; '' for any other word."""
    if found := _ISO.fullmatch(core):
        said = _date(found.group(2), found.group(3), found.group(1))
        clock = found.group(4)
        zone = " U T C" if found.group(5) else ""
        return f"{said} at {clock_time(clock)}{zone}" if said and clock and clock_time(clock) else said
    if found := _SLASHES.fullmatch(core):
        first, mark, second, last = found.groups()
        if mark == "-" and len(last) == 2:
            return ""
        if int(first) > 12:
            first, second = second, first
        return _date(first, second, last)
    if (found := _NAMED.fullmatch(core)) and found.group(2) in MONTH_NAMES:
        return _date(str(MONTHS.index(MONTH_NAMES[found.group(2)]) + 1), found.group(1), found.group(3))
    if found := _DOTS.fullmatch(core):
        return _date(found.group(2), found.group(1), found.group(3))
    return ""


def _date(month: str, day: str, years: str) -> str:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return ""
    if len(years) == 2:
        years = ("19" if years > "40" else "20") + years
    return f"{MONTHS[int(month) - 1]} {ordinal(day)}, {year(years)}"


def month_and_year(core: str) -> str:
    """Say "08/2027"; '' for any other word."""
    found = _MONTH_YEAR.fullmatch(core)
    return f"{MONTHS[int(found[1]) - 1]} {year(found[2])}" if found else ""


def expiry(core: str, before: Before) -> str:
    """Say "12/26" on a card so that it is right for a year and for a day; '' for anything else."""
    found = _MONTH_DAY.fullmatch(core)
    if not found or not 1 <= int(found[1]) <= 12 or len(found[2]) < 2:
        return ""
    word = before.word.lower()
    card = before.near(_CARDS) and before.near(EXPIRES) and word in ("is", "date", "of", "in", "on")
    if word not in EXPIRES and not (word in ("is", "date", "of") and before.near(EXPIRES)) and not card:
        return ""
    first, second = (f"oh {cardinal(part)}" if part[0] == "0" else cardinal(part) for part in found.groups())
    return f"{first} {second}"


def month_and_day(core: str, before: str) -> str:
    """Say "12/05" as a date if it cannot be a fraction, or a word before it says so; else ''."""
    found = _MONTH_DAY.fullmatch(core)
    if not found:
        return ""
    month, day = int(found.group(1)), int(found.group(2))
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return ""
    said = before in DATE_WORDS or before.capitalize() in _NAMES
    if said or (day > 12 and day not in (16, 20, 24, 25, 30)):
        return f"{MONTHS[month - 1]} {ordinal(str(day))}"
    return ""


def clock_time(core: str, before: str = "", half_follows: bool = False) -> str:
    """Say a time of day, or a duration with seconds; '' for any other word."""
    if ":" in core and core[-1:] == "Z" and (said := clock_time(core[:-1], before)):
        return f"{said} U T C"
    core = _POINT_TIME.sub(r"\1:\2\3", core)
    if found := _HOUR.fullmatch(core):
        return f"{cardinal(found.group(1))} {half_of_day(found.group(2))}"
    found = _TIME.fullmatch(core)
    if not found:
        return ""
    hour, minute, second, half = found.groups()
    if int(minute) > 59 or int(second or 0) > 59:
        return ""
    if second:
        said = _long_time(hour, minute, second, "at" if half or half_follows else before)
        return f"{said} {half_of_day(half)}" if half else said
    if int(hour) > 24:
        return ""
    if half or half_follows:
        minutes = _minutes(minute)
        said = cardinal(hour) + (f" {minutes}" if minutes else "")
        return f"{said} {half_of_day(half)}" if half else said
    if minute == "00":
        if 1 <= int(hour) <= 12:
            return f"{cardinal(hour)} o'clock"
        return f"{cardinal(hour)} hundred"
    return f"{cardinal(hour)} {_minutes(minute)}"


def _minutes(minute: str) -> str:
    if minute == "00":
        return ""
    return f"oh {cardinal(minute)}" if minute[0] == "0" else cardinal(minute)


def _long_time(hour: str, minute: str, second: str, before: str) -> str:
    if before == "at":
        return f"{cardinal(hour)} {_minutes(minute) or 'zero zero'} and {count(second, 'second')}"
    parts = ((hour, "hour"), (minute, "minute"), (second, "second"))
    return " ".join(count(digits, name) for digits, name in parts if int(digits)) or "zero seconds"


def count(digits: str, name: str) -> str:
    """Return a number with its noun, in the plural except for one."""
    return f"{cardinal(digits)} {name}{'' if int(digits) == 1 else 's'}"


def duration(core: str) -> str:
    """Say "1h30m"; '' for any other word. A lone "30m" or "5s" counts only after an hour."""
    found = _DURATION.fullmatch(core)
    if not found or sum(part is not None for part in found.groups()) < 2:
        return ""
    parts = zip(found.groups(), ("week", "day", "hour", "minute", "second"), strict=True)
    return " ".join(count(digits, name) for digits, name in parts if digits)


def day_of_month(look: Look) -> Reading | None:
    """Read "3 June" and "3 June 1990" as the month and its day."""
    first = look.first
    if not (first.core.isdigit() and len(first.core) <= 2 and 1 <= int(first.core) <= 31) or first.mark:
        return None
    month = look.after(0)
    if month is None or month.core not in MONTH_NAMES or month.lead:
        return None
    said = f"{MONTH_NAMES[month.core]} {ordinal(first.core)}"
    mark = month.after if month.core not in MONTHS else month.mark
    if not mark and (years := look.at(2)) is not None and is_year(years.core):
        return Reading(3, f"{said}, {year(years.core)}{years.mark}", "year")
    return Reading(2, said + mark, "day")


def is_half(core: str) -> bool:
    """Tell whether a word is "a.m", "PM" and the like."""
    return _HALF.fullmatch(core) is not None


def half_range(core: str) -> str:
    """Say "a.m.-5", which follows an hour; '' for any other word."""
    found = _HALF_RANGE.fullmatch(core)
    if not found:
        return ""
    first, hour, second = found.groups()
    end = clock_time(hour, half_follows=True) or (cardinal(hour) if hour.isdigit() else "")
    if not end:
        return ""
    return f"{half_of_day(first)} to {end}" + (f" {half_of_day(second)}" if second else "")


def day_to_month(look: Look) -> Reading | None:
    """Read "1st-3rd", and "1-April" after the name of a month, before another day."""
    if found := _DAYS.fullmatch(look.first.core):
        return Reading(1, f"{ordinal(found.group(1))} to {ordinal(found.group(2))}{look.first.mark}", "day")
    found = _DAY_TO_MONTH.fullmatch(look.first.core)
    if not found or look.before.kind != "month" or found.group(2) not in MONTH_NAMES:
        return None
    return Reading(1, f"{ordinal(found.group(1))} to {MONTH_NAMES[found.group(2)]}", "month")
