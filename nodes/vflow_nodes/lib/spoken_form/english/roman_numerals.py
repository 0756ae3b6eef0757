"""English for Roman numerals after a ruler's name or the word for a part."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.numbers import cardinal, ordinal, roman
from vflow_nodes.lib.spoken_form.english.words import NUMBERED, RULERS
from vflow_nodes.lib.spoken_form.reading import Look, Reading

_BRACKETED = re.compile(r"([IVXL]+)\(([a-z]|[0-9]{1,2})\)")


def roman_numeral(look: Look) -> Reading | None:
    """Read a Roman numeral after a ruler's name or the word for a part."""
    core = look.first.core
    letter = ""
    if core[-1:] in "ABCabc" and look.before.word.lower() in NUMBERED and roman(core[:-1]):
        core, letter = core[:-1], f" {core[-1].upper()}"
    elif (found := _BRACKETED.fullmatch(core)) is not None:
        core, letter = found[1], f" {found[2].upper() if found[2].isalpha() else cardinal(found[2])}"
    if len(core) > 1 and core.islower() and look.before.word.lower() in NUMBERED:
        core = core.upper()
    value = roman(core)
    if not value:
        return None
    before = look.before.word
    low = before.lower()
    if look.before.paused:
        return None
    if low in NUMBERED:
        return Reading(1, cardinal(str(value)) + letter + look.first.mark)
    if not before[:1].isupper():
        return None
    if low in RULERS and (value > 1 or look.first.mark):
        return Reading(1, f"the {ordinal(str(value))}{look.first.mark}")
    if value > 1 and len(core) > 1 and core not in ("XL", "XXL", "XX", "XXX") and low != "size":
        return Reading(1, cardinal(str(value)) + look.first.mark)
    return None
