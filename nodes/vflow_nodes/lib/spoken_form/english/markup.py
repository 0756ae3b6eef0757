"""English for Markdown, HTML and LaTeX that spans words or is inside one."""

from __future__ import annotations

import re
from collections.abc import Callable

from vflow_nodes.lib.spoken_form.english.latex import latex
from vflow_nodes.lib.spoken_form.english.numbers import cardinal
from vflow_nodes.lib.spoken_form.english.symbols import expression
from vflow_nodes.lib.spoken_form.reading import FARTHEST, Look, Reading, Stage
from vflow_nodes.lib.spoken_form.word import mark_of

_TARGET = re.compile(r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)|\]\[[^\[\]]*\]")
_IMAGE = re.compile(r"!\[[^\[\]]*\](?:\([^()]*\)|\[[^\[\]]*\])")
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_BARE_LINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_LIST = re.compile(r"([0-9]{1,3}|[a-z])([.)])")
_INLINE = re.compile(r"\$([^$\s]+)\$")
_ABSOLUTE = re.compile(r"\|([a-z]|-[0-9a-z]{1,4}|[a-z][+-][a-z0-9])\|")
_MOST = 2000
"""Most characters of one formula, link or tag."""
Say = Callable[[str], str]


def markup(look: Look, say: Say) -> Reading | None:
    """Read a word that begins a link, an image, a tag, a formula, a table's cell or a list's number."""
    text = look.first.text
    if len(text) > _MOST:
        return None
    if look.before.kind == "formula":
        return _go_on(look)
    if "![" in text and (reading := _image(look, say)):
        return reading
    if "](" in text or "][" in text:
        return _link(look, say)
    if "<" in text and (reading := _tag(look, say)):
        return reading
    if ("$" in text or text.startswith("\\")) and (reading := _formula(look)):
        return reading
    if "|" in text and text.strip("|"):
        return _cells(look, say)
    if text in ("[x]", "[X]", "[]") and look.before.paused:
        return Reading(1, "")
    return _list_number(look)


def _joined(look: Look, ends: Callable[[str], bool], raw: bool = False) -> tuple[str, int]:
    """Return the words up to the one that closes what the first one opens, as text; '' and 0 if none does."""
    text = look.first.text
    count = 1
    while not ends(text):
        word = look.at(count)
        if word is None or count >= FARTHEST or len(text) > _MOST:
            return "", 0
        text = f"{text} {word.written if raw else word.text}"
        count += 1
    return text, count


def _image(look: Look, say: Say) -> Reading | None:
    text, count = _joined(look, lambda text: _IMAGE.search(text) is not None)
    if not count:
        return None
    return Reading(count, _said(say, _IMAGE.sub(" ", text)))


def _link(look: Look, say: Say) -> Reading | None:
    text, count = _joined(look, lambda text: text.rfind(")") > text.find("](") or "](" not in text)
    if not count:
        return None
    return Reading(count, _said(say, re.sub(r"\]\([^()]*\)", "", _TARGET.sub("", text)).replace("[", "")))


def _tag(look: Look, say: Say) -> Reading | None:
    text = look.first.text
    if found := _BARE_LINK.search(text):
        return Reading(1, _said(say, _BARE_LINK.sub(r"\1", text))) if found else None
    opened = text.find("<")
    if not text[opened + 1 : opened + 2].isalpha() and text[opened + 1 : opened + 2] not in ("/", "!"):
        return None
    if ">" in text[opened:]:
        bare = _TAG.sub(" ", text)
        return None if bare == text else Reading(1, _said(say, bare))
    if (opened > 0 and text[opened - 1].isalnum()) or not text[opened + 1 :].isalpha():
        return None
    text, count = _joined(look, lambda text: ">" in text)
    return Reading(count, _said(say, _TAG.sub(" ", text))) if count else None


def _said(say: Say, text: str) -> str:
    """Return the text as it is said; a lone mark is kept."""
    said = say(text)
    return said if said or not text.strip() else mark_of(text.strip())


