"""English: try its readings in order."""

# ruff: noqa: RUF001
# The dashes, quotes and signs are those that models write.

from __future__ import annotations

import re
from dataclasses import replace

from vflow_nodes.lib.spoken_form.english.abbreviations import (
    SPECIAL,
)
from vflow_nodes.lib.spoken_form.english.amounts import numeric
from vflow_nodes.lib.spoken_form.english.attributes import own_stop
from vflow_nodes.lib.spoken_form.english.bare_numbers import parted
from vflow_nodes.lib.spoken_form.english.chat import chat_word
from vflow_nodes.lib.spoken_form.english.codes import (
    digit_groups,
    in_groups,
    is_mixed,
    leftover,
    mixed,
    phone,
    single,
    version_of,
)
from vflow_nodes.lib.spoken_form.english.crosses import times
from vflow_nodes.lib.spoken_form.english.currencies import CURRENCIES
from vflow_nodes.lib.spoken_form.english.dashes import after_dash
from vflow_nodes.lib.spoken_form.english.dates import clock_time
from vflow_nodes.lib.spoken_form.english.designations import announced, designation
from vflow_nodes.lib.spoken_form.english.factorials import factorial
from vflow_nodes.lib.spoken_form.english.following import (
    after_beds,
    after_letter,
    after_number,
    after_per,
    end_of,
    is_measured,
)
from vflow_nodes.lib.spoken_form.english.letter_words import letter_word
from vflow_nodes.lib.spoken_form.english.letters import (
    is_foreign,
    joined_letters,
)
from vflow_nodes.lib.spoken_form.english.markup import markup
from vflow_nodes.lib.spoken_form.english.moments import after_clock, half_range_alone
from vflow_nodes.lib.spoken_form.english.money import is_money_word, money, other_money
from vflow_nodes.lib.spoken_form.english.number_forms import american_form, number_form
from vflow_nodes.lib.spoken_form.english.numbers import code, number
from vflow_nodes.lib.spoken_form.english.plain_words import plain_word
from vflow_nodes.lib.spoken_form.english.roman_numerals import roman_numeral
from vflow_nodes.lib.spoken_form.english.scripture import scripture
from vflow_nodes.lib.spoken_form.english.short_forms import BEFORE_NUMBER
from vflow_nodes.lib.spoken_form.english.signed_names import between, signed_name
from vflow_nodes.lib.spoken_form.english.symbols import (
    expression,
    is_expression,
    lone,
    raised,
    without_pictures,
)
from vflow_nodes.lib.spoken_form.english.unsayable import long_word
from vflow_nodes.lib.spoken_form.english.web import pieces
from vflow_nodes.lib.spoken_form.english.words import (
    CODES,
    PLACED,
    RESPELLED,
)
from vflow_nodes.lib.spoken_form.long_words import is_code
from vflow_nodes.lib.spoken_form.reading import Before, LongWords, Look, Reading, Stage
from vflow_nodes.lib.spoken_form.word import LONGEST, mark_of, take_apart

_PLAIN = re.compile(r"[A-Za-z][a-z]+(?:['’](?:[a-z]{1,2}|[A-Z][a-z]+))?")
_JOINED = re.compile(r"(--+|—|–|/|&|\+|…|\.\.+|[,;:!?](?=[A-Za-z])|(?<=[A-Za-z]{2})\.(?=[A-Z][a-z]))")
_EQUATION = re.compile(r"[0-9]{1,6}[a-z]")
_HALVES = tuple("½¼¾⅓⅔⅛")
_LABEL = re.compile(r"([A-Za-z]{1,4})\.([0-9].*)")
_DIGITS = re.compile("[0-9]+")
_INNER_STOP = re.compile(r"\.(?= )")
_BRACKETS = re.compile(r"[\"()\[\]{}<>|`*\\]+")
_AFTER = ("number", "feet", "unit")
_KEYS = frozenset(
    ("Ctrl", "Control", "Alt", "Shift", "Cmd", "Command", "Option", "Win", "Fn", "⌘", "⌥", "⇧", "⌃")
)
_SPELLED = 24
"""Most letters of a code that is spelled out, if the words before announce a code."""
_DEEPEST = 3  # how often a part of a word may have parts of its own


