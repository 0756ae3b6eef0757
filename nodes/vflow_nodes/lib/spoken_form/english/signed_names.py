"""English for names that contain a sign, and for lone letters."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.codes import mixed
from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.numbers import cardinal, code, spelled
from vflow_nodes.lib.spoken_form.english.symbols import NAMES, OPERATORS, expression
from vflow_nodes.lib.spoken_form.english.words import HIGHWAYS, word_set
from vflow_nodes.lib.spoken_form.reading import Before, Look, Reading

_WITH_SIGN = {
    "C++": "C plus plus",
    "C#": "C sharp",
    "F#": "F sharp",
    ".NET": "dot net",
    "ASP.NET": "A S P dot net",
}
_FLAG = re.compile(r"(--?)([A-Za-z][A-Za-z0-9-]*)")
_PERIODS = frozenset(("day", "week", "month", "year", "hour", "minute", "second", "person", "night"))
SIDES = {"N": "north", "S": "south", "E": "east", "W": "west"}
_GRADE = re.compile(r"(AB|[A-FO])([+\-−])")
_DIAL = re.compile(r"\*#?[0-9]{2,4}#?|#[0-9]{2,4}#")
_ANY_FILE = re.compile(r"\*\.([A-Za-z0-9]{1,4})")
_KEYS = {"*": "star", "#": "pound"}
_NUMBER_SIGN = re.compile(r"#([0-9]{1,10})")
_GROUPS = re.compile("#[0-9]{1,8}(?:-[0-9]{1,8})+")
_ACCOUNT = re.compile("[A-Z]{1,4}#")
_MASKED = re.compile(r"[(]?(?:[*xX•·#]{2,}[- ]?)+([0-9]{2,6})")
_LETTERS = re.compile(r"(M|Tu|W|Th|F|Sa|Su|[A-Z])[-–](M|Tu|W|Th|F|Sa|Su|[A-Z])")
_DAYS = {
    "M": "Monday", "Tu": "Tuesday", "W": "Wednesday", "Th": "Thursday", "F": "Friday", "Sa": "Saturday",
    "Su": "Sunday",
}  # fmt: skip
_HIGHWAY = re.compile(r"(?:I|US|SR|CA|TX|NY|FL|Hwy|Rte|Route|A|M)-[0-9]{1,3}")
_MOVES = word_set(
    "go head drive turn travel continue walk ride bike proceed heading facing going then run fly sail bear"
)
_ALONG = word_set("on along to for at past toward towards onto until up from about into")
_SECTION = re.compile(r"(§|№|©|≈|π|√)([0-9.]{1,10})")


def signed_name(look: Look) -> Reading | None:
    """Read a name with a sign: "C++", "#5", "A-", "§ 5"."""
    first, before = look.first, look.before
    core = first.core
    if _DIAL.fullmatch(dialled := first.text.rstrip(".,;:!?")):
        keys = (_KEYS.get(key) or spelled(key) for key in dialled)
        return Reading(1, " ".join(keys) + first.mark, "digits")
    if found := _ANY_FILE.fullmatch(dialled):
        return Reading(1, f"star dot {spaced(found.group(1).upper())}{first.mark}")
    if core in _WITH_SIGN:
        return Reading(1, _WITH_SIGN[core] + first.mark)
    if "#" in core[:1] and (found := _NUMBER_SIGN.fullmatch(core)):
        digits = found.group(1)
        said = code(digits) if len(digits) > 3 or digits[0] == "0" else cardinal(digits)
        return Reading(1, f"number {said}{first.mark}", "digits")
    if "#" in core[:1] and _GROUPS.fullmatch(core):
        return Reading(1, f"number {spelled(core[1:])}{first.mark}", "digits")
    if _ACCOUNT.fullmatch(core) and not first.mark:
        following = look.at(1)
        if following is not None and following.core[:1].isdigit():
            return Reading(1, f"{spaced(core)} number")
    if core[0] == "#" and (said := mixed(core[1:])):
        return Reading(1, f"number {said}{first.mark}", "digits")
    if (found := _GRADE.fullmatch(core)) and (before.paused or found.group(2) == "+" or _is_grade(look)):
        return Reading(
            1, f"{spaced(found.group(1))} {'plus' if found.group(2) == '+' else 'minus'}{first.mark}"
        )
    if found := _MASKED.fullmatch(first.written.rstrip(".,;:!?)")):
        word = before.word.lower()
        ending = "" if word in ("in", "with") else "ending in "
        ending = "a number ending in " if word in ("to", "at", "from", "by") else ending
        return Reading(1, f"{ending}{spelled(found.group(1))}{first.mark}", "digits")
    if found := _LETTERS.fullmatch(core):
        return Reading(1, _letters(found, before) + first.mark, "letter")
    if found := _SECTION.fullmatch(core):
        sign = found.group(1)
        return Reading(1, f"{NAMES.get(sign) or OPERATORS[sign]} {expression(found.group(2))}{first.mark}")
    if (found := _FLAG.fullmatch(core)) and (len(found.group(1)) > 1 or len(found.group(2)) < 3):
        name = found.group(2)
        if before.kind == "op" and len(name) == 1:
            return Reading(1, f"minus {name.upper()}{first.mark}", "letter")
        dashes = "dash dash" if len(found.group(1)) > 1 else "dash"
        said = name.replace("-", " ") if len(name) > 1 else name.upper()
        return Reading(1, f"{dashes} {said}{first.mark}")
    return None


def _is_grade(look: Look) -> bool:
    """Tell whether the dash after a letter is a minus: of a blood group, or of a mark at school."""
    if look.first.core in ("O-", "AB-") or look.before.word.lower() in ("a", "an", "type", "blood", "group"):
        return True
    return bool(look.first.mark)


def _letters(found: re.Match[str], before: Before) -> str:
    """Say "A-C", a range after a plural, and "M-F", days."""
    first, last = found.groups()
    if first in _DAYS and last in _DAYS and (first, last) not in (("S", "M"),):
        return f"{_DAYS[first]} to {_DAYS[last]}"
    word = before.word.lower()
    ranged = first < last and (word in ("from", "letters") or (word.endswith("s") and len(word) > 3))
    return f"{first} to {last}" if ranged else f"{first} {last}"


def direction(look: Look) -> str:
    """Return the direction that a lone letter names after a highway or a verb of motion; '' for none."""
    first, before = look.first, look.before
    side = SIDES.get(first.core)
    if side is None or (before.paused and before.mark):
        return ""
    word = before.word
    numbered = word.isdigit() and len(before.recent) > 1 and before.recent[-2].rstrip(".") in HIGHWAYS
    if numbered:
        return side
    if first.tail[:1] == ".":
        return ""
    if _HIGHWAY.fullmatch(word):
        return side
    following = look.after(0) if word.lower() in _MOVES else None
    return side if following is not None and following.core in _ALONG else ""


def lone_letter(look: Look) -> Reading | None:
    """Read a lone letter as a name, except the words "a" and "I"."""
    first, before = look.first, look.before
    core = first.core
    if not core.isascii():
        return Reading(1, NAMES[core] + first.mark, "letter") if core in NAMES else None
    if core == "n" and first.lead[-1:] in ("'", "‘"):
        return Reading(1, "and" + first.mark)
    if core in "CF" and (before.word == "degrees" or before.word.endswith("°")):
        return Reading(1, ("Celsius" if core == "C" else "Fahrenheit") + first.mark)
    if core in SIDES and before.word.endswith("°"):
        return Reading(1, SIDES[core] + first.mark)
    if side := direction(look):
        return Reading(1, side + first.mark)
    if core in "aA":
        alone = before.kind == "op" or first.mark or (not before.ended and core == "A")
        return Reading(1, ("A" if alone else core) + first.mark, "letter" if before.kind == "op" else "")
    if core in "IO":
        return Reading(1, core + first.mark)
    return Reading(1, core.upper() + first.mark, "letter")


def between(parts: list[str]) -> str:
    """Return the word for a slash between two parts; mostly none."""
    if len(parts) == 3 and all(len(part) == 1 and not part.isupper() for part in parts):
        return "over"
    return "per" if parts[-1] in _PERIODS and parts[0].endswith("s") else ""
