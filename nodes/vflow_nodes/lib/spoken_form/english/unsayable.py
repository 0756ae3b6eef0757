"""English for words that nobody can pronounce: hashes, keys, numbers without end."""

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.numbers import cardinal, spelled
from vflow_nodes.lib.spoken_form.english.web import address, mail
from vflow_nodes.lib.spoken_form.reading import LongWords, Reading
from vflow_nodes.lib.spoken_form.word import LONGEST, Word

_SHORTENED = 4
"""Letters kept at each end of a shortened word."""
_MOST = 400
"""Most letters that are spelled; a longer word is shortened."""


def long_word(first: Word, long_words: LongWords) -> Reading:
    """Read an unpronounceable word in the way of the property `long_words`."""
    core = first.core
    if core.isascii() and core.replace(",", "").isdigit():
        return Reading(
            1, f"a number of {cardinal(str(len(core.replace(',', ''))))} digits{first.mark}", "digits"
        )
    if not core.isascii() and sum(map(str.isalpha, core)) > len(core) // 2:
        return Reading(1, first.written)
    if said := mail(core[:LONGEST]) or (address(core[:4000], long_words == "spell") if "." in core else ""):
        return Reading(1, said + first.mark)
    if not any(map(str.isalnum, core)):
        return Reading(1, "")
    if long_words == "name":
        return Reading(1, f"a long code{first.mark}")
    letters = [letter for letter in core if letter.isalnum()]
    if len(letters) > (2 * _SHORTENED if long_words == "shorten" else _MOST):
        head, tail = _spelled(letters[:_SHORTENED]), _spelled(letters[-_SHORTENED:])
        return Reading(1, f"a long code, from {head}, to {tail}{first.mark}")
    groups = [_spelled(letters[at : at + 4]) for at in range(0, len(letters), 4)]
    return Reading(1, ", ".join(groups) + first.mark)


def _spelled(letters: list[str]) -> str:
    return " ".join(spelled(letter) if letter in "0123456789" else letter.upper() for letter in letters)