class English:
    """American English, as a newsreader speaks it."""

    code_pause = "code,"

    def read(self, look: Look, long_words: LongWords) -> Reading:
        first = look.first
        core = first.core
        if not first.lead and core not in SPECIAL and _PLAIN.fullmatch(core) and len(core) <= LONGEST:
            plain = plain_word(look)
            if plain is not None:
                return plain
        reading = parted(look, self._read(look, long_words, 0))
        if first.written.isascii() and _DIGITS.search(reading.spoken):
            return replace(
                reading, spoken=_DIGITS.sub(lambda found: f" {code(found.group())} ", reading.spoken).strip()
            )
        spoken = reading.spoken.strip()
        return reading if spoken == reading.spoken else replace(reading, spoken=spoken)

    def code_words(self, word: str) -> int:
        return 3 if word.lower() in CODES else 0

    def _read(self, look: Look, long_words: LongWords, depth: int) -> Reading:
        first = look.first
        core = first.core
        if look.before.code and _SPELLED >= len(core) > 12 and is_mixed(core):
            return Reading(1, in_groups(core) + first.mark, "digits")
        if len(first.written) > LONGEST or is_code(core):
            return long_word(first, long_words)
        if reading := other_money(look):
            return reading
        if is_foreign(core):
            return Reading(1, first.written)
        reading = (
            markup(look, lambda text: self._say(text, long_words, depth + 1)) if depth < _DEEPEST else None
        )
        if reading is None and any(letter.isspace() for letter in first.text):
            reading = Reading(1, self._say(first.text, long_words, depth + 1) if depth < _DEEPEST else core)
        if reading is None and core in CURRENCIES:
            reading = money(look)
        if reading is None and not any(map(str.isalnum, core)):
            reading = lone(look)
        if reading is None:
            reading = self._known(look) or self._number(look) or letter_word(look, long_words)
        return reading or self._parts(look, long_words, depth)

    def _known(self, look: Look) -> Reading | None:
        first, before = look.first, look.before
        if (
            reading := chat_word(look)
            or scripture(look)
            or signed_name(look)
            or factorial(look)
            or designation(look)
        ):
            return reading
        if is_money_word(look):
            return Reading(1, first.mark)
        if (reading := times(look)) is not None:
            return reading
        if (
            reading := half_range_alone(look)
            or after_clock(look)
            or after_per(look)
            or after_letter(look)
            or after_beds(look)
        ):
            return reading
        if before.kind in _AFTER and (reading := after_number(look)) is not None:
            return reading
        return roman_numeral(look)

    def _number(self, look: Look) -> Reading | None:
        first = look.first
        core = first.core
        if american := american_form(core, lambda: is_measured(look)):
            plain = replace(first, core=american)
            return self._number(Look([plain, *look.words[1:]], look.before, look.stage))
        if core[:1] in _HALVES:
            return numeric(look)
        if not _DIGITS.search(core):
            return money(look) if len(core) < 4 else None
        if reading := number_form(first):
            return reading
        if "@" in core or "://" in core or "www." in core:
            return None
        if (found := _LABEL.fullmatch(core)) and (label := BEFORE_NUMBER.get(found.group(1))):
            return Reading(1, f"{label} {self._say(found.group(2), 'name', _DEEPEST - 1)}{first.mark}")
        if look.before.code and "_" in core and core.isascii():
            return Reading(1, pieces(core) + first.mark, "digits")
        if said := announced(look):
            return Reading(1, said + first.mark, "digits")
        if look.before.code and (said := single(core)):
            return Reading(1, said + first.mark, "digits")
        if look.before.word.lower() in PLACED and (said := mixed(core)):
            return Reading(1, said + first.mark, "digits")
        if reading := phone(look) or money(look):
            return reading
        if look.before.kind == "op" and _EQUATION.fullmatch(core):
            return Reading(1, expression(core) + first.mark, "letter")
        if reading := numeric(look):
            return after_dash(look, reading) if look.before.kind == "dash" else reading
        groups = digit_groups(core) or version_of(look)
        if groups:
            return Reading(1, groups + first.mark, "digits")
        if said := raised(core):
            return Reading(1, said + first.mark, "number", "2")
        if is_expression(core):
            return Reading(1, expression(core) + first.mark, "number", "2")
        if core.count("-") == 1 and (end := clock_time(core.partition("-")[2])):
            return Reading(1, f"{_hour(core.partition('-')[0])} to {end}{first.mark}", "time")
        if core[-1:] in "'’" or "_" in core:
            return None
        said = mixed(core)
        return Reading(1, said + first.mark) if said else None

    def _parts(self, look: Look, long_words: LongWords, depth: int) -> Reading:
        """Read a word of several parts: "yes/no", "AT&T", "pre-2020"; failing that, the word as it is."""
        first = look.first
        core = first.core if first.core[:1] in _KEYS else without_pictures(first.core)
        if depth < _DEEPEST and (" " in core or core != first.core):
            return Reading(1, self._say(core, long_words, depth + 1) + first.mark)
        parts = _JOINED.split(core) if depth < _DEEPEST else [core]
        if len(parts) > 1:
            own = own_stop(first) or (first.dotted and "." in parts[-1])
            mark = end_of(look, 0) if own else first.mark
            return Reading(1, self._join(parts, long_words, depth) + mark)
        if "-" in core.strip("-") and depth < _DEEPEST and any(map(_needs_reading, core.split("-"))):
            return Reading(1, self._say(core.replace("-", " "), long_words, depth + 1) + first.mark)
        if _DIGITS.search(core):
            return Reading(1, leftover(core) + first.mark)
        dash = "—" if first.text.endswith("--") else ""
        core = _BRACKETS.sub(" ", core.lstrip("$")).strip()
        return Reading(1, core.strip("-").replace("’", "'") + (first.mark or dash))

    def _join(self, parts: list[str], long_words: LongWords, depth: int) -> str:
        said: list[str] = []
        for part in parts:
            if part in ("—", "–") or part.startswith("--"):
                said.append("—")
            elif part in ("…", ",", ";", ":", "!", "?", ".") or part.startswith(".."):
                said.append("…" if part.startswith("..") else part)
            elif part in ("&", "+"):
                said.append("and" if part == "&" else "plus")
            elif part == "/":
                said.append(between(parts))
            elif part:
                said.append(self._say(part, long_words, depth + 1))
        if "&" in parts and (letters := joined_letters(parts)):
            return letters
        if parts[0] in _KEYS:
            said = ["Delete" if word == "Del" else word for word in said]
            said = [word for word in said if word != "plus"]
        joined = " ".join(filter(None, said))
        joined = _INNER_STOP.sub("", joined) if "/" in parts else joined
        return re.sub(r" (?=[—…,;:!?.])", "", joined)

    def _say(self, text: str, long_words: LongWords, depth: int) -> str:
        """Say a complete text."""
        words = [take_apart(word) for word in text.split()]
        before = Before()
        said: list[str] = []
        while words:
            reading = self._read(Look(words[:40], before, Stage.FINISH), long_words, depth)
            last = words[reading.count - 1]
            words = words[reading.count :]
            if reading.spoken:
                said.append(reading.spoken)
            before = Before(last.core, reading.kind, reading.value, mark_of(reading.spoken[-1:]) != "", False)
        return " ".join(said)


def _hour(text: str) -> str:
    """Say the beginning of a time range that has minutes only at its end: "10-10:50", "noon-1pm"."""
    return number(text) if text.isdigit() else text


def _needs_reading(part: str) -> bool:
    return (part.isupper() and len(part) > 1) or any(map(str.isdigit, part)) or part in RESPELLED


ENGLISH = English()
