"""English amounts of money."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re
from decimal import Decimal

from vflow_nodes.lib.spoken_form.english.attributes import MONEY_NOUNS, describes, describes_one_of
from vflow_nodes.lib.spoken_form.english.currencies import (
    CENTS,
    CURRENCIES,
    EACH,
    MYRIADS,
    SMALL_MONEY,
    SUFFIXES,
    WHOLE_ONLY,
)
from vflow_nodes.lib.spoken_form.english.following import end_of, scale_end
from vflow_nodes.lib.spoken_form.english.numbers import NUMBER, cardinal, number
from vflow_nodes.lib.spoken_form.english.units import (
    DOTTED_UNITS,
    PERIODS,
    SCALE_LETTERS,
    SCALE_WORDS,
    SCALES,
    UNITS,
    unit_name,
)
from vflow_nodes.lib.spoken_form.reading import Look, Reading

_SYMBOL = "|".join(
    sorted(
        (re.escape(name) for name in CURRENCIES if not name.isalpha() or len(name) == 2),
        key=len,
        reverse=True,
    )
)
_MONEY = re.compile(rf"([+\-−~≈<>]?)({_SYMBOL})([+\-−]?)({NUMBER})(.*)")
_BEHIND = re.compile(rf"([+\-−~]?)({NUMBER})({_SYMBOL})")
_RANGE = re.compile(rf"([kKmMbB]?)[-–—](?:{_SYMBOL})?({NUMBER})(k|K|m|M|b|B|bn|)(\+?)")
_REST = re.compile(rf"({'|'.join(SCALE_LETTERS)})?(\+?)(?:/({NUMBER})?([A-Za-z]*))?")
_OTHER = re.compile(
    rf"([+\-−]?)([¥￥₩]?)({NUMBER})([{''.join(MYRIADS)}]?)(?:[-–~〜～]({NUMBER}))?"
    rf"({'|'.join(sorted(SUFFIXES, key=len, reverse=True))})?(?:/([{''.join(EACH)}]))?(?:[(（].*)?"
)
_CENTS_AFTER_COMMA = re.compile(r"([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+),([0-9]{2})")
_NO_CENTS = (".-", ".–", ".—", ",-", ",–")
_PLAIN = re.compile(rf"{NUMBER}")
SIGNS = {
    "": "",
    "+": "plus ",
    "-": "minus ",
    "−": "minus ",
    "±": "plus or minus ",
    "~": "about ",
    "≈": "approximately ",
    "<": "less than ",
    ">": "more than ",
}


def amount(digits: str, names: tuple[str, str], describing: bool = False) -> str:
    """Say an amount without a scale: whole units, and hundredths as such; all singular before a noun that
    it describes."""
    one, many = names
    whole, point, part = digits.partition(".")
    bare = whole.replace(",", "").lstrip("0")
    if point and part.strip("0") == "" and len(part) == 2:
        point = ""
    if point and (len(part) != 2 or many.split()[-1] in WHOLE_ONLY or one in WHOLE_ONLY):
        return f"{number(digits if whole else '0' + digits)} {one if describing else many}"
    said = f"{cardinal(whole or '0')} {one if bare == '1' or describing else many}"
    if not point or part == "00":
        return said
    small = SMALL_MONEY.get(many, CENTS)
    cents = f"{cardinal(part)} {small[int(part) != 1 and not describing]}"
    return f"{said} and {cents}" if bare else cents


def money(look: Look) -> Reading | None:
    """Read an amount with its currency: "$1.5 million", "5€", "USD 20"."""
    first = look.first
    if found := _MONEY.fullmatch(first.core):
        sign, symbol, inner, digits, rest = found.groups()
        if rest in _NO_CENTS or (rest == "p" and symbol == "£"):
            rest = ""
        return _amount(look, 0, SIGNS[sign or inner], digits, CURRENCIES[symbol], rest)
    if found := _BEHIND.fullmatch(first.core):
        sign, digits, symbol = found.groups()
        return Reading(1, SIGNS[sign] + amount(digits, CURRENCIES[symbol]) + first.mark, "money")
    if "." in first.core and not first.mark and _PLAIN.fullmatch(first.core):
        following = look.at(1)
        if following is not None and following.core in CURRENCIES:
            return Reading(2, amount(first.core, CURRENCIES[following.core]) + following.mark, "money")
    if first.core in CURRENCIES and look.before.kind == "number" and not look.before.paused:
        return Reading(1, CURRENCIES[first.core][look.before.value != "1"] + first.mark, "unit")
    if first.core in CURRENCIES and first.mark in ("", ".") and look.before.kind != "number":
        following = look.at(1)
        digits = following.core if following is not None else ""
        if european := _CENTS_AFTER_COMMA.fullmatch(digits):
            digits = f"{european[1].replace('.', '')}.{european[2]}"
        if found := _MONEY.fullmatch("$" + digits):
            return _amount(
                look, 1, SIGNS[found.group(3)], found.group(4), CURRENCIES[first.core], found.group(5)
            )
    return None


def _amount(look: Look, at: int, sign: str, digits: str, names: tuple[str, str], rest: str) -> Reading | None:
    word = look.words[at]
    if rest:
        return _with_rest(look, at, sign, digits, names, rest)
    following = None if word.mark else look.at(at + 1)
    if following is not None and (plus := following.core.partition("-"))[0] in SCALES and plus[2].isalpha():
        said = f"{sign}{number(digits)} {plus[0]} {names[0]} {plus[2]}"
        return Reading(at + 2, said + following.mark, "money", names[1])
    if following is not None and (scale := SCALE_WORDS.get(following.core, following.core.lower())) in SCALES:
        many = names[0] if describes(look, at + 1) else names[1]
        said = f"{sign}{number(digits)} {scale} {many}"
        return Reading(at + 2, said + scale_end(look, at + 1), "money", names[1])
    if look.cut(at) and digits.lstrip("0")[:1] not in (".", ""):
        return Reading(at + 1, sign + _bare(digits), "number", digits, owed=names[1])
    return Reading(at + 1, sign + amount(digits, names, _is_noun(look, at)) + word.mark, "money", names[1])


def _with_rest(
    look: Look, at: int, sign: str, digits: str, names: tuple[str, str], rest: str
) -> Reading | None:
    word = look.words[at]
    if found := _RANGE.fullmatch(rest):
        return _range(look, at, sign + number(digits), names, found)
    if rest[0] == "-" and rest[1:] in SCALES:
        said = f"{number(digits)} {rest[1:]} {names[0]}"
    elif rest[0] == "-" and rest[1:].replace("-", "").isalpha():
        said = f"{number(digits)} {names[0]} {rest[1:].replace('-', ' ')}"
    elif found := _REST.fullmatch(rest):
        letters, plus, count, per = found.groups()
        if letters:
            said = f"{number(digits)} {SCALE_LETTERS[letters]} {names[0] if _is_noun(look, at) else names[1]}"
        else:
            said = amount(digits, names, not count and _is_noun(look, at))
        said += " plus" if plus else ""
        if count:
            said += f" per {number(count)}{' ' + SCALE_LETTERS[per] if per in SCALE_LETTERS else ''}"
        elif per:
            said += f" per {PERIODS.get(per) or UNITS.get(per, (per,))[0]}"
        if count and per and per not in SCALE_LETTERS:
            said += f" {unit_name(per, count) or per}"
    else:
        return None
    dotted = word.dotted and rest.rpartition("/")[2] in DOTTED_UNITS
    return Reading(at + 1, sign + said + (end_of(look, at) if dotted else word.mark), "money", names[1])


def _range(look: Look, at: int, first: str, names: tuple[str, str], found: re.Match[str]) -> Reading:
    """Read "$5-$10" and "$1.5-2 million"."""
    word = look.words[at]
    low_scale, high, scale, more = found.groups()
    low = f"{first} {SCALE_LETTERS[low_scale]}" if low_scale else first
    said = f"{low} to {number(high)}"
    if scale:
        said += f" {SCALE_LETTERS[scale]}"
    following = None if word.mark or scale else look.at(at + 1)
    if look.cut(at) and not scale and not more:
        return Reading(at + 1, said, "number", "2", owed=names[1])
    count = at + 1
    if following is not None and following.core.lower() in SCALES:
        said, count, word = f"{said} {following.core.lower()}", at + 2, following
    name = names[0] if describes(look, count - 1) else names[1]
    return Reading(count, f"{said} {name}{' plus' if more else ''}{word.mark}", "money", names[1])


def _bare(digits: str) -> str:
    """Say an amount without its currency, so that a scale may follow."""
    return number(digits.removesuffix(".00"))


def _is_noun(look: Look, at: int) -> bool:
    """Tell whether the amount describes a noun that follows: "a $5 bill", "pay with $5 bills"."""
    return describes(look, at) or describes_one_of(look, at, MONEY_NOUNS)


def other_money(look: Look) -> Reading | None:
    """Read an amount before a currency of another script or language, "5万円", and such a currency alone."""
    first, before = look.first, look.before
    core = first.core
    if core in SUFFIXES and before.kind == "number" and not before.paused:
        mark = end_of(look, 0) if first.dotted and core in DOTTED_UNITS else first.mark
        return Reading(1, SUFFIXES[core][before.value != "1"] + mark, "unit")
    found = _OTHER.fullmatch(core)
    if not found or not (found[4] or found[6]):
        return None
    sign, symbol, digits, scale, high, name, each = found.groups()
    mark = end_of(look, 0) if first.dotted and name in DOTTED_UNITS else first.mark
    names = SUFFIXES.get(name) or CURRENCIES.get(symbol)
    said = f"{SIGNS[sign]}{_scaled(digits, scale)}"
    if high:
        said += f" to {_scaled(high, scale)}"
    elif names and not scale:
        per = f" per {EACH[each]}" if each else ""
        return Reading(1, SIGNS[sign] + amount(digits, names) + per + mark, "money", names[1])
    if not names:
        return Reading(1, said + mark, "number", "2")
    return Reading(1, f"{said} {names[digits != '1' or bool(scale)]}{mark}", "money", names[1])


def _scaled(digits: str, scale: str) -> str:
    """Say a number of thousands or of ten thousands: "5万" is fifty thousand."""
    value = Decimal(digits.replace(",", "")) * 10 ** MYRIADS.get(scale, 0)
    return cardinal(str(int(value))) if value == int(value) and scale else number(digits)


def is_money_word(look: Look) -> bool:
    """Tell whether the word repeats the currency that was just said: "$1.5 million dollars"."""
    return look.before.kind == "money" and look.first.core.lower() == look.before.value
