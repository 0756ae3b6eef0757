"""English names of symbols, and expressions made of them."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re
import unicodedata

from vflow_nodes.lib.spoken_form.english.dashes import MATH_KINDS, dash
from vflow_nodes.lib.spoken_form.english.letters import acronym, spaced
from vflow_nodes.lib.spoken_form.english.numbers import NUMBER, cardinal, number
from vflow_nodes.lib.spoken_form.reading import Look, Reading

OPERATORS = {
    "=": "equals",
    "==": "equals",
    ":=": "equals",
    "<=": "less than or equal to",
    "≤": "less than or equal to",
    ">=": "greater than or equal to",
    "≥": "greater than or equal to",
    "!=": "not equal to",
    "≠": "not equal to",
    "±": "plus or minus",
    "×": "times",
    "·": "times",
    "÷": "divided by",
    "≈": "approximately",
    "√": "the square root of",
    "^": "to the power of",
    "−": "minus",
    "+": "plus",
    "∞": "infinity",
    "∑": "the sum of",
    "∫": "the integral of",
}
NAMES = {
    "&": "and",
    "&&": "and",
    "||": "or",
    "+/-": "plus or minus",
    "$": "dollar",
    "@": "at",
    "%": "percent",
    "→": "to",
    "->": "to",
    "=>": "to",
    "⇒": "to",
    "-->": "to",
    "←": "from",
    "<-": "from",
    "↔": "to and from",
    "~": "about",
    "°": "degrees",
    "§": "section",
    "§§": "sections",
    "©": "copyright",
    "π": "pi",
    "µ": "micro",
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "Δ": "delta",
    "θ": "theta",
    "λ": "lambda",
    "σ": "sigma",
    "ω": "omega",
    "Ω": "omega",
    "½": "one half",
    "¼": "one quarter",
    "¾": "three quarters",
    "€": "euro",
    "£": "pound",
    "¥": "yen",
    "¢": "cents",
    "№": "number",
    "¶": "paragraph",
    "∠": "angle",
    "⌘": "command",
    "⌥": "option",
    "⇧": "shift",
    "⌃": "control",
}
_RAISED = {"²": "squared", "³": "cubed"}
FUNCTIONS = {
    "sin": "sine",
    "cos": "cosine",
    "tan": "tangent",
    "log": "log",
    "ln": "L N",
    "sqrt": "the square root",
    "exp": "exp",
}
_TOKENS = re.compile(rf"{NUMBER}|[A-Za-z]+|<=|>=|!=|==|:=|->|=>|\S")
_EXPRESSION = re.compile(
    r".*(?:[=^×÷√≤≥≠·²³π]|[0-9)][+*][0-9A-Za-z(]|[A-Za-z0-9]<[A-Za-z0-9]|[0-9]>[0-9])|[A-Za-z]{1,4}\([A-Za-z0-9]\)|(?:sin|cos|tan|log|ln|sqrt|exp)\([^()]{1,12}\)",
    re.DOTALL,
)
_SHORT_WORDS = frozenset(("of", "is", "to", "or", "pi", "if"))
_ARROWS = frozenset(("->", "=>", "→", "⇒", "-->"))
_BEFORE_STAR = frozenset(("a", "an", "the", "select"))
"""Words after which a lone star is a sign, and no bullet."""
_PRESSED = frozenset(("press", "dial", "hit", "push", "tap", "enter"))
_PHONE_KEYS = {"*": "star", "#": "pound"}
_DASHES = frozenset("-–—―_=*")


def lone(look: Look) -> Reading | None:
    """Read a word without a letter or a digit: a symbol, a bullet, a rule, a dash, a mark."""
    first, before = look.first, look.before
    core = first.core
    if before.word.lower() in _PRESSED and (key := _PHONE_KEYS.get(first.text.rstrip(".,!?;:"))):
        return Reading(1, key + first.mark)
    if not core:
        return _bare_mark(look)
    if core in ("-", "–", "−"):
        return dash(look)
    if set(core) <= _DASHES and core not in OPERATORS:
        return Reading(1, "" if before.paused else "—")
    if core in ("<", ">"):
        return _compare(look)
    if core in ("+", "/", "•", "|"):
        return _by_place(look)
    if core in OPERATORS:
        said = f"is {OPERATORS[core]}" if core == "≈" and not before.paused else OPERATORS[core]
        return Reading(1, said + first.mark, "op")
    if core in _ARROWS and before.ended:
        return Reading(1, "")
    if core == "#" and not before.ended:
        return Reading(1, "number" + first.mark)
    if core in NAMES:
        return Reading(1, NAMES[core] + first.mark)
    said = " ".join(filter(None, (OPERATORS.get(c) or NAMES.get(c) or "" for c in core[:20])))
    return Reading(1, (said + first.mark) if said else _mark_alone(look))


def _bare_mark(look: Look) -> Reading:
    first, before = look.first, look.before
    if first.text == "*" and before.kind in MATH_KINDS and not before.paused:
        following = look.at(1)
        if (look.cut() and before.sum) or (following is not None and following.core[:1].isdigit()):
            return Reading(1, "times", "op")
    if first.text == "*" and not before.paused and before.word.lower() in _BEFORE_STAR:
        return Reading(1, "star")
    return Reading(1, _mark_alone(look))


def _mark_alone(look: Look) -> str:
    """Return the mark of a word that has nothing else; none after another mark, and none for a smiley."""
    first = look.first
    if look.before.paused or (first.text[:1] in ":;" and len(first.text) > 1):
        return ""
    return first.mark


def _compare(look: Look) -> Reading:
    before, core = look.before, look.first.core
    if not before.paused and (before.kind in MATH_KINDS or len(before.word) == 1):
        return Reading(1, "less than" if core == "<" else "greater than", "op")
    following = None if before.ended else look.at(1)
    if following is not None and following.core[:1].isdigit():
        return Reading(1, "less than" if core == "<" else "greater than", "op")
    if core == ">":
        return Reading(1, "" if before.paused else "then")
    return Reading(1, "" if before.paused else "less than")


def _by_place(look: Look) -> Reading:
    before, core = look.before, look.first.core
    if core == "|":
        return Reading(1, "" if before.paused else ",")
    if before.paused or core == "•":
        return Reading(1, "")
    if core == "+":
        return Reading(1, "plus", "op")
    return Reading(1, "divided by", "op") if before.kind in MATH_KINDS else Reading(1, "")


def is_expression(core: str) -> bool:
    """Tell whether a word is an expression such as "2+2=4" or "x^2"."""
    return len(core) <= 60 and _EXPRESSION.match(core) is not None


def expression(core: str) -> str:
    """Say an expression, sign for sign."""
    tokens = _TOKENS.findall(core)
    said: list[str] = []
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else ""
        after = tokens[at + 1] if at + 1 < len(tokens) else ""
        said.append(_token(token, before, after))
    return " ".join(filter(None, said))


def _token(token: str, before: str, after: str) -> str:
    if token[0] in "0123456789" or (token[0] == "." and token[1:].isdigit()):
        if before == "^" and token in ("2", "3"):
            return "squared" if token == "2" else "cubed"
        return number(token) if token.isascii() else token
    if token.isalpha() and token.isascii():
        return _name(token, after)
    if token == "^":
        return "" if after in ("2", "3") else OPERATORS["^"]
    if token == "(":
        return "of" if before.isalpha() and before.isascii() else ""
    if token == "/":
        return "divided by" if before[:1].isdigit() and after[:1].isdigit() else "over"
    if token in "*!":
        return "times" if token == "*" else "factorial"
    if token in "-−":
        return "minus" if after else ""
    if token in "<>":
        return "less than" if token == "<" else "greater than"
    return _RAISED.get(token) or OPERATORS.get(token) or NAMES.get(token) or ""


def _name(token: str, after: str) -> str:
    if token in FUNCTIONS:
        return FUNCTIONS[token] + (" of" if token == "sqrt" and after != "(" else "")
    if token.isupper() and (said := acronym(token, False)):
        return said
    if token.isupper() and len(token) > 2:
        return token.lower()
    if len(token) == 1 or (len(token) == 2 and token not in _SHORT_WORDS):
        return spaced(token)
    return token


def without_pictures(text: str) -> str:
    """Remove emoji from a text, and name the symbols that are alone in it."""
    if text.isascii():
        return text
    kept = []
    for letter in text:
        if letter.isalnum() or letter.isascii():
            kept.append(letter)
            continue
        kind = unicodedata.category(letter)
        if kind in ("So", "Sk", "Cf", "Co", "Cn", "Cs", "Cc") or letter == "\ufe0f":
            kept.append(f" {NAMES[letter]} " if letter in NAMES else "")
        elif letter in NAMES or letter in OPERATORS:
            kept.append(f" {NAMES.get(letter) or OPERATORS[letter]} ")
        else:
            kept.append(letter)
    return " ".join("".join(kept).split())


def raised(core: str) -> str:
    """Say "10²" and "x³"; '' for any other word."""
    if core[-1:] not in _RAISED or not core[:-1]:
        return ""
    bare = core[:-1]
    if bare.isdigit() and bare.isascii():
        return f"{cardinal(bare)} {_RAISED[core[-1]]}"
    return expression(core) if bare.isalpha() else ""
