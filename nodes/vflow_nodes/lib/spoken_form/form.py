"""The spoken form of one reply, word by word."""

# ruff: noqa: RUF001
# The quotes are the ones that models write.

from __future__ import annotations

from collections.abc import Sequence

from vflow_nodes.lib.spoken_form.english import ENGLISH
from vflow_nodes.lib.spoken_form.reading import (
    RECENT,
    Before,
    Language,
    LongWords,
    Look,
    Reading,
    Stage,
    Unit,
    Wait,
)
from vflow_nodes.lib.spoken_form.word import MARKS, Word, take_apart

_LANGUAGES: dict[str, Language] = {"en": ENGLISH}
_FENCES = ("```", "~~~")
_ENDS = (".", "!", "?", "…")


def language(name: str) -> Language:
    """Return the table of a language, by a tag such as "en" or "en-US". Raises: ValueError if it has none."""
    table = _LANGUAGES.get(name.partition("-")[0].lower())
    if table is None:
        raise ValueError(f"no spoken form for the language {name!r}; there is {', '.join(_LANGUAGES)}")
    return table


class SpokenForm:
    """Says the words of one reply. Every written word is in exactly one unit, in order.

    A word is held back only while the next may belong to it; a plain word leaves at once.
    """

    def __init__(self, language: str = "en", long_words: LongWords = "name") -> None:
        """Begin a reply. Raises: ValueError if the language has no table."""
        self._table = _table(language)
        self._long_words: LongWords = long_words
        self.reset()

    def reset(self) -> None:
        """Forget the reply, and drop the words held back."""
        self._held: list[Word] = []
        self._before = Before()
        self._owed = ""  # a word that a release left for later
        self._fence = ""  # the mark that closes the fenced code

    @property
    def holds(self) -> bool:
        """Whether words are held back."""
        return bool(self._held)

    def push(self, word: str) -> list[Unit]:
        """Take one written word. Return the units that are decided now."""
        self._held.append(take_apart(word))
        return self._decide(Stage.MORE)

    def release(self) -> list[Unit]:
        """Return units for all words held back, in a form that is right whatever follows."""
        return self._decide(Stage.RELEASE)

    def finish(self) -> list[Unit]:
        """Return units for all words held back, because the reply ends."""
        units = self._decide(Stage.FINISH)
        if self._owed:
            units.append(Unit("", self._owed))
        self.reset()
        return units

    def _decide(self, stage: Stage) -> list[Unit]:
        units: list[Unit] = []
        while self._held:
            fenced = self._fenced(self._held[0])
            if fenced is None:
                try:
                    reading = self._table.read(Look(self._held, self._before, stage), self._long_words)
                except Wait:
                    break
            else:
                reading = fenced
            units.append(self._take(reading))
        return units

    def _fenced(self, word: Word) -> Reading | None:
        """Read a word of fenced code, or a fence itself; None outside."""
        written = word.written
        if self._fence:
            if self._fence in written:
                self._fence = ""
            return Reading(1, "", "code")
        fence = next((fence for fence in _FENCES if written.startswith(fence)), "")
        if not fence or written.strip("~") == "" != written.strip("~`") or len(written) > 40:
            return None
        if fence not in written[3:]:
            self._fence = fence
        return Reading(1, self._table.code_pause, "code")

    def _take(self, reading: Reading) -> Unit:
        words = self._held[: reading.count]
        del self._held[: reading.count]
        spoken = _paid(self._owed, reading) if self._owed else reading.spoken
        self._owed = reading.owed
        last = words[-1]
        before = self._before
        if reading.spoken:
            mark = reading.spoken[-1] if reading.spoken[-1] in MARKS else ""
            paused, ended = mark != "", mark in _ENDS
        else:
            paused, ended, mark = before.paused, before.ended, before.mark
        code = 0 if ended else self._table.code_words(last.core) or max(0, before.code - 1)
        if reading.kind == "digits":
            code = 0
        self._before = Before(
            last.core,
            reading.kind,
            reading.value,
            paused,
            ended,
            before.ended,
            mark,
            code,
            before.kind == "op",
            () if ended else (*before.recent, *(word.core.lower() for word in words))[-RECENT:],
            _quoted(words, before.quoted, ended),
        )
        written = words[0].written if len(words) == 1 else " ".join(word.written for word in words)
        return Unit(written, spoken)


def _quoted(words: Sequence[Word], quoted: str, ended: bool) -> str:
    """Return the kind of quotation that is open after these words; a single quote ends with its sentence."""
    for word in words:
        if any(mark in word.lead for mark in '"“„«'):
            quoted = '"'
        elif not quoted and any(mark in word.lead for mark in "'‘"):
            quoted = "'"
        if (quoted == '"' and any(mark in word.tail for mark in '"”»')) or (
            quoted == "'" and any(mark in word.tail for mark in "'’")
        ):
            quoted = ""
    return "" if ended and quoted == "'" else quoted


def _paid(owed: str, reading: Reading) -> str:
    """Return the reading with the word owed to it: before it, or after a scale ("million dollars")."""
    if reading.replaces:
        return reading.spoken
    if reading.kind != "scale":
        return f"{owed} {reading.spoken}".strip()
    said = reading.spoken.rstrip(".,;:!?…")
    return f"{said} {owed}{reading.spoken[len(said) :]}"


_table = language  # the constructor's parameter has the same name
