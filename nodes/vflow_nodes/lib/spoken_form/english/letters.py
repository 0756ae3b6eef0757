"""English letters: acronyms, initials, plurals of both, and names that programs have."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.numbers import ONES, number
from vflow_nodes.lib.spoken_form.english.short_forms import STATES
from vflow_nodes.lib.spoken_form.english.words import COMMON, RESPELLED, SAID_AS_WORDS, SPELLED

_CAPITALS = re.compile(r"([A-Z]{2,6})(s|['’]s|s['’])?")
_DOTTED = re.compile(r"((?:[A-Za-z]\.)+[A-Za-z])\.?(['’]?s)?")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SMALL_CAPITALS = re.compile(r"[a-z][A-Z]{2,5}s?|p[A-Z][a-z]")
_BRANDS = frozenset(("WiFi", "iPhone", "iPad", "iOS", "iPod", "iMac", "eBay", "macOS", "iCloud", "iTunes"))
_VOWELS = frozenset("AEIOUY")


def spaced(letters: str) -> str:
    """Say letters and digits one by one, letters as capitals; leave out other characters."""
    kept = filter(str.isalnum, letters)
    return " ".join(ONES[int(letter)] if letter in "0123456789" else letter.upper() for letter in kept)


def with_ending(spoken: str, ending: str) -> str:
    """Add the ending of a plural or possessive to letters: "P C's"."""
    return f"{spoken}'s" if ending else spoken


def acronym(core: str, loud: bool) -> str:
    """Say a word in capitals; '' for one that is a word. loud: its neighbour is a word in capitals too."""
    found = _CAPITALS.fullmatch(core)
    if not found:
        return ""
    letters, ending = found.group(1), found.group(2) or ""
    if letters in RESPELLED:
        said = RESPELLED[letters]
        return said + ending if ending == "s" and said.islower() else with_ending(said, ending)
    if letters in SAID_AS_WORDS or letters in COMMON:
        return ""
    if (
        letters not in SPELLED
        and _VOWELS.intersection(letters)
        and (len(letters) > 4 or (loud and len(letters) > 3))
    ):
        return ""
    return with_ending(spaced(letters), ending)


def joined_letters(parts: list[str]) -> str:
    """Say letters that "&" joins, such as "AT", "&", "T"; '' for words."""
    letters = [part.removesuffix("s") for part in parts if part != "&"]
    if not all(map(str.isupper, letters)):
        return ""
    return " and ".join(map(spaced, letters)) + ("'s" if parts[-1].endswith("s") else "")


def initials(core: str) -> tuple[str, bool]:
    """Say letters with full stops between them, such as "U.S" and "Ph.D"; and whether it is one."""
    if core in ("Ph.D", "Ph.Ds"):
        return with_ending("P H D", core[4:]), True
    found = _DOTTED.fullmatch(core)
    if not found:
        return "", False
    return with_ending(spaced(found.group(1)), found.group(2) or ""), True


def party(core: str) -> str:
    """Say "D-Mass", a politician's party and state; '' for any other word."""
    letter, dash, state = core.partition("-")
    if letter in ("D", "R", "I") and state.istitle() and state in STATES.values():
        return f"{letter}, {state}"
    if letter not in ("D", "R", "I") or not dash:
        return ""
    short = state.replace(".", "").isupper() and 1 < len(state) < 5
    name = STATES.get(state) or (spaced(state) if short else "")
    return f"{letter}, {name}" if name else ""


def identifier(core: str) -> str:
    """Say a name such as getUserName or max_tokens; '' for any other word."""
    if _SMALL_CAPITALS.fullmatch(core) and core not in _BRANDS:
        return with_ending(spaced(core.removesuffix("s")), "s" if core.endswith("s") else "")
    name = core.removesuffix("()")
    if not name.isascii() or name in _BRANDS:
        return ""
    bare = name.strip("_")
    if "_" in bare:
        if not bare.replace("_", "").isalnum():
            return ""
    elif not (bare.isalnum() and bare[0].islower() and not bare.islower() and len(bare) > 3) and (
        name == core or not bare.isalnum()
    ):
        return ""
    if "_" in bare:
        bare = bare.lower()
    return " ".join(_part(part) for part in _HUMPS.findall(bare))


def humps(core: str) -> str:
    """Say the words of a tag such as VoteNow."""
    return " ".join(_part(part) for part in _HUMPS.findall(core))


def _part(part: str) -> str:
    if part.isdigit():
        return number(part)
    low = part.lower()
    if low in ("id", "url", "api", "html", "ip", "db", "ui", "http", "sql", "css"):
        return spaced(low)
    if len(part) == 1 and low != "a":
        return part.upper()
    if part.isupper() and 1 < len(part) <= 4:
        return acronym(part, False) or low
    return low


def is_foreign(core: str) -> bool:
    """Tell whether a word has letters outside the Latin script, except Greek signs of formulas."""
    if core.isascii():
        return False
    return any(
        letter > "\u024f" and letter.isalpha() and not "\u0370" <= letter <= "\u03ff" for letter in core
    ) or (
        len(core) > 2
        and all("\u0370" <= letter <= "\u03ff" or not letter.isalpha() for letter in core)
        and sum(map(str.isalpha, core)) > 1
    )
