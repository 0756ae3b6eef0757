"""English abbreviations, against the words that end a sentence."""

# ruff: noqa: RUF001, RUF002
# The dashes are those that models write.

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.dates import half_range, is_half
from vflow_nodes.lib.spoken_form.english.following import end_of
from vflow_nodes.lib.spoken_form.english.letters import initials
from vflow_nodes.lib.spoken_form.english.numbers import cardinal, ordinal, roman
from vflow_nodes.lib.spoken_form.english.units import DAY_NAMES, DAYS, MONTH_NAMES, MONTHS, UNITS
from vflow_nodes.lib.spoken_form.english.words import (
    ALSO_WORDS,
    BEFORE_NUMBER,
    DOTTED,
    INSIDE,
    NUMBERED,
    PLACES,
    RULERS,
    SLASHED,
    TITLES,
    word_set,
)
from vflow_nodes.lib.spoken_form.reading import Look, Reading, Stage
from vflow_nodes.lib.spoken_form.word import Word

_SURE_MONTHS = word_set("Jan Feb Apr Aug Sep Sept Oct Nov Dec")
_REPLIES = word_set("is was say says said answer be or a absolutely definitely and")
"""Words before which "no." at a sentence's end is the word."""
_NUMBERED = word_set("part serial model phone order account case invoice ticket tracking reference item id")
"""Words after which "no." is a number although none follows."""
_ALWAYS = frozenset(("Mr", "Mrs", "Ms", "Prof", "Sgt", "Capt", "Lt"))
_STOPS = word_set("U.S U.S.A U.K U.N E.U D.C a.m p.m A.M P.M B.C A.D B.C.E C.E Ph.D M.D N.Y L.A")
"""Letters whose full stop may end a sentence; after others a name follows."""
_DASH = re.compile("[-–—]")
_STREETS = frozenset(("St", "Ave", "Blvd", "Rd", "Hwy", "Pkwy", "Ln"))
_BEGINNERS = word_set(
    "He She It They We You The This That These His Her Its My Your Our But And So In At If When"
)
_ALSO_NAMES = frozenset(("Sun", "Sat", "Mon", "Wed", "Fri"))


def abbreviation(look: Look) -> Reading | None:
    """Read an abbreviation with or without its full stop."""
    first = look.first
    core = first.core
    if core in SLASHED:
        return Reading(1, SLASHED[core] + first.mark)
    if first.dotted and (reading := _dotted(look)):
        return reading
    if core in MONTH_NAMES or core in DAYS:
        return _calendar(look)
    if core[:1].isupper() and (said := _range_of_names(core)):
        return Reading(1, said + (end_of(look, 0) if first.dotted else first.mark))
    if core in _STREETS and not first.dotted and before_name(look):
        return Reading(1, PLACES[core] + first.mark)
    if (
        core == "St"
        and not first.mark
        and (following := look.at(1)) is not None
        and following.core[:1].isupper()
    ):
        return Reading(1, "Saint")
    if core in ("vs", "v") and not first.mark and not look.before.paused and core == "vs":
        return Reading(1, "versus")
    if core in ("Mr", "Mrs", "Ms", "Dr", "Prof", "Sgt") and not first.mark:
        return Reading(1, TITLES[core])
    return None


def _dotted(look: Look) -> Reading | None:
    first = look.first
    core = first.core
    if core in BEFORE_NUMBER and (reading := _before_number(look)):
        return reading
    if core in DOTTED:
        return Reading(1, DOTTED[core] + first.after)
    if core in PLACES and core in TITLES:
        return _place_or_title(look)
    if core in PLACES:
        return Reading(1, PLACES[core] + _place_end(look))
    if core in _ALWAYS and not first.after:
        return Reading(1, TITLES[core])
    if core in TITLES and not first.after:
        following = look.at(1)
        if following is None or following.core[:1].isupper() or following.core[:1].isdigit():
            return Reading(1, TITLES[core])
        return None
    if core in INSIDE:
        if core not in ALSO_WORDS:
            return Reading(1, INSIDE[core] + (first.after if core in ("vs", "approx") else end_of(look, 0)))
        following = look.at(1)
        if following is not None and (following.core[:1].islower() or following.core[:1].isdigit()):
            return Reading(1, INSIDE[core])
        return None
    if core == "min" and (following := look.at(1)) is not None and following.core[:1].islower():
        return Reading(1, "minute" if look.before.word in ("a", "per", "1", "each") else "minutes")
    return None


def _before_number(look: Look) -> Reading | None:
    """Read "No. 5" and "fig. 3"; None where no number follows, so that it is a word."""
    first = look.first
    if first.after or "." in first.tail[1:]:
        return None
    before = look.before
    following = look.at(1) if first.core == "no" else None
    if following is not None and (
        following.core == "of" or (before.word.lower() in _NUMBERED and following.core[:1].islower())
    ):
        return Reading(1, "number", "label")
    if first.core in ("no", "art", "sec", "min") and before.word.lower() in _REPLIES and first.core == "no":
        following = look.at(1)
        if (
            following is not None
            and len(look.words) == 2
            and not following.mark
            and before.word.lower() in ("is", "was")
        ):
            return Reading(1, "no.")
        if following is not None and following.mark and following.core.isdigit():
            return Reading(1, "number")
        return None
    following = look.at(1)
    if following is None and look.stage is Stage.RELEASE and first.core == "No" and not before.paused:
        return Reading(1, "number", "label")  # no sentence has this capital inside
    if following is not None and _numbers(following):
        said = BEFORE_NUMBER[first.core]
        return Reading(1, said.capitalize() if before.ended else said, "label")
    return None


