"""Read English abbreviations, and tell them from words that end a sentence."""

# The dashes are the ones that models write.

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.attributes import begins_sentence
from vflow_nodes.lib.spoken_form.english.calendar_names import calendar_name, range_of_names
from vflow_nodes.lib.spoken_form.english.dates import half_range, is_half
from vflow_nodes.lib.spoken_form.english.doubtful_forms import established, is_state, minute_or_least, versus
from vflow_nodes.lib.spoken_form.english.following import STREETS, end_of
from vflow_nodes.lib.spoken_form.english.letters import initials
from vflow_nodes.lib.spoken_form.english.numbers import roman
from vflow_nodes.lib.spoken_form.english.scripture import BOOKS
from vflow_nodes.lib.spoken_form.english.short_forms import (
    ALSO_WORDS,
    BEFORE_NUMBER,
    DOTTED,
    INSIDE,
    PLACES,
    SLASHED,
    STATES,
    TITLES,
)
from vflow_nodes.lib.spoken_form.english.signed_names import SIDES, direction
from vflow_nodes.lib.spoken_form.english.titles import OF_STATE, degree, is_office, office, senior
from vflow_nodes.lib.spoken_form.english.units import DAY_NAMES, DAYS, MONTH_NAMES, MONTHS, UNITS
from vflow_nodes.lib.spoken_form.english.words import LETTERED, word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading, Stage
from vflow_nodes.lib.spoken_form.word import Word

_REPLIES = word_set("is was say says said answer be or a absolutely definitely and")
"""Words before which "no." at a sentence's end is the word "no"."""
_NUMBERED = word_set("part serial model phone order account case invoice ticket tracking reference item id")
"""Words after which "no." means number, although no number follows."""
_UNDOTTED = frozenset(("Mr", "Mrs", "Ms", "Dr", "Prof", "Sgt", "Sra", "Srta", "Mme", "Mlle"))
_NO_STREETS = (
    DAY_NAMES | set(MONTHS) | set(TITLES) | word_set("In Of Fort Mount The I And With To From By For")
)
_ALWAYS = frozenset(("Mr", "Mrs", "Ms", "Prof", "Sgt", "Capt", "Lt"))
_STOPS = word_set("U.S U.S.A U.K U.N E.U D.C a.m p.m A.M P.M B.C A.D B.C.E C.E Ph.D M.D N.Y L.A")
"""Abbreviations whose full stop may end a sentence; after others a name follows."""
_STREETS = frozenset(("St", "Ave", "Blvd", "Rd", "Hwy", "Pkwy", "Ln"))
_ADJECTIVES = word_set("Attn attn Natl Intl Asst Assoc Govt Fed Univ Mgmt Dept Dist")


def abbreviation(look: Look) -> Reading | None:
    """Read an abbreviation with or without its full stop."""
    first = look.first
    core = first.core
    if core == "c/o" and look.before.word in ("Pt", "pt", "patient", "Patient"):
        return Reading(1, "complains of")
    if core in SLASHED:
        return Reading(1, SLASHED[core] + first.mark)
    if first.dotted and (reading := _dotted(look)):
        return reading
    short, stop, owned = core.replace("\u2019", "'").partition(".'")
    if stop and owned == "s" and short in PLACES:
        return Reading(1, f"{PLACES[short]}'s{first.mark}")
    if core in MONTH_NAMES or core in DAYS:
        return calendar_name(look)
    if core[:1].isupper() and (said := range_of_names(core)):
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
    if core in ("vs", "v") and (reading := versus(look)):
        return reading
    if core == "et" and not first.mark and (following := look.at(1)) is not None and following.core == "al":
        return Reading(2, "and others" + (end_of(look, 1) if following.dotted else following.mark))
    if core in _UNDOTTED and not first.mark:
        return Reading(1, TITLES[core])
    return None


def _dotted(look: Look) -> Reading | None:
    first = look.first
    core = first.core
    if core in ("exp", "Exp") and (following := look.at(1)) is not None and following.core == "date":
        return Reading(1, "Expiration" if core == "Exp" else "expiration")
    if core == "Rd" and look.before.word[:1].isupper() and not look.before.start:
        return Reading(1, "Road" + _place_end(look))
    if core in BEFORE_NUMBER and (reading := _before_number(look)):
        return reading
    if core in DOTTED:
        return Reading(1, DOTTED[core] + first.after)
    if core == "Sr":
        return senior(look)
    if core == "Vol" and (following := look.at(1)) is not None and following.core in ("Up", "Down"):
        return Reading(1, "Volume")
    if (
        core == "Rev"
        and (following := look.at(1)) is not None
        and len(following.core) == 1
        and following.mark
    ):
        return Reading(1, "Revision")
    if core == "Cir" and look.before.word[:1].isdigit():
        return Reading(1, "Circuit" + end_of(look, 0))
    if core in OF_STATE and (reading := office(look)):
        return reading
    if core in ("min", "Min"):
        return minute_or_least(look)
    if core in ("est", "Est") and (reading := established(look)):
        return reading
    if core in STATES and is_state(look):
        return Reading(1, STATES[core] + end_of(look, 0))
    if core in PLACES and core in TITLES:
        return _place_or_title(look)
    if core == "Co" and (following := look.at(1)) is not None and following.core in ("Rd", "Road", "Hwy"):
        return Reading(1, "County")
    if core == "Rt" and (following := look.at(1)) is not None and following.core in ("Rev", "Hon"):
        return Reading(1, "Right")
    if core == "Lic" and (following := look.at(1)) is not None and following.core.islower():
        return Reading(1, "License")
    if core == "Pt" and not first.after and look.before.ended:
        return Reading(1, "Patient")
    if core in PLACES:
        return Reading(1, PLACES[core] + _place_end(look))
    if core in _ALWAYS and not first.after:
        return Reading(1, TITLES[core])
    if core in TITLES and not first.after:
        following = look.at(1)
        if is_office(look, following):
            return Reading(1, TITLES[core] + end_of(look, 0))
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
    return None


