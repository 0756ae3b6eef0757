"""English for a lone dash: a bullet, a range, a minus or a pause."""

# ruff: noqa: RUF001
# The dashes are those that models write.

from __future__ import annotations

import re
from dataclasses import replace

from vflow_nodes.lib.spoken_form.english.dates import clock_time, is_half
from vflow_nodes.lib.spoken_form.reading import Look, Reading, Stage
from vflow_nodes.lib.spoken_form.word import Word

MATH_KINDS = ("number", "op", "letter", "unit", "money", "digits", "year")
"""Kinds of words between which a lone dash may be a minus."""
_HAS_LETTER = re.compile("[a-z]")
_TERM = re.compile("[0-9]{1,3}[a-z][²³]?")
_RESULTS = frozenset(("is", "equals", "makes", "gives", "leaves"))


def dash(look: Look) -> Reading:
    """Read a lone dash: a bullet, a range, a minus or a pause."""
    before = look.before
    if before.paused and before.kind != "op":
        return Reading(1, "")
    if before.kind == "time" and not look.cut() and _is_time(look, 1):
        return Reading(1, "to")
    if before.kind in MATH_KINDS or before.kind == "time":
        algebra = before.kind == "number" and _HAS_LETTER.search(before.word) is not None
        if look.cut():
            return (
                Reading(1, "minus", "op") if before.sum or algebra else Reading(1, "", "dash", before.value)
            )
        following = look.at(1)
        if following is not None and _is_amount(following) and before.kind != "time":
            if before.kind == "letter" or before.sum or algebra or _TERM.fullmatch(following.core):
                return Reading(1, "minus", "op")
            operator = None if following.mark else look.at(2)
            if operator is not None and is_difference(before.value, following.core, operator.core):
                return Reading(1, "minus", "op")
            undecided = look.stage is Stage.RELEASE and len(look.words) == 2 and not following.mark
            return Reading(1, "dash" if undecided else "to")
        if following is not None and len(following.core) == 1 and before.kind in ("letter", "op"):
            return Reading(1, "minus", "op")
    return Reading(1, "—")


def _is_amount(word: Word) -> bool:
    """Tell whether a number comes, with or without its sign."""
    return word.core.lstrip("-−+")[:1].isdigit()


def _is_time(look: Look, at: int) -> bool:
    """Tell whether a time of day comes: "5 pm", "5pm", "17:30"."""
    word = look.at(at)
    if word is None or not word.core[:1].isdigit():
        return False
    if clock_time(word.core):
        return True
    half = None if word.mark else look.at(at + 1)
    return half is not None and is_half(half.core)


def is_difference(first: str, second: str, verb: str) -> bool:
    """Tell whether "10 - 3 is 7" subtracts: a result follows, and the first number is not smaller."""
    if verb == "=":
        return True
    return verb in _RESULTS and first.isdigit() and second.isdigit() and int(first) > int(second)


def after_dash(look: Look, reading: Reading) -> Reading:
    """Return how a number is read after a dash that was released unsaid: a minus before "=", or a range."""
    following = look.after(reading.count - 1)
    least = following is not None and is_difference(look.before.value, look.first.core, following.core)
    word = "minus" if least else "to"
    return replace(reading, spoken=f"{word} {reading.spoken}")