def _formula(look: Look) -> Reading | None:
    text = look.first.text
    bare = text.lstrip("(\"'“*_")
    for opening, closing in (("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"), ("$", "$")):
        if bare.startswith(opening):
            return _from(look, len(text) - len(bare), opening, closing)
    return None


def _from(look: Look, start: int, opening: str, closing: str) -> Reading | None:
    inside = look.first.text[start + len(opening) :]
    if opening == "$":
        if inside[:1].isdigit() and not _digit_formula(look, inside):
            return None
        if inside[:1] in ("", ".", ",", "-", "+", "~") or (inside[:3].isalpha() and len(inside) > 2):
            return None
    text, count = _joined(look, lambda text: text.find(closing, start + len(opening)) >= 0, raw=True)
    if not count and look.stage is Stage.RELEASE and opening != "$":
        return _cut_formula(look, start + len(opening), closing)
    if not count and look.stage is Stage.RELEASE and inside[:1].isalpha() and not inside[1:2].isalpha():
        return _cut_formula(look, start + 1, closing)
    if not count:
        return None
    source, _, tail = text[start + len(opening) :].partition(closing)
    rest = tail.rstrip(".,;:!?)*\"'")
    if opening == "$" and rest[:1].isalnum():
        return None
    said = f"{latex(source)} {rest.lstrip('-')}" if any(map(str.isalnum, rest)) else latex(source)
    return Reading(count, said + mark_of(tail[len(rest) :]), "letter")


def _cut_formula(look: Look, start: int, closing: str) -> Reading:
    """Read the part of a formula that has come; the next words continue it."""
    text = " ".join(word.written for word in look.words)
    return Reading(len(look.words), latex(text[start:]), "formula", closing)


def _go_on(look: Look) -> Reading:
    """Read one more word of a formula that a release has split."""
    source, closed, tail = look.first.written.partition(look.before.value)
    if closed:
        return Reading(1, latex(source) + mark_of(tail), "letter")
    return Reading(1, latex(source), "formula", look.before.value)


def _digit_formula(look: Look, inside: str) -> bool:
    """Return whether "$2..." begins a formula, not an amount."""
    if found := _INLINE.match("$" + inside):
        return not inside[found.end() - 1 : found.end()].isdigit() and any(
            c in found.group(1) for c in "\\^_=+*x"
        )
    if "$" in inside or look.first.mark:
        return False
    following = look.at(1)
    return following is not None and following.text[:1] == "\\"


def _cells(look: Look, say: Say) -> Reading | None:
    """Read the cells of a table's row with a pause after each."""
    text = look.first.text
    if not text.strip("|-:+= "):
        return Reading(1, "" if look.before.paused else ",")
    if "||" in text and text.strip("|") == text:
        return None
    if found := _ABSOLUTE.fullmatch(text.rstrip(".,;:!?")):
        return Reading(1, f"the absolute value of {expression(found.group(1))}{look.first.mark}", "letter")
    cells = [said for cell in text.split("|")[:FARTHEST] if (said := say(cell))]
    joined = ", ".join(cell.rstrip(",") for cell in cells)
    if not look.before.paused and text[0] == "|" and joined:
        joined = f", {joined}"
    return Reading(1, f"{joined}," if text[-1] == "|" and joined and joined[-1] not in ".!?:;," else joined)


def _list_number(look: Look) -> Reading | None:
    """Read the number of a list's item: "1." and "2)" at the start of a sentence."""
    first = look.first
    found = _LIST.fullmatch(first.text)
    if not found or not (look.before.ended or look.before.mark == ":"):
        return None
    if found.group(2) == "." and not found.group(1).isdigit():
        return None
    following = look.at(1)
    if following is None and found.group(2) == ".":
        return None
    number = found.group(1)
    return Reading(1, f"{say_item(number)},")


def say_item(number: str) -> str:
    """Say the number or letter of a list's item."""
    return cardinal(number) if number.isdigit() else number.upper()
