"""English for lengths in feet and inches: "5'10\"", "5'-6'", "9\" x 13\" pan", "10'x12'"."""

# ruff: noqa: RUF001
# The dashes and quotes are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.attributes import describes, is_noun
from vflow_nodes.lib.spoken_form.english.numbers import HALVES, cardinal, fraction, number
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading
from vflow_nodes.lib.spoken_form.word import LENGTH, Word

_PARTS = re.compile(rf"({LENGTH})(?:([-–—x×])(?={LENGTH}))?")
_ONE = re.compile(
    r"(?:(?P<before>[0-9]{1,2})-(?=[0-9]/))?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?)?(?P<part>[½¼¾⅓⅔⅛]|/[0-9]{1,2})?"
    r"(?:(?P<foot>['’′])(?:-?(?P<more>[0-9]{1,2}(?:\.[0-9]+)?[½¼¾]?)(?:[\"”″]|''|’’)?)?"
    r"|(?P<inch>[\"”″]|''|’’))?"
)
_DIMENSIONS = word_set("wide tall long deep thick high across square apart")
_SIDE = re.compile(r"([0-9]+(?:\.[0-9]+)?)[\"”″]([WDHL])")
_SIDES = {"W": "wide", "D": "deep", "H": "high", "L": "long"}
_BY = ("x", "×", "X", "by")


def length(look: Look) -> Reading | None:
    """Read a word with the marks of feet or inches."""
    first = look.first
    if side := _SIDE.fullmatch(first.core):
        return Reading(1, f"{number(side[1])} inches {_SIDES[side[2]]}{first.mark}", "unit")
    core = first.core + inch_mark(first, look.before.quoted)
    if not any(mark in core for mark in "'’′\"”″"):
        return None
    found = _PARTS.findall(core)
    if "".join(part + mark for part, mark in found) != core:
        return None
    ends = [one for part, _ in found if (one := _ONE.fullmatch(part))]
    if len(ends) != len(found) or not (ends[-1]["foot"] or ends[-1]["inch"]):
        return None
    mark = first.mark
    if look.before.quoted == "'" and len(ends) == 1 and core[-1] in "'’":
        return Reading(1, _number(ends[0]) + mark, "number", "2")
    if len(ends) > 1:
        return _several(look, ends, found[0][1], mark)
    return _single(look, ends[0], mark)


def inch_mark(word: Word, quoted: str = "") -> str:
    """Return the mark of inches after a number, if it is no closing quote."""
    if quoted or word.lead or (not word.core[-1:].isdigit() and word.core[-1:] not in HALVES):
        return ""
    return word.tail[:1] if word.tail[:1] in ('"', "”", "″") else "''" if word.tail[:2] == "''" else ""


def _single(look: Look, end: re.Match[str], mark: str) -> Reading:
    said = _number(end)
    if end["more"] == "0":
        return Reading(1, f"{said} feet{mark}", "unit")
    if end["more"]:
        return Reading(1, f"{said} foot {_inches(end)}{mark}", "unit")
    following = look.after(0)
    if end["foot"]:
        if following is not None and inch_mark(following) and following.core.isdigit():
            noun = following.tail[1:]
            return Reading(
                2, f"{said} foot {cardinal(following.core)}{following.mark if noun else ''}", "unit"
            )
        if following is not None and following.core in _BY and not look.cut():
            return Reading(1, said, "number", "2")
        name = "foot" if end["whole"] == "1" or describes(look) or _is_second(look) else "feet"
        return Reading(1, f"{said} {name}{mark}", "unit")
    if following is not None and following.core in _BY and not look.cut():
        return Reading(1, said, "number", "2")
    if describes_length(look):
        return Reading(1, f"{said.replace('quarters', 'quarter')} inch", "unit")
    return Reading(1, f"{said} {_inch_noun(end)}{mark}", "unit")


def _inch_noun(end: re.Match[str]) -> str:
    """Return the noun: the singular for one, or a part of one."""
    whole, part = end["whole"], end["part"]
    single = not end["before"] and (part[:1] == "/" or not whole if part else whole == "1")
    return "inch" if single else "inches"


def _is_second(look: Look) -> bool:
    """Tell whether it is the last side of something: "10' x 12' rug"."""
    return look.before.word in _BY and is_noun(look.after(0))


def describes_length(look: Look, at: int = 0) -> bool:
    """Tell whether the length describes a noun that follows."""
    if describes(look, at):
        return True
    following = look.after(at)
    if following is not None and following.core[:1].isdigit() and look.before.word.lower() in ("a", "an"):
        return True  # a 27" 1440p monitor
    return is_noun(following) and following is not None and following.core not in _DIMENSIONS


def _several(look: Look, ends: list[re.Match[str]], sign: str, mark: str) -> Reading:
    """Read a range or the sides of something."""
    word = " by " if sign in "x×" else " to "
    singular = describes(look) or (not ends[-1]["foot"] and describes_length(look))
    if any(end["more"] for end in ends):
        parts = [
            f"{_number(end)} foot {_inches(end)}" if end["more"] else f"{_number(end)} feet" for end in ends
        ]
        return Reading(1, word.join(parts) + mark, "unit")
    feet = bool(ends[-1]["foot"])
    name = ("foot" if feet else "inch") if singular else ("feet" if feet else "inches")
    parts = [_number(end) for end in ends]
    if any(end["foot" if not feet else "inch"] for end in ends):
        parts = [
            f"{part} {'feet' if end['foot'] else 'inches'}" for part, end in zip(parts, ends, strict=True)
        ]
        return Reading(1, word.join(parts) + mark, "unit")
    return Reading(1, f"{word.join(parts)} {name}{mark}", "unit")


def _number(end: re.Match[str]) -> str:
    whole, part = end["whole"], end["part"]
    if not part:
        return number(whole or "0")
    if part in HALVES:
        said = "a half" if part == "½" and whole else fraction(*HALVES[part])
        return f"{number(whole)} and {said}" if whole else said
    said = "a half" if (whole, part) == ("1", "/2") and end["before"] else fraction(whole or "1", part[1:])
    return f"{cardinal(end['before'])} and {said}" if end["before"] else said


def _inches(end: re.Match[str]) -> str:
    more = end["more"]
    if more[-1] in HALVES:
        part = "a half" if more[-1] == "½" else fraction(*HALVES[more[-1]])
        return f"{cardinal(more[:-1])} and {part}"
    return number(more)
