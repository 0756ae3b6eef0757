"""English for the names of aircraft, forms, plans and the like, and for codes of two groups of digits."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.numbers import ONES, cardinal, is_year, number, plural, spelled
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading

_MAKERS = word_set(
    "boeing airbus embraer bombardier cessna mcdonnell douglas lockheed antonov tupolev ilyushin fokker"
    " porsche ferrari lamborghini peugeot"
)
_JET = re.compile(r"(7[0-8]7)(?:-([0-9]{1,3}))?([A-Z]{0,4}|[a-z]{3})(s?)")
_AIRBUS = re.compile(r"(A)([23][0-9]{2})(?:-([0-9]{2,4}))?(neo|ceo|XLR|LR|ULR|F|[A-Z]{0,3})(s?)")
_MODEL = re.compile(r"([0-9]{3})-([0-9]{1,3})([A-Z]{0,3})")
_HUNDREDS = re.compile("[1-9][0-9]{2}")
_NAMED = re.compile(r"([A-Z]{1,3})-([1-9][0-9]{2})([A-Z]{0,2})(s?)")
_FORMS = word_set("form schedule")
_FORM = re.compile(r"([0-9]{4})(?:-?([A-Z]{1,4}))?(s?)")
MADE = word_set(
    "tape tapes mask masks respirator respirators adhesive adhesives company products product brand"
    " stock shares sticker stickers strips hooks filter filters dental scotch command n95 makes said"
    " says announced corporation"
)
_TAX = frozenset(("1040", "1099", "1098", "1095", "1120", "1065", "5498", "8949", "4868"))
_PLAN = re.compile(r"(401|403|457|501)(?:\(([a-z])\)|([kb]))(?:\(([0-9])\))?(s?)")

_TWO_GROUPS = re.compile("([0-9]{1,8})([-/])([0-9]{1,8})")


def designation(look: Look) -> Reading | None:
    """Read the name of an aircraft, a tax form or a pension plan."""
    first = look.first
    core = first.core
    said = (
        _jet(look)
        or _airbus(core)
        or _made(look)
        or _form(look)
        or _maker(look)
        or _plan(core + first.tail[:1] if first.tail[:1] == ")" else core)
    )
    return Reading(1, said + first.mark, "digits") if said else None


def announced(look: Look) -> str:
    """Say "8841-22" and "2023/114" after the name of a code; '' for a range, a month and others."""
    found = _TWO_GROUPS.fullmatch(look.first.core)
    if not found or not look.before.code:
        return ""
    low, sign, high = found.groups()
    month = sign == "/" and len(low) < 3 and is_year(high)
    ascends = len(low) == len(high) and int(low) < int(high)
    if len(low + high) < 6 or month or ascends or (is_year(low) and is_year(high)):
        return ""
    return f"{spelled(low)} slash {spelled(high)}" if sign == "/" else f"{spelled(low)}, {spelled(high)}"


def pairs_of(digits: str) -> str:
    """Say three or four digits as two numbers: "seven forty seven", "ten ninety nine"."""
    head, tail = digits[:-2], digits[-2:]
    if tail == "00":
        return f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {'oh ' if tail[0] == '0' else ''}{cardinal(tail)}"


def _jet(look: Look) -> str:
    before = look.before.word.lower()
    maker = before in _MAKERS
    core = look.first.core
    if found := _JET.fullmatch(core):
        model, variant, letters, ending = found.groups()
        if not variant and not maker and not (letters or ending or _is_named(look)):
            return ""
        if variant and not maker and not _is_variant(variant):
            return ""
        said = _plural(pairs_of(model), ending if not variant else "")
        if variant:
            said += f" {_plural(_variant(variant), ending)}"
        return f"{said} {letters if letters.islower() else spaced(letters)}".rstrip()
    if maker and (found := _MODEL.fullmatch(core)):
        model, variant, letters = found.groups()
        return f"{pairs_of(model)} {_variant(variant)} {spaced(letters)}".rstrip()
    return ""


def _is_named(look: Look) -> bool:
    """Tell whether "747" alone is an aircraft: after an article, and not a count."""
    following = look.after(0)
    if following is not None and following.core.lower() == "max":
        return True
    if look.before.word.lower() not in ("a", "the") or look.before.paused:
        return False
    return following is None or following.core.lower() in _AFTER_JET


_AFTER_JET = word_set(
    "max jet aircraft plane crashed landed took flew is was has can from to with seats and fleet"
)


def _is_variant(digits: str) -> bool:
    return digits in ("8", "9", "10") or (len(digits) == 3 and digits.endswith("00"))


def _variant(digits: str) -> str:
    return f"{cardinal(digits[0])} hundred" if digits[1:] == "00" else number(digits)


def _airbus(core: str) -> str:
    found = _AIRBUS.fullmatch(core)
    if not found:
        return ""
    letter, model, variant, letters, ending = found.groups()
    if not (
        model in ("220", "300", "310")
        or (model[0] == "3" and model[2] == "0")
        or model in ("318", "319", "321")
    ):
        return ""
    said = f"{letter} {_plural(pairs_of(model), '' if variant else ending)}"
    if variant:
        said += f" {_plural(_variant(variant), ending)}"
    return f"{said} {letters if letters.islower() else spaced(letters)}".rstrip()


def _maker(look: Look) -> str:
    """Say "3M" if it is the maker, and not three million."""
    core = look.first.core.replace("\u2019", "'")
    if core not in ("3M", "3M's"):
        return ""
    if core == "3M":
        if look.cut():
            return ""
        following = look.after(0)
        if following is None or following.core.lower() not in MADE:
            return ""
    return "three " + core[1:]


def _made(look: Look) -> str:
    """Say "F-150" and "CRJ-900", and "172" after the name of a maker."""
    core, before = look.first.core, look.before
    if before.word.lower() in _MAKERS and _HUNDREDS.fullmatch(core):
        return pairs_of(core)
    if before.code or not (found := _NAMED.fullmatch(core)):
        return _model(core) if before.kind == "capitals" else ""
    letters, digits, more, ending = found.groups()
    said = _plural(pairs_of(digits), ending if not more else "")
    return f"{spaced(letters)} {said} {spaced(more)}".rstrip()


def _model(core: str) -> str:
    """Say "13-9310", the model of a computer."""
    low, dash, high = core.partition("-")
    if not dash or not low.isdigit() or not high.isdigit() or len(low) != 2 or len(high) != 4:
        return ""
    return f"{cardinal(low)} {pairs_of(high)}"


def _form(look: Look) -> str:
    """Say "1040-ES" and "1099s"."""
    found = _FORM.fullmatch(look.first.core)
    if not found:
        return ""
    digits, letters, ending = found.groups()
    named = look.before.word.lower() in _FORMS
    if not named and not (digits in _TAX and (letters or ending)):
        return ""
    if digits[0] == "0" or digits[1:3] == "00":
        return ""
    said = _plural(pairs_of(digits), ending)
    return f"{said} {spaced(letters)}" if letters else said


def _plan(core: str) -> str:
    """Say "401(k)" and "501(c)(3)"."""
    found = _PLAN.fullmatch(core)
    if not found:
        return ""
    digits, bracketed, bare, more, ending = found.groups()
    letter = (bracketed or bare).upper()
    said = f"{pairs_of(digits)} {letter}"
    if more:
        said += f" {ONES[int(more)]}"
    return said + ("'s" if ending else "")


def _plural(said: str, ending: str) -> str:
    return plural(said) if ending else said
