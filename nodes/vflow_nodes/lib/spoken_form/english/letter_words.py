"""English for words without digits that are no plain words: addresses, abbreviations, letters, names."""

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.abbreviations import (
    abbreviation,
    letters_with_stops,
)
from vflow_nodes.lib.spoken_form.english.following import end_of
from vflow_nodes.lib.spoken_form.english.letters import (
    acronym,
    identifier,
    party,
    spaced,
)
from vflow_nodes.lib.spoken_form.english.numbers import cardinal, roman
from vflow_nodes.lib.spoken_form.english.signed_names import lone_letter
from vflow_nodes.lib.spoken_form.english.symbols import (
    NAMES,
    expression,
    is_expression,
    raised,
)
from vflow_nodes.lib.spoken_form.english.titles import degree
from vflow_nodes.lib.spoken_form.english.units import UNITS, unit_name
from vflow_nodes.lib.spoken_form.english.web import address, file_name, handle_or_tag, mail, path
from vflow_nodes.lib.spoken_form.english.words import RESPELLED, SHORT_WORDS, STATE_CODES, is_unpronounceable
from vflow_nodes.lib.spoken_form.reading import LongWords, Look, Reading


def letter_word(look: Look, long_words: LongWords) -> Reading | None:
    """Read a word without digits that is no plain word: an address, an abbreviation, letters, a name."""
    first, before = look.first, look.before
    core = first.core
    if (
        before.kind == "op"
        and len(core) == 2
        and core.isascii()
        and core.islower()
        and core not in SHORT_WORDS
    ):
        return Reading(1, spaced(core) + first.mark, "letter")
    if core in UNITS and ("/" in core or core[0] == "°"):
        return Reading(1, unit_name(core, "2") + first.mark)
    if (value := roman(core)) > 1 and len(core) > 1 and core not in ("XX", "XXX", "XL", "IV"):
        return Reading(1, cardinal(str(value)) + first.mark)
    said = (
        mail(core)
        or address(core, long_words == "spell")
        or handle_or_tag(core)
        or file_name(core)
        or path(core)
    )
    if said:
        return Reading(1, said + first.mark)
    if (reading := abbreviation(look) or letters_with_stops(look)) is not None:
        return reading
    if core in RESPELLED and not _is_itself(look):
        own = first.dotted and core.islower() and is_unpronounceable(core)
        return Reading(1, RESPELLED[core] + (end_of(look, 0) if own else first.mark))
    if core[:1] in "ΔδαβγλσΩω" and len(core) == 2 and core[1].isascii():
        return Reading(1, f"{NAMES[core[0]]} {core[1].upper()}{first.mark}", "letter")
    if said := party(core):
        return Reading(1, said + (first.after if first.dotted else first.mark))
    if said := degree(core):
        return Reading(1, said + first.mark)
    if len(core) == 1:
        return lone_letter(look)
    listed = before.mark == "," and before.kind == "capitals" and len(before.word) == 2
    if core in STATE_CODES and (listed or _is_state(look)):
        return Reading(1, spaced(core) + first.mark, "capitals")
    loud = len(before.word) > 2 and before.word.isupper() and not before.kind
    if said := acronym(core, loud):
        return Reading(1, said + first.mark, "capitals")
    if said := raised(core):
        return Reading(1, said + first.mark, "letter")
    if is_expression(core) and "&" not in core:
        return Reading(1, expression(core) + first.mark, "letter")
    if said := identifier(core):
        return Reading(1, said + first.mark)
    if is_unpronounceable(core):
        return Reading(1, _symbol(look) + first.mark)
    return None


def _is_itself(look: Look) -> bool:
    """Tell whether a short word is no word of chats, but an era after a year, or a command."""
    first = look.first
    if first.core == "bc":
        return look.before.kind in ("number", "year", "digits")
    if first.core in ("rm", "np", "dm"):
        following = None if first.lead.endswith("`") else look.after(0)
        return first.lead.endswith("`") or (following is not None and following.text[:1] == "-")
    return False


def _symbol(look: Look) -> str:
    """Say a word without a vowel: a unit in full, else its letters."""
    core = look.first.core
    in_code = look.first.lead.endswith("`")
    return UNITS[core][1] if core in UNITS and not in_code else spaced(core)


def _is_state(look: Look) -> bool:
    """Tell whether capitals are between a city and its ZIP code: "Springfield, OR 97477"."""
    if look.before.mark != "," or look.first.mark:
        return False
    following = look.at(1)
    return following is not None and len(following.core[:5]) == 5 and following.core[:5].isdigit()
