"""English for two numbers with a slash: a fraction, a rating, a share, a pair, a day."""

# ruff: noqa: RUF001
# The signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.attributes import (
    is_noun,
)
from vflow_nodes.lib.spoken_form.english.dates import DATE_WORDS
from vflow_nodes.lib.spoken_form.english.following import is_many, mixed_fraction
from vflow_nodes.lib.spoken_form.english.numbers import (
    cardinal,
    fraction,
    number,
)
from vflow_nodes.lib.spoken_form.english.units import UNITS, unit_name
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading
from vflow_nodes.lib.spoken_form.word import Word

_SIGNS = frozenset("=+-*/×÷<>≤≥")
FRACTION = re.compile(r"/([0-9]{1,6})(?:rds?|ths?|nds?)?")
_OUT_OF = re.compile(r"/([0-9]{1,3})")
_PARTS = word_set("page step part slide question chapter lesson level round stage item")
_EYESIGHT = word_set("15 25 30 40 50 70 100 200 400")
_LINE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{1,2})")
_SHARE = re.compile(r"([0-9]{1,2})/([0-9]{1,3})")
_UNIT_NAMES = frozenset(name for names in UNITS.values() for name in names)
_JOINTS = frozenset(("and", "or", "to"))
_ODDS = frozenset(("odds", "at", "bet", "favorite", "outsider"))
FEWEST = 5
"""Out of at least this many things a number is said: "four out of five stars". Out of fewer, a fraction."""
_PERIODS_OF_DAY = word_set("mornings evenings nights afternoons weekends")
_COUNTED = word_set("had averaged averages averaging average posted line scored scores finished")


def with_slash(look: Look, digits: str, rest: str, whole: bool) -> tuple[str, str]:
    """Say a number with the slash and number after it, and its kind; '' for none."""
    before = look.before
    if rest[0] == "-" and whole and (more := mixed_fraction(rest[1:])):
        return f"{cardinal(digits)} and {more}", "range"
    above, dash, noun = rest.partition("-")
    if dash and noun.isalpha() and (found := FRACTION.fullmatch(above)) and whole:
        return f"{_fraction(digits, found.group(1))} {unit_name(noun, '1') or noun}", "unit"
    if (found := _OUT_OF.fullmatch(rest)) and whole and before.word.lower() in _PARTS:
        return f"{cardinal(digits)} of {cardinal(found.group(1))}", "range"
    if (found := _OUT_OF.fullmatch(rest)) and whole and _is_pair(look, digits, found.group(1)):
        return f"{cardinal(digits)} {cardinal(found.group(1))}", ""
    if (found := _OUT_OF.fullmatch(rest)) and whole and _is_rating(look, digits, found.group(1)):
        return f"{cardinal(digits)} out of {cardinal(found.group(1))}", ""
    if (found := _OUT_OF.fullmatch(rest)) and whole and _is_share(look, digits, found.group(1)):
        return f"{cardinal(digits)} out of {cardinal(found.group(1))}", ""
    if rest == "/1" and whole and before.near(_ODDS):
        return f"{cardinal(digits)} to one", ""
    if (found := FRACTION.fullmatch(rest)) and whole:
        return _fraction(digits, found.group(1)), "range"
    if "." in digits and (found := _OUT_OF.fullmatch(rest)):
        return f"{number(digits)} out of {cardinal(found.group(1))}", "range"
    return "", ""


def no_date(look: Look) -> Reading | None:
    """Read numbers with slashes that look like a date but are none."""
    first, before = look.first, look.before
    word = before.word.lower()
    if word in _COUNTED and (found := _LINE.fullmatch(first.core)):
        return Reading(1, ", ".join(map(cardinal, found.groups())) + first.mark, "digits")
    if word == "and" and "".join(before.recent[-2:-1]).isdigit() and (part := mixed_fraction(first.core)):
        return Reading(1, part + first.mark, "number", "2")
    if word in DATE_WORDS and mixed_fraction(first.core) and _is_open(look):
        return Reading(1, " slash ".join(map(cardinal, first.core.split("/"))))  # right for a day and a part
    said = _of_several(look) if word == "on" else ""
    return Reading(1, said + first.mark) if said else None


