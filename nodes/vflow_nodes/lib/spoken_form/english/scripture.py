"""English for verses of the Bible and of other books with such numbers: "Matt. 5:3-10"."""

# ruff: noqa: RUF001
# The dashes are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.numbers import cardinal
from vflow_nodes.lib.spoken_form.english.words import pairs, word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading

BOOKS = pairs(
    """
Gen Genesis|Exod Exodus|Ex Exodus|Lev Leviticus|Num Numbers|Deut Deuteronomy|Josh Joshua|Judg Judges
Sam Samuel|Kgs Kings|Chr Chronicles|Chron Chronicles|Neh Nehemiah|Esth Esther|Ps Psalm|Pss Psalms
Psa Psalm|Prov Proverbs|Eccl Ecclesiastes|Eccles Ecclesiastes|Isa Isaiah|Jer Jeremiah|Lam Lamentations
Ezek Ezekiel|Dan Daniel|Hos Hosea|Obad Obadiah|Mic Micah|Nah Nahum|Hab Habakkuk|Zeph Zephaniah
Hag Haggai|Zech Zechariah|Mal Malachi|Matt Matthew|Mt Matthew|Mk Mark|Lk Luke|Jn John|Rom Romans
Cor Corinthians|Gal Galatians|Eph Ephesians|Phil Philippians|Col Colossians|Thess Thessalonians
Tim Timothy|Tit Titus|Philem Philemon|Heb Hebrews|Jas James|Pet Peter|Rev Revelation|Jdg Judges
"""
)
"""Short names of books, said in full before a verse."""
_NAMES = frozenset(BOOKS.values()) | word_set(
    "Ruth Ezra Job Joel Amos Jonah Luke John Mark Acts Jude Surah Sura Quran Qur'an Koran Song Songs"
    " Solomon Psalm verse verses Verse Verses"
)
_VERSE = re.compile(r"([0-9]{1,3}):([0-9]{1,3})([ab]?)(?:[-–—]([0-9]{1,3})(?::([0-9]{1,3}))?([ab]?))?")
_COUNTS = {"1": "First", "2": "Second", "3": "Third", "II": "Second", "III": "Third"}
_ORDINAL_BOOKS = word_set(
    "Samuel Kings Chronicles Corinthians Thessalonians Timothy Peter John Sam Kgs Chr Chron Cor Thess"
    " Tim Pet Jn"
)


def scripture(look: Look) -> Reading | None:
    """Read the short name of a book before a verse, the number of a book, and the verse."""
    first, before = look.first, look.before
    core = first.core
    if core in BOOKS and not first.after and _before_verse(look, 1):
        return Reading(1, BOOKS[core])
    if core in _COUNTS and not first.mark:
        following = look.at(1)
        if following is not None and following.core in _ORDINAL_BOOKS and _before_verse(look, 2):
            return Reading(1, _COUNTS[core])
    if ":" not in core or not (found := _VERSE.fullmatch(core)):
        return None
    known = before.word.replace("’", "'") in _NAMES or before.word in BOOKS
    if not known and not (found[4] and len(found[2]) == 1):
        return None  # a time, or a ratio
    return Reading(1, verse(found) + first.mark, "digits")


def _before_verse(look: Look, at: int) -> bool:
    following = look.at(at)
    return following is not None and _VERSE.fullmatch(following.core) is not None


def verse(found: re.Match[str]) -> str:
    """Say chapter and verse, and the last verse."""
    chapter, first, part, last, last_verse, last_part = found.groups()
    comma = "," if len(chapter) > 2 or (int(chapter) >= 20 and len(first) == 1) else ""
    said = f"{cardinal(chapter)}{comma} {cardinal(first)}{_part(part)}"
    if not last:
        return said
    said += f" to {cardinal(last)}"
    return f"{said} {cardinal(last_verse)}" if last_verse else said + _part(last_part)


def _part(letter: str) -> str:
    return f" {letter.upper()}" if letter else ""