def _before_number(look: Look) -> Reading | None:
    """Read "No. 5" and "fig. 3"; None if no number follows, so that it is a word."""
    first = look.first
    if first.after or "." in first.tail[1:]:
        return None
    before = look.before
    if (
        first.core in ("ext", "Ext")
        and (following := look.at(1)) is not None
        and following.core in ("is", "was")
    ):
        return Reading(1, "extension", "label")
    following = look.at(1) if first.core == "no" else None
    if following is not None and (
        following.core in ("of", "is", "was", "are", "for", "on")
        or (before.word.lower().rpartition("-")[2] in _NUMBERED and following.core[:1].islower())
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
        if said == "verse" and "." in following.core:
            said = "version"
        return Reading(1, said.capitalize() if before.ended else said, "label")
    return None


def _numbers(word: Word) -> bool:
    core = word.core.lstrip("#")
    return (
        core[:1].isdigit()
        or (core == "I" and word.mark in (",", ".", ";"))
        or bool(core[1:2].isdigit() and core.isalnum())
        or (bool(core) and roman(core) > 1)
    )


def _place_or_title(look: Look) -> Reading:
    """Read "St." and "Dr.": after a name a place, before a name a title."""
    first, before = look.first, look.before
    if before.word.lower() in ("the", "a", "my", "your", "our", "this") and first.core == "Dr":
        return Reading(1, TITLES["Dr"] + (first.after or _title_end(look)))
    named = (before.word[:1].isupper() and not before.start) or before.word[:1].isdigit()
    if named and not before.paused and before.word not in PLACES and before.word not in _NO_STREETS:
        return Reading(1, PLACES[first.core] + _place_end(look))
    if first.core == "Dr":
        return Reading(1, TITLES["Dr"] + (first.after or _title_end(look)))
    if first.after:
        return Reading(1, PLACES[first.core] + first.after)
    following = look.at(1)
    if following is None or following.core[:1].isupper() or following.core[:1].isdigit():
        return Reading(1, TITLES[first.core])
    return Reading(1, PLACES[first.core] + end_of(look, 0))


def _title_end(look: Look) -> str:
    """Return the mark after a title: its full stop ends a sentence only if no name follows."""
    return "." if look.stage is not Stage.RELEASE and begins_sentence(look.at(1)) else ""


def _place_end(look: Look) -> str:
    """Return the mark after "St." or "Inc."; none before another part of an address: "Main St. Apt. 4"."""
    if look.first.after or "." in look.first.tail[1:]:
        return end_of(look, 0)
    following = look.at(1)
    if following is not None and following.dotted and following.core in PLACES and following.core != "Dr":
        return ""
    if following is not None and len(following.core) == 1 and following.core.isupper():
        return ""
    if look.first.core in _ADJECTIVES and following is not None and not begins_sentence(following):
        return ""
    return end_of(look, 0)


def _is_street(look: Look) -> bool:
    """Tell whether the name of a street follows "S.": "1200 S. Michigan Ave."."""
    following = look.at(1)
    if following is None or not following.core[:1].isupper() or following.mark:
        return False
    street = look.at(2)
    return street is not None and street.core in STREETS


def before_name(look: Look) -> bool:
    """Tell whether the name of a street comes before."""
    before = look.before
    return not before.paused and before.word[:1].isupper() and not before.start


def letters_with_stops(look: Look) -> Reading | None:
    """Read "U.S.", "a.m.", "Ph.D." and an initial before a name."""
    first = look.first
    core = first.core
    if "." in core:
        if said := half_range(core):
            return Reading(1, said, "number", "2")
        said = degree(core)
        said, found = (said, True) if said else initials(core)
        if found:
            mark = first.mark
            if first.dotted:
                whole = (core in _STOPS or degree(core) != "") and not look.before.ended
                mark = end_of(look, 0) if whole or begins_sentence(look.at(1)) else first.after
            return Reading(1, said + mark, "time" if is_half(core) else "")
        return None
    if core in SIDES and first.dotted and not first.after and _is_street(look):
        return Reading(1, SIDES[core].capitalize())
    if len(core) == 1 and first.dotted and (side := direction(look)):
        return Reading(1, side + (first.after or end_of(look, 0)))
    if first.dotted and len(core) == 1 and core.isupper() and core != "I" and not first.after:
        following = look.at(1)
        if following is not None and following.core.islower() and following.core[:1].isalpha():
            return Reading(1, core)  # a species: "E. coli"
        if following is not None and following.core[:1].isdigit():
            numbered = following.core[-2:] in ("st", "nd", "rd", "th")
            return Reading(
                1, SIDES.get(core, core).capitalize() if numbered else core
            )  # "W. 34th", a bill: "S. 1409"
        before = look.before
        initial = before.word.lower() not in LETTERED and not begins_sentence(following)
        if following is not None and following.core[:1].isupper() and initial:
            return Reading(1, core)
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
    BOOKS,
    STATES,
    SLASHED,
    OF_STATE,
    ("vs", "Ok", "ok", "a", "A", "min", "et", "Sr", "est", "Est"),
)
"""Words that the shortcut for plain words must not take."""