def _is_open(look: Look) -> bool:
    """Tell whether the words end before `is_part_of_unit` can be sure that no unit follows."""
    joint = look.after(0)
    return look.cut() or (joint is not None and joint.core in _JOINTS and (look.cut(1) or look.cut(2)))


def is_part_of_unit(look: Look) -> bool:
    """Tell whether a unit or "of" follows, or another fraction first: "to 3/4 inch", "to 1/2 or 3/4 cup"."""
    if not mixed_fraction(look.first.core):
        return False
    joint = look.after(0)
    if _is_unit(joint) or (joint is not None and joint.core == "of"):
        return True
    if joint is None or joint.core not in _JOINTS:
        return False
    second = look.after(1)
    if second is None or not mixed_fraction(second.core):
        return False
    return _is_unit(look.after(2))


def _is_unit(word: Word | None) -> bool:
    """Tell whether a word is a unit, short or in full, except the words "in" and "at"."""
    if word is None or word.core in ("in", "at", "as"):
        return False
    return word.core in UNITS or word.core in _UNIT_NAMES


def is_date(look: Look) -> bool:
    """Tell whether "2/3" is a day: a time follows, or it is no fraction of anything."""
    found = _SHARE.fullmatch(look.first.core)
    if not found:
        return False
    if _before_time(look):
        return True
    month, day = int(found[1]), int(found[2])
    if not (12 >= month > day > 1) or look.before.kind in ("op", "number", "letter"):
        return False
    following = look.after(0)
    sign = following.text[:1] if following is not None else ""
    return sign not in _SIGNS


def _of_several(look: Look) -> str:
    """Say "on 3/8 nodes", which is no date; '' for a possible date."""
    found = _SHARE.fullmatch(look.first.core)
    if not found or int(found[1]) > int(found[2]):
        return ""
    following = look.after(0)
    if following is None or not is_many(following) or following.core in _PERIODS_OF_DAY:
        return ""
    return f"{cardinal(found[1])} of {cardinal(found[2])}"


def _before_time(look: Look) -> bool:
    """Tell whether "at" and a time follow, so that "2/3" is a date."""
    following = look.after(0)
    if following is None or following.core not in ("at", "@") or look.cut():
        return False
    clock = look.at(1 + 1)
    return clock is not None and clock.core[:1].isdigit() and clock.core[-1:] in "0123456789amMpP"


def _is_pair(look: Look, digits: str, most: str) -> bool:
    """Tell whether the numbers are a pair, as in "4/4 time", "28/36 mpg" and "20/40 vision"."""
    if (digits == "20" and most in _EYESIGHT) or digits == most:
        return True
    following = look.after(0)
    return following is not None and following.core in ("time", "mpg", "meter", "beat", "signature")


def _is_rating(look: Look, digits: str, most: str) -> bool:
    """Tell whether "7/10" is a rating: nothing follows that it could be a part of."""
    if most not in ("10", "100") or int(digits) > int(most):
        return False
    following = look.after(0)
    return following is None or (
        following.core != "of" and not is_noun(following) and following.core not in UNITS
    )


def _is_share(look: Look, digits: str, most: str) -> bool:
    """Tell whether "9/10" counts the things that follow: "9/10 dentists"."""
    following = look.after(0)
    if following is None or not int(most) >= max(int(digits), FEWEST):
        return False
    of_week = most == "7" and following.core == "days"
    return of_week or (is_noun(following) and is_many(following) and not _is_unit(following))


def _fraction(above: str, below: str) -> str:
    if len(above) < 4 and len(below) < 4 and int(above) > 12 and int(below) > 12:
        return f"{cardinal(above)} over {cardinal(below)}"
    if len(above) > 3:
        return f"{cardinal(above)} over {cardinal(below)}"
    if int(below[:4]) < 2 or below[0] == "0" or above == "0":
        return f"{number(above)} slash {number(below)}"
    return fraction(above, below)