def _numbers(word: Word) -> bool:
    core = word.core.lstrip("#")
    return (
        core[:1].isdigit() or bool(core[1:2].isdigit() and core.isalnum()) or (bool(core) and roman(core) > 1)
    )


def _place_or_title(look: Look) -> Reading:
    """Read "St." and "Dr.": after a name a place, before a name a title."""
    first, before = look.first, look.before
    if before.word.lower() in ("the", "a", "my", "your", "our", "this") and first.core == "Dr":
        return Reading(1, TITLES["Dr"])
    named = (before.word[:1].isupper() and not before.start) or before.word.lower().endswith(
        ("th", "st", "nd", "rd")
    )
    if (
        named
        and not before.paused
        and before.word not in PLACES
        and before.word not in ("In", "Of", "Fort", "Mount", "The", "I")
    ):
        return Reading(1, PLACES[first.core] + _place_end(look))
    if first.after:
        return Reading(1, PLACES[first.core] + first.after)
    following = look.at(1)
    if following is None or following.core[:1].isupper() or following.core[:1].isdigit():
        return Reading(1, TITLES[first.core])
    return Reading(1, PLACES[first.core] + end_of(look, 0))


def _place_end(look: Look) -> str:
    """The mark after "St." or "Inc."; another abbreviation of a place goes on: "Main St. Apt. 4"."""
    if look.first.after or "." in look.first.tail[1:]:
        return end_of(look, 0)
    following = look.at(1)
    if following is not None and following.dotted and following.core in PLACES and following.core != "Dr":
        return ""
    return end_of(look, 0)


def before_name(look: Look) -> bool:
    """Whether the name of a street stands before."""
    before = look.before
    return not before.paused and before.word[:1].isupper() and not before.start


def _begins(word: Word | None) -> bool:
    """Whether a sentence begins here: none follows, or a word that is no name."""
    return word is None or word.core in _BEGINNERS


def _range_of_names(core: str) -> str:
    """Say "Mon-Fri" and "Jan.–Mar"; '' for what is none."""
    ends = [end.rstrip(".") for end in _DASH.split(core)]
    names = [DAYS.get(end) or MONTH_NAMES.get(end) or (end if end in DAY_NAMES else "") for end in ends]
    return " to ".join(names) if len(ends) == 2 and all(names) else ""


def _calendar(look: Look) -> Reading | None:
    """Read the name of a month or a day, short or long."""
    first = look.first
    core = first.core
    if core in MONTHS:
        return Reading(1, core + first.mark, "" if first.mark else "month")
    month = core in MONTH_NAMES
    said = MONTH_NAMES[core] if month else DAYS[core]
    if first.mark == "," and not month and (following := look.at(1)) and following.core in MONTH_NAMES:
        return Reading(1, f"{said},")
    if first.after:
        return Reading(1, said + first.after) if first.dotted else None
    if first.mark and not first.dotted:
        return None
    following = look.at(1)
    if following is not None and following.core[:1].isdigit():
        return Reading(1, said, "month" if month else "")
    if not first.dotted:
        return None
    if following is not None and following.core[:1].islower():
        return Reading(1, said)
    if look.before.paused and not month and core in _ALSO_NAMES:
        return None
    if not month and not (core == "Sun" and look.before.word.lower() in ("the", "our")):
        return Reading(1, said + end_of(look, 0))
    if core in _SURE_MONTHS or (not month and core not in _ALSO_NAMES):
        return Reading(1, said + end_of(look, 0))
    return None


def letters_with_stops(look: Look) -> Reading | None:
    """Read "U.S.", "a.m.", "Ph.D." and an initial before a name."""
    first = look.first
    core = first.core
    if "." in core:
        if said := half_range(core):
            return Reading(1, said, "number", "2")
        said, found = initials(core)
        if found:
            mark = first.mark
            if first.dotted:
                whole = core in _STOPS and not look.before.ended
                mark = end_of(look, 0) if whole or _begins(look.at(1)) else first.after
            return Reading(1, said + mark, "time" if is_half(core) else "")
        return None
    if first.dotted and len(core) == 1 and core.isupper() and core != "I" and not first.after:
        following = look.at(1)
        before = look.before
        name = before.paused or (before.word[:1].isupper() and not before.start) or len(before.word) == 1
        if (
            following is not None
            and following.core[:1].isupper()
            and (
                name
                or (before.start and before.word.istitle())
                or (following.dotted and len(following.core) == 1)
            )
        ):
            return Reading(1, core)
    return None


def roman_numeral(look: Look) -> Reading | None:
    """Read a Roman numeral after a ruler's name or the word for a part."""
    core = look.first.core
    value = roman(core)
    if not value:
        return None
    before = look.before.word
    low = before.lower()
    if look.before.paused:
        return None
    if low in NUMBERED:
        return Reading(1, cardinal(str(value)) + look.first.mark)
    if not before[:1].isupper():
        return None
    if low in RULERS and (value > 1 or look.first.mark):
        return Reading(1, f"the {ordinal(str(value))}{look.first.mark}")
    if value > 1 and len(core) > 1 and core not in ("XL", "XXL", "XX", "XXX") and low != "size":
        return Reading(1, cardinal(str(value)) + look.first.mark)
    return None


SPECIAL = frozenset().union(
    TITLES,
    PLACES,
    INSIDE,
    BEFORE_NUMBER,
    DOTTED,
    MONTH_NAMES,
    DAYS,
    UNITS,
    ("vs", "Ok", "ok", "a", "A", "min"),
)
"""Words that the short way for plain words leaves alone."""
