"""Take a written word apart: its core without brackets, quotes and Markdown's marks, and its ending."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are the ones that models write.

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from unicodedata import normalize

MARKS = frozenset(".,;:!?…—")
"""The marks that a voice pauses at."""

_OPENERS = '"“”„«‹([{*_`¿¡'
_CLOSERS = "\"”“»›)]}*_`'’.,;:!?…"
_ESCAPE = re.compile(r"\\([*_`#\[\](){}!|.>~+$%-])")
_ENTITY = re.compile(r"&#?\w{1,32};")
_CITATION = re.compile(r"\[\^?[0-9]{1,3}\](?!\()")
_SWISS = re.compile(r"(?<![0-9])[0-9]{1,3}(?:['’][0-9]{3})+(?![0-9])")
_POWER = re.compile(r"[A-Za-z0-9]{1,9}\*\*[0-9]{1,9}")
LENGTH = (
    r"(?:(?:(?:[0-9]{1,2}-(?=[0-9]/))?[0-9]{1,2}/[0-9]{1,2}|[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?)[½¼¾⅓⅔⅛]?|[½¼¾⅓⅔⅛])"
    r"(?:['’′](?:(?:-(?=[0-9.]+[½¼¾]?(?:[\"”″]|''|’’)))?[0-9]{1,2}(?:\.[0-9]+)?[½¼¾]?(?:[\"”″]|''|’’)?)?"
    r"|[\"”″]|''|’’)?"
)
"""The pattern of a number, with or without the marks of feet or inches."""
_LENGTHS = re.compile(rf"{LENGTH}(?:[-–—x×]{LENGTH})*")
_MARKED = re.compile("['’′]|[\"”″].")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁄", "0123456789/")
_COMPATIBLE = re.compile("[\u2160-\u217f\u2460-\u2473\u3371-\u33df\uff10-\uff19]")
_RAISED = re.compile("[⁻⁰¹²³⁴-⁹]{2,}|[⁰¹⁴-⁹]")
_TO_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
LONGEST = 200
"""Of a word with more letters than this, only the length and the alphabet are examined."""


@dataclass(frozen=True, slots=True)
class Word:
    """A written word.

    core: without quotes, brackets, Markdown and marks at its ends.
    mark: the mark that ends it, '' for none; `after`: the same without the core's own full stop.
    dotted: whether a full stop follows the core directly ("No." and "a.m.").
    lead, tail: the characters removed before and after the core.
    """

    written: str
    text: str
    lead: str
    core: str
    tail: str
    mark: str = ""
    after: str = ""
    dotted: bool = False


def take_apart(written: str) -> Word:
    """Return the parts of a written word, in time linear in its length."""
    if written.isalpha():
        return Word(written, written, "", written, "")
    text = written
    if len(text) <= LONGEST:
        text = _clean(text)
    rest = text.lstrip(_OPENERS)
    rest = _without_quote(rest) if rest[:1] in "'‘’~" else rest
    core = rest.rstrip(_CLOSERS)
    if rest[:1].isdigit() and (found := _LENGTHS.match(rest)) and _is_length(found.group(), rest, text):
        core = found.group()
    elif "~" in core:
        core = core.removesuffix("~~").rstrip(_CLOSERS)
    tail = rest[len(core) :]
    if tail[:1] == ")" and "(" in core:
        core, tail = core + ")", tail[1:]
    elif tail[:1] in ("'", "’") and core[-1:] == "s" and "'" not in text[:1] and "‘" not in text[:1]:
        core, tail = core + "'", tail[1:]
    lead = text[: len(text) - len(rest)]
    if not tail:
        return Word(written, text, lead, core, "")
    dotted = tail[0] == "." and tail[1:2] != "."
    mark = mark_of(tail)
    return Word(written, text, lead, core, tail, mark, mark_of(tail[1:]) if dotted else mark, dotted)


def _is_length(found: str, rest: str, text: str) -> bool:
    """Tell whether a word is a length in feet, or with several marks of inches, and not a quotation's end."""
    if len(rest) > 40 or text[:1] in "'‘" or not _MARKED.search(found):
        return False
    return rest[len(found) :].strip(_CLOSERS) == ""


def mark_of(tail: str) -> str:
    """Return the strongest of the marks at a word's end."""
    if not tail:
        return ""
    loud = "".join(mark for mark in "?!" if mark in tail)
    if loud:
        return loud
    if "…" in tail or ".." in tail:
        return "…"
    return next((mark for mark in ".:;," if mark in tail), "")


def _clean(text: str) -> str:
    """Remove entities, escapes, citations, bold marks inside, and subscript digits."""
    if not text.isascii():
        text = _COMPATIBLE.sub(lambda found: normalize("NFKC", found.group()), text.translate(_LOWERED))
        text = _RAISED.sub(_power, text)
    if "'" in text or "’" in text:
        text = _SWISS.sub(lambda found: found.group().replace("'", ",").replace("’", ","), text)
    if "**" in text and _POWER.fullmatch(text.strip(_OPENERS + _CLOSERS)):
        text = text.replace("**", "^")
    if "&" in text and ";" in text:
        text = _ENTITY.sub(lambda entity: unescape(entity.group()), text).replace("\xad", "")
    if "\\" in text and text[1:3] != ":\\" and not text.startswith(("\\(", "\\[", "$")):
        text = _ESCAPE.sub(r"\1", text)
    if "[" in text:
        text = _CITATION.sub("", text)
    if "**" in text.strip("*") and not text[:1].isdigit():
        text = text.replace("**", "")
    return text


def _power(found: re.Match[str]) -> str:
    """Turn raised digits after a number or a lone letter into a power; after a word they are a footnote."""
    before = found.string[: found.start()]
    if not before or not (before[-1].isdigit() or len(before.strip(_OPENERS)) == 1):
        return ""
    return "^" + found.group().translate(_TO_DIGITS)


def _without_quote(rest: str) -> str:
    """Remove the quote before a word, but keep the apostrophe of '90s and 'em."""
    if rest.startswith("~"):
        return rest[2:].lstrip(_OPENERS) if rest.startswith("~~") else rest
    quoted = rest[1:]
    if quoted[:2].isdigit() and quoted[2:3] in ("", "s", ".", ",", "?", "!", ";", ":", ")"):
        return rest
    return quoted.lstrip(_OPENERS)
