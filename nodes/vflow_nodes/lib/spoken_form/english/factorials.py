"""English for factorials: a number or letter with an exclamation mark that is no exclamation."""

# ruff: noqa: RUF001
# The signs are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.following import is_many
from vflow_nodes.lib.spoken_form.english.numbers import cardinal
from vflow_nodes.lib.spoken_form.english.symbols import expression
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading
from vflow_nodes.lib.spoken_form.word import mark_of

_COUNTED = re.compile(r"[0-9]{1,3}|[a-z]")
_SIGNS = frozenset("=+-−*/×÷·<>≤≥≈")
_VERBS = word_set(
    "is equals means gives ways has equal grows can divided over times plus minus counts makes are"
)
_ASKED = word_set("compute calculate evaluate find simplify of is what factorial value")
_LONGEST = 40
_BRACKETED = re.compile(r"[0-9a-z]?\([0-9a-z]+[+\-−*][0-9a-z]+\)!")
_FORMULA = re.compile(r"[0-9A-Za-z!()+\-−*/×÷=·]*[0-9a-z]![0-9A-Za-z!()+\-−*/×÷=·]*")


def factorial(look: Look) -> Reading | None:
    """Read "5!" before a sign, a verb or another mark: "5! = 120", "What is 5!?"."""
    first, before = look.first, look.before
    if formula := with_factorials(first.text):
        said = expression(formula.replace("!=", "! =") if _is_equation(formula) else formula)
        return Reading(1, said + mark_of(first.text[len(formula) :]), "number", "2")
    if _BRACKETED.fullmatch(first.text) and (following := look.at(1)) is not None:
        core = following.core or following.text
        if core[:1] in _SIGNS or core in _VERBS:
            return Reading(1, expression(first.text), "number", "2")
    if first.tail[:1] != "!" or first.lead or not _COUNTED.fullmatch(first.core) or first.core in "ai":
        return None
    rest = first.tail[1:]
    if rest and not rest.startswith("!"):
        asked = rest[0] != "?" or before.word.lower() in _ASKED
        return Reading(1, _said(first.core) + mark_of(rest), "number", "2") if asked else None
    if rest:
        return None
    following = look.at(1)
    if following is None:
        asked = before.word.lower() in _ASKED - {"is", "what"}
        return Reading(1, f"{_said(first.core)}.", "number", "2") if asked else None
    core = following.core or following.text
    if core[:1] in _SIGNS or core in _VERBS or (first.core.isalpha() and core[:1].islower()):
        return Reading(1, _said(first.core), "number", "2")
    if is_many(following):
        return Reading(1, _said(first.core), "number", "2")
    joined = core in ("and", "or") and (before.near(_ASKED) or first.core.isalpha())
    return Reading(1, _said(first.core), "number", "2") if joined else None


def _said(core: str) -> str:
    return f"{cardinal(core) if core.isdigit() else core.upper()} factorial"


def with_factorials(text: str) -> str:
    """Return the text of a formula such as "5!/3!", up to its mark; '' for any other text."""
    if "!" not in text[:-1] or len(text) > _LONGEST:
        return ""
    bare = text.rstrip(".,;:?")
    inner = bare[:-1] if bare.endswith("!") else bare
    ends = bare != text and bare.endswith("!")  # "n!." is no exclamation
    if "!" not in inner.replace("!=", "") and not _is_equation(inner) and not ends:
        return ""
    if "!!" in bare or not any(map(bare.__contains__, "+-−*/×÷=(·")):
        return ""
    return bare if _FORMULA.fullmatch(bare) else ""


def _is_equation(text: str) -> bool:
    """Tell whether "5!=120" is a true equation of a factorial, and no inequality."""
    left, sign, right = text.partition("!=")
    if not sign or not left.isdigit() or not right.isdigit() or len(left) > 2:
        return False
    product = 1
    for factor in range(2, int(left) + 1):
        product *= factor
    return product == int(right[:100])
