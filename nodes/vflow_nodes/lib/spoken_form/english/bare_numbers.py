"""English for numbers with nothing attached: counts, years, codes, days of a month."""

from __future__ import annotations

from dataclasses import replace

from vflow_nodes.lib.spoken_form.english.attributes import (
    is_noun,
)
from vflow_nodes.lib.spoken_form.english.codes import is_mixed, version
from vflow_nodes.lib.spoken_form.english.dates import (
    day_of_month,
)
from vflow_nodes.lib.spoken_form.english.following import follow, is_many, unit_at
from vflow_nodes.lib.spoken_form.english.moments import hours_of_clock
from vflow_nodes.lib.spoken_form.english.money import SIGNS
from vflow_nodes.lib.spoken_form.english.numbers import (
    cardinal,
    code,
    is_year,
    number,
    ordinal,
    year,
)
from vflow_nodes.lib.spoken_form.english.units import SCALE_WORDS
from vflow_nodes.lib.spoken_form.english.words import (
    CODE_NEXT,
    CODES,
    COUNTED,
    YEAR_WORDS,
    is_versioned,
    word_set,
)
from vflow_nodes.lib.spoken_form.reading import Before, Look, Reading, Stage

_BEFORE_MONTH = word_set("in during this last next every each late early mid past")
"""Words before a month after which a number may be a count."""
_CITIES = word_set("Paris Cannes Nantes Brussels Athens Naples Cádiz Burgos")
"""Cities that end in -s, which otherwise marks a counted noun."""


def bare_number(look: Look, sign: str, digits: str) -> Reading:
    """Read a number without anything attached."""
    first, before = look.first, look.before
    word = before.word.lower()
    whole = digits.isdigit()
    said = SIGNS[sign] + number(digits)
    if not sign and whole:
        if before.kind == "month" and len(digits) <= 2 and 1 <= int(digits) <= 31 and not _counts(look):
            return Reading(1, ordinal(digits) + first.mark, "day")
        if len(digits) == 4 and (reading := hours_of_clock(look)):
            return reading
        if before.code and word in ("in", "with", "as") and not is_year(digits) and len(digits) > 2:
            return Reading(1, code(digits) + first.mark, "digits")
        if (
            len(digits) == 4
            and (word in YEAR_WORDS or before.kind in ("month", "day"))
            and "1000" <= digits <= "2099"
        ):
            return Reading(1, year(digits) + first.mark, "year")
        if len(digits) == 5 and before.word.replace(".", "").isupper() and len(before.word) in (2, 3, 4):
            return Reading(1, code(digits) + first.mark, "digits")  # a ZIP code after its state
        if (
            len(digits) > 6
            and not digits.endswith("000")
            and not _is_measured(look)
            and not _is_counted(look)
        ):
            return Reading(1, code(digits) + first.mark, "digits")
        if coded := _code(look, digits, word):
            return coded
        if _is_postal(look, digits):
            return Reading(1, code(digits) + first.mark, "digits")
        if before.kind == "capitals" and len(digits) == 4 and digits[2] != "0":
            return Reading(1, f"{cardinal(digits[:2])} {cardinal(digits[2:])}{first.mark}", "digits")
        if day := day_of_month(look):
            return day
    elif not sign and is_versioned(before.word) and (named := version(digits, True)):
        return Reading(1, named + first.mark, "digits")
    if not sign and whole and is_year(digits):
        following = look.after(0)
        is_named = before.word[:1].isupper() and (not before.start or before.word[-1:].isdigit())
        if not (
            following is not None and ((is_many(following) and not is_named) or unit_at(look, 1, digits)[0])
        ) or (digits.endswith("00") and digits < "2000"):
            said = year(digits)
    return follow(look, said, digits)


def _counts(look: Look) -> bool:
    """Tell whether a number after a month is no day: "In March 10 people came"."""
    first, before = look.first, look.before
    if before.value not in _BEFORE_MONTH or first.mark:
        return False
    following = look.at(1) if look.stage is not Stage.RELEASE or len(look.words) > 1 else None
    if following is None:
        return look.stage is Stage.RELEASE  # "ten" is right either way
    return is_noun(following)


def _code(look: Look, digits: str, word: str) -> Reading | None:
    """Read the digits of a code, by the words before it."""
    length, before = len(digits), look.before
    if length > 2 and before.kind == "digits" and is_mixed(before.word) and not _is_measured(look):
        return Reading(1, code(digits) + look.first.mark, "digits")  # "1Z 999"
    if word in ("and", "or", "&") and length > 3 and before.near(CODES) and _same_length(before, digits):
        return Reading(1, code(digits) + look.first.mark, "digits")  # "ZIP codes 60614 and 60657"
    if (word == "order" and length > 3) or (word in ("extension", "ext", "flight") and length > 1):
        return Reading(1, code(digits) + look.first.mark, "digits")
    if length < 3 or not (word in CODE_NEXT or look.before.code):
        return None
    if _is_measured(look):
        return None
    return Reading(1, code(digits) + look.first.mark, "digits")


def _is_measured(look: Look) -> bool:
    """Tell whether a unit or a counted noun follows."""
    following = look.after(0)
    return following is not None and (following.core in COUNTED or unit_at(look, 1, look.first.core)[0] != "")


def _is_counted(look: Look) -> bool:
    """Tell whether a plural noun follows."""
    following = look.after(0)
    return following is not None and (is_many(following) or following.core in SCALE_WORDS)


def _same_length(before: Before, digits: str) -> bool:
    return len(before.recent) > 1 and before.recent[-2].isdigit() and len(before.recent[-2]) == len(digits)


def _is_postal(look: Look, digits: str) -> bool:
    """Tell whether five digits are before the name of a city: "17 Rue X, 75007 Paris"."""
    if len(digits) != 5 or look.before.mark != "," or digits.endswith("000"):
        return False
    following = look.after(0)
    if following is None or not following.core[:1].isupper():
        return False
    if not following.mark and look.at(2) is not None:
        return False  # "45678 Chinese students"
    return following.core in _CITIES or following.core[-1:] != "s"


def parted(look: Look, reading: Reading) -> Reading:
    """Add a pause between two numbers that would be heard as one: "a 4.5 40"."""
    before = look.before
    if before.paused or before.kind not in ("number", "year", "") or not look.first.core[:1].isdigit():
        return reading
    if before.kind == "" and (not before.word[-1:].isdigit() or before.word[0] in "QH"):
        return reading
    if reading.kind not in ("number", "unit", "money") or reading.spoken[:4] in ("and ", "to "):
        return reading
    return replace(reading, spoken=f", {reading.spoken}")
