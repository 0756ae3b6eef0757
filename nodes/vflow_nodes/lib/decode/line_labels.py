"""Find labels in plain text: a user's turn that a model makes up ("User:"), ReAct's steps, citations.

No token marks these. So a label counts only at the start of a line, and "The label says User: admin" is
speech. Source of the steps: Yao et al., ReAct, 2022; the prompts of LangChain's agents; Command R's chat
template.
"""

# ruff: noqa: RUF001
# The dashes and quotes are those that models write.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import regex

Kind = Literal["text", "wait", "noise", "turn", "own", "thought", "observation", "action", "line"]
NEAR = 160
"""How many characters before a place are looked at."""
_DECORATED = r"(?:#{1,6}[ \t]*|>[ \t]*)?[*_]{0,2}\[?"
_COLON = r"\]?[*_]{0,2}[ \t]*:[*_]{0,2}"
_TURN = regex.compile(rf"{_DECORATED}(?:user|human)(?:[ \t]\d)?{_COLON}", regex.I)
_MARKED_TURN = regex.compile(r"#{1,6}[ \t]*(?:user|human|instruction)(?:[ \t]*:|[ \t]*\n)", regex.I)
_OWN = regex.compile(r"#{1,6}[ \t]*(?:assistant|response)(?:[ \t]*:|[ \t]*\n)", regex.I)
_OWN_PLAIN = regex.compile(r"(?:assistant|ai|bot):", regex.I)
_STEPS = r"(?P<name>thoughts?|observation|(?:final[ ]|grounded[ ])?answer)"
_STEP = regex.compile(rf"{_DECORATED}{_STEPS}(?:[ \t]\d{{1,2}})?{_COLON}", regex.I)
_ACTION = regex.compile(rf"{_DECORATED}action(?:[ \t]\d{{1,2}})?{_COLON}", regex.I)
_CALLED = regex.compile(
    r"[ \t]*[^\n]{1,80}\n+[ \t]*[*_]{0,2}action[ ]input(?:[ \t]\d{1,2})?[*_]{0,2}:",
    regex.I,
)
"""The text after "Action:" in a call: a name, and its input. (`dialects` has the calls with JSON.)"""
_DOCUMENTS = regex.compile(r"(?:relevant|cited)[ ]documents:", regex.I)
_CITATION = regex.compile(r"</?co(?::[ ]?[\d,:\[\] ]{0,40})?>")
_FIELD = regex.compile(r"[^\W\d_A-Z][\w.@+-]*|[\w.@+-]*[\d_@][\w.@+-]*")
_TALK = frozenset(
    ("hi", "hello", "hey", "thanks", "yes", "no", "ok", "okay", "yeah", "nope", "sure", "what", "why", "bye")
)
_ITEM = regex.compile(r"[ \t]*(?:[-*•][ \t]*)?[*_]{0,2}[A-Z][\w ]{0,24}[*_]{0,2}:[*_]{0,2}[ \t]*\S")
_BEGINS = regex.compile(r"(?<!\S)[uhtaofrcbgUHTAOFRCBG#>*_\[]|<")
HELD = 120
"""Most characters of a label together with the text that decides about it."""


@dataclass(frozen=True, slots=True)
class Label:
    """The kind of text at a place, and its length; 0 for "text", and for "wait" until more text comes."""

    kind: Kind
    length: int = 0
    name: str = ""


TEXT, WAIT = Label("text"), Label("wait")


def find(before: str, text: str, whole: bool, steps: bool) -> tuple[int, Label]:
    """Return the first place in speech that is no text, and its label; the end of the text if there is none.

    before: the speech that came earlier. steps: whether ReAct's labels have come in this reply. whole: no
    more text comes.
    """
    for begun in _BEGINS.finditer(text):
        at = begun.start()
        near = (before + text[:at])[-NEAR:]
        if text[at] != "<" and near and not near[-1].isspace():
            continue  # a word that was cut into two pieces
        label = citation(text[at:], whole) if text[at] == "<" else label_at(near, text[at:], whole, steps)
        if label is not TEXT:
            return at, label
    return len(text), TEXT


def citation(text: str, whole: bool) -> Label:
    """Return the label of Cohere's mark for a source, `<co: 0>`. The text between two marks is said."""
    found = _CITATION.match(text, partial=not whole)
    if found is None:
        return TEXT
    return WAIT if found.partial else Label("noise", found.end())


def label_at(before: str, text: str, whole: bool, steps: bool) -> Label:
    """Return the label with which a text begins, after the speech `before`."""
    gap = before.rstrip(" \t")
    if not gap or gap[-1] == "\n":
        found = _at_line(gap, text, whole, steps)
    elif gap != before and gap.rstrip("\"'”’)*_]")[-1:] in (".", "!", "?", "…"):
        found = _within_line(text, whole)
    else:
        return TEXT
    return TEXT if found is WAIT and len(text) > HELD else found


