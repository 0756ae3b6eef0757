"""Read English short forms whose meaning depends on the words around them: "min.", "est.", "v.", "Mass."."""

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.following import end_of
from vflow_nodes.lib.spoken_form.english.numbers import is_year
from vflow_nodes.lib.spoken_form.english.short_forms import SURE_STATES
from vflow_nodes.lib.spoken_form.english.words import word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading

_ONE_OF = word_set("a per each every one another last next")
_AFTER_MINUTE = word_set("ago later before after to or and when while until till past for i i'll i'm so then")


def versus(look: Look) -> Reading | None:
    """Read "vs", and "v." between two names: "Roe v. Wade"."""
    first, before = look.first, look.before
    if first.after or before.paused:
        return None
    if first.core == "vs":
        return Reading(1, "versus") if not first.mark else None
    if not before.word[:1].isupper():
        return None
    following = look.at(1)
    return Reading(1, "versus") if following is not None and following.core[:1].isupper() else None


def minute_or_least(look: Look) -> Reading:
    """Read "min.": "minute" after "a" and "per" if no noun follows; else "minimum"."""
    first = look.first
    if look.before.word.lower() in _ONE_OF:
        following = look.at(1)
        if following is None or following.core[:1].isupper() or following.core in _AFTER_MINUTE:
            return Reading(1, "minute" + end_of(look, 0))
    said = "Minimum" if first.core == "Min" else "minimum"
    return Reading(1, said + end_of(look, 0))


def established(look: Look) -> Reading | None:
    """Read "est." before a year."""
    following = look.at(1)
    if look.first.after or following is None:
        return None
    if is_year(following.core) or (following.core == "in" and look.before.ended):
        return Reading(1, "Established" if look.first.core == "Est" else "established")
    return None


def is_state(look: Look) -> bool:
    """Tell whether a state's short name comes after a city: "Boston, Mass."."""
    return look.first.core in SURE_STATES or (look.before.mark == "," and look.before.word[:1].isupper())
