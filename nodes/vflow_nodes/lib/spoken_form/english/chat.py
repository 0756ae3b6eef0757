"""English for the short words of chats, "c u 2nite", and of prescriptions, "q4h"."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.numbers import cardinal
from vflow_nodes.lib.spoken_form.english.words import SLANG, word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading
from vflow_nodes.lib.spoken_form.word import Word

_LETTERS = {"u": "you", "r": "are", "c": "see", "b": "be"}
_NAMED = word_set(
    "let given suppose where denote letter letters variable vector vectors function value velocity"
    " point matrix and or axis key in"
)
_SUBJECTS = word_set("we you they who what where how when why")
_EVERY = re.compile(r"q([0-9]{1,2})(?:-([0-9]{1,2}))?(h|hr|hrs|d|wk|min)")
_INTERVALS = {"h": "hours", "hr": "hours", "hrs": "hours", "d": "days", "wk": "weeks", "min": "minutes"}
_SIGNS = frozenset("=+-*/<>^×÷")  # noqa: RUF001


def chat_word(look: Look) -> Reading | None:
    """Read a word shortened to letters or digits, as "2nite", "u" and "q4h", unless it names a value."""
    first, before = look.first, look.before
    core = first.core
    if core.lower() in SLANG and any(map(str.isdigit, core)):
        return Reading(1, SLANG[core.lower()] + first.mark)
    if found := _EVERY.fullmatch(core):
        most = f" to {cardinal(found[2])}" if found[2] else ""
        return Reading(1, f"every {cardinal(found[1])}{most} {_INTERVALS[found[3]]}{first.mark}", "unit")
    if core == "q" and not before.ended and _is_number(look.at(1)):
        return Reading(1, "every")
    if (
        core not in _LETTERS
        or first.lead
        or (before.kind in ("op", "letter") or (before.kind == "number" and before.word not in ("2", "4")))
    ):
        return None
    if core == "u":
        return _you(look)
    following = look.after(0) if core == "b" and before.paused else None
    if following is not None and following.core in ("there", "right", "back", "home", "careful", "safe"):
        return Reading(1, "be")
    if core == "b" and before.word.lower() in ("gonna", "will", "to", "can", "ill", "i'll", "u", "wanna"):
        return Reading(1, "be" + first.mark)
    word = before.word.lower()
    if core == "r" and (word in _SUBJECTS or word == "u"):
        return Reading(1, "are" + first.mark)
    if core in ("c", "r") and not first.mark:
        following = look.at(1)
        if following is not None and following.core in (("u", "ya", "you") if core == "c" else ("u",)):
            return Reading(1, _LETTERS[core])
    return None


def _is_number(word: Word | None) -> bool:
    return word is not None and word.core.isdigit()


def _you(look: Look) -> Reading | None:
    """Read "u" as "you", unless it names a value."""
    first, before = look.first, look.before
    if before.word.lower() in _NAMED:
        return None
    following = look.after(0)
    text = following.text if following is not None else ""
    if text[:1] in _SIGNS or (following is not None and following.core in ("is", "equals")):
        return None
    return Reading(1, "you" + first.mark)