def in_steps(before: str, text: str, whole: bool, needed: str = "") -> tuple[int, Label]:
    """Return the end of a step, of which `before` has come: the next label, or an empty line. The result is
    as that of `find`.

    An empty line ends it only after some text, and after `needed`.
    """
    for start in _line_starts(before, text):
        at = start + len(text[start:]) - len(text[start:].lstrip(" \t"))
        if at == len(text):
            if not whole:
                return max(start - 1, 0), WAIT
        elif text[at] == "\n":
            said = (before + text[:at]).strip().lower()
            if said and needed in said:
                return at, Label("noise")
        else:
            label = _at_line("\n", text[at:], whole, steps=True)
            if label is WAIT:
                return max(start - 1, 0), WAIT
            if label is not TEXT:
                return at, label
    return len(text), TEXT


def _line_starts(before: str, text: str) -> Iterator[int]:
    if before.endswith("\n"):
        yield 0
    yield from (at + 1 for at, letter in enumerate(text) if letter == "\n")


def line_end(text: str) -> tuple[int, Label]:
    """Return the end of a line. The result is as that of `find`."""
    at = text.find("\n")
    return (len(text), TEXT) if at < 0 else (at, Label("noise"))


def _at_line(before: str, text: str, whole: bool, steps: bool) -> Label:
    wait = False
    for form, kind in ((_MARKED_TURN, "turn"), (_OWN, "own"), (_DOCUMENTS, "line")):
        found = form.match(text, partial=not whole)
        if found is not None and not found.partial:
            return Label(kind, found.end(), found[0].strip())  # type: ignore[arg-type]
        wait = wait or found is not None
    if (found := _TURN.match(text, partial=not whole)) is not None:
        turn = WAIT if found.partial else _turn(before, text, found, whole)
        if turn is not TEXT and turn is not WAIT:
            return turn
        wait = wait or turn is WAIT
    if before.strip() and (found := _OWN_PLAIN.match(text, partial=not whole)) is not None:
        if not found.partial:
            return TEXT if _introduced(before) else Label("own", found.end(), found[0])
        wait = True
    if (found := _STEP.match(text, partial=not whole)) is not None:
        name = "" if found.partial else found["name"].lower()
        if name.startswith("thought"):
            return TEXT if _introduced(before) else Label("thought", found.end())
        if name and steps:
            kinds: dict[str, Kind] = {"observation": "observation", "grounded answer": "own"}
            return Label(kinds.get(name, "noise"), found.end())
        wait = wait or not name
    if (found := _ACTION.match(text, partial=not whole)) is not None:
        if found.partial:
            return WAIT
        called = _CALLED.match(text, found.end(), partial=not whole)
        if called is not None and called.partial and not steps:
            return WAIT
        if called is not None or steps:
            return Label("action", found.end())
    return WAIT if wait else TEXT


def _turn(before: str, text: str, found: regex.Match[str], whole: bool) -> Label:
    """Return whether "User:" at the start of a line begins a turn, or only a value as in "User: admin"."""
    if _introduced(before):
        return TEXT
    rest = text[found.end() :].lstrip(" \t")
    value = _FIELD.match(rest) if "user" in found[0].lower() else None
    left = rest[value.end() :].lstrip(" \t") if value else rest
    if not left and not whole:
        return WAIT
    if value and value[0][-1] != "." and value[0] not in _TALK and (not left or left[0] == "\n"):
        return TEXT
    return Label("turn", found.end(), found[0].strip())


def _within_line(text: str, whole: bool) -> Label:
    """Do the same after a sentence: there the turn needs a capital, and so does its first word."""
    for form in (_MARKED_TURN, _TURN):
        found = form.match(text, partial=not whole)
        if found is None:
            continue
        if found.partial:
            return WAIT
        rest = text[found.end() :].lstrip(" \t")
        if not rest and not whole:
            return WAIT
        if form is _MARKED_TURN or (
            found[0][:1].isupper() and rest[:1].isupper() and rest != text[found.end() :]
        ):
            return Label("turn", found.end(), found[0].strip())
    return TEXT


def _introduced(before: str) -> bool:
    """Return whether a text announces what follows, or its last line is an item of the same list."""
    said = before.rstrip()
    line = said.rpartition("\n")[2]
    return said[-1:] in (":", ",", ";", "-", "–", "—") or (
        _ITEM.match(line) is not None and said[-1:] not in (".", "!", "?")
    )
