"""English for the letter x between numbers: times, the sides of something, or the time of a prescription."""

# ruff: noqa: RUF001
# The signs are those that models write.

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.attributes import is_noun
from vflow_nodes.lib.spoken_form.english.dashes import MATH_KINDS
from vflow_nodes.lib.spoken_form.english.units import UNITS
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading

_TIMES = word_set("day days week weeks month months hours hrs nights doses wks mos")
_CROSSES = frozenset(("x", "X", "×"))


def times(look: Look) -> Reading | None:
    """Read the letter x between two numbers: "times", or "by" if a unit follows."""
    if look.first.core not in ("x", "X", "×") or look.first.mark:
        return None
    if look.before.kind in ("unit", "feet") and (said := _before_unit(look)):
        return Reading(1, said, "op")
    if look.before.kind not in MATH_KINDS:
        return _for_a_time(look)
    if look.before.kind in ("op", "letter"):
        return None
    following = look.at(1)
    if following is None or not following.core[:1].isdigit():
        return None
    at = 1
    while not look.words[at].mark and (sign := look.at(at + 1)) is not None and sign.core in _CROSSES:
        if (side := look.at(at + 2)) is None or not side.core[:1].isdigit():
            break
        at += 2
    return Reading(1, "by" if _is_side(look, at) else "times", "op")


def _before_unit(look: Look) -> str:
    """Say the x of "12 ft x 10 ft", and of "500 mg x 7 days"; '' if no number with a unit follows."""
    following = look.at(1)
    if following is None or not following.core.isdigit() or following.mark:
        return ""
    unit = look.at(2)
    if unit is None or unit.core.lower() in _TIMES:
        return "" if unit is None else "for"
    return "by" if unit.core in UNITS else ""


def _for_a_time(look: Look) -> Reading | None:
    """Read "x 7 days" of a prescription."""
    if (look.before.paused and look.before.mark != ",") or len(look.before.word) < 2:
        return None
    following = look.at(1)
    if following is None or not following.core.isdigit() or following.mark:
        return None
    unit = look.at(2)
    if unit is not None and unit.core.lower() in _TIMES:
        return Reading(1, "for")
    counted = len(look.before.recent) > 1 and look.before.recent[-2].isdigit()
    return Reading(1, "times", "op") if counted else None


def _is_side(look: Look, at: int) -> bool:
    """Tell whether the last of several numbers with "x" between them is a length: a unit or noun follows."""
    last = look.words[at]
    attached = last.core.lstrip("0123456789.,/")
    if attached[:1] in ('"', "”", "″"):
        return True
    if attached.strip("'’′\"”″") == "" and (attached or last.tail[:1] in ('"', "”", "″", "'", "’")):
        return True
    if attached:
        return attached in UNITS
    following = None if last.mark else look.at(at + 1)
    return following is not None and (following.core in UNITS or is_noun(following))
