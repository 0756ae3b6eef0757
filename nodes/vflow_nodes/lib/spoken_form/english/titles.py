"""English for academic degrees, and for titles before and after a name: "B.Sc.", "Sr. Maria"."""

from __future__ import annotations

import re

from vflow_nodes.lib.spoken_form.english.attributes import begins_sentence
from vflow_nodes.lib.spoken_form.english.following import end_of
from vflow_nodes.lib.spoken_form.english.letters import spaced
from vflow_nodes.lib.spoken_form.english.words import pairs, word_set
from vflow_nodes.lib.spoken_form.reading import Look, Reading
from vflow_nodes.lib.spoken_form.word import Word

_FIELDS = pairs(
    """
Sc S C|Ed Ed|Phil Phil|LL L L|Com Com|Comm Com|Tech Tech|Eng Eng|Psy Psy|Pharm Pharm|Arch Arch|Div Div
Litt Lit|Mus Mus|Econ Econ|Th T H|Des Des|Ch C H|Med Med|Math Math|Stat Stat|Hons Honors|Ph P H|Bus Bus
Admin Admin|Acc Acc|Nurs Nursing|Res Res|Tchg Teaching|Juris Juris|Agr Ag|Kin Kin|Nat Nat
"""
)
"""Parts of degrees that are no initials."""
_DOTTED = re.compile(rf"(?:(?:[A-Z]|{'|'.join(_FIELDS)})\.)+(?:[A-Z]|{'|'.join(_FIELDS)})")
_UNDOTTED = re.compile(
    r"(?P<level>[BM]|D)(?P<field>Sc|Ed|Phil|Com|Comm|Tech|Eng|Arch|Des|Litt|Mus|Pharm|Econ)"
    r"|(?P<kind>Ed|Psy|Pharm|Th|Ph)D"
)
_WORK = word_set(
    "Engineer Manager Director Vice VP Developer Analyst Associate Software Product Consultant"
    " Architect Designer Editor Scientist Data Research Executive Counsel Partner Advisor Adviser"
    " Specialist Officer Fellow Lecturer Accountant Technician Programmer Project Program Sales Account"
    " Marketing Nurse Staff Principal Citizen Center Centre High School Year Class Tax Loan"
)
"""Words after "Sr." that name a job, and no person."""
_SISTERS = word_set(
    "Maria Mary Marie Agnes Agatha Ana Ann Anna Anne Teresa Therese Theresa Helen Helena Joan Juana"
    " Lucia Lucy Margaret Margarita Catherine Catarina Katherine Elizabeth Isabel Rosa Rose Clara Clare"
    " Cecilia Bernadette Josephine Josefina Angela Angelica Monica Beatrice Beatriz Carmen Dolores"
    " Faustina Gabriela Inez Inés María Mercedes Michelle Patricia Paula Rita Simone Veronica Dorothy"
    " Ruth Sarah Martha Marta Aloysia Benedicta Perpetua Scholastica Immaculata"
)
"""Women's names; before them "Sr." means Sister."""

_OFFICES = word_set("Lt Atty Attorney Surgeon Solicitor Secretary Sec Adj Lieutenant Vice Postmaster")
_DETERMINERS = word_set("the a our this that former current new acting vice deputy")
_DEPARTMENTS = frozenset(("dept", "department", "board", "ministry", "sec", "secretary", "bureau"))
OF_STATE = {
    "Sec": "Secretary", "Ed": "Education", "Agr": "Agriculture", "Ag": "Agriculture", "Def": "Defense",
    "Transp": "Transportation", "Comm": "Commerce", "Educ": "Education",
}  # fmt: skip
"""Short names of departments after "of"."""


def degree(core: str) -> str:
    """Say an academic degree without its last full stop; '' for any other word."""
    if "." in core:
        parts = core.split(".")
        if not _DOTTED.fullmatch(core) or all(len(part) == 1 for part in parts):
            return ""
        return " ".join(_FIELDS.get(part, part) for part in parts)
    found = _UNDOTTED.fullmatch(core)
    if not found:
        return ""
    if kind := found["kind"]:
        return f"{_FIELDS[kind]} D"
    return f"{found['level']} {_FIELDS[found['field']]}" if found["field"] in _FIELDS else spaced(core)


def senior(look: Look) -> Reading:
    """Read "Sr.": "Senior" after a name and before a job, a title before a name."""
    first, before = look.first, look.before
    named = before.word[:1].isupper() and not before.start and not before.paused
    if first.after or named:
        return Reading(1, "Senior" + (first.after or end_of(look, 0)))
    following = look.at(1)
    if following is None or not following.core[:1].isupper() or following.core in _WORK:
        return Reading(1, "Senior" + ("" if following is not None else end_of(look, 0)))
    return Reading(1, "Sister" if following.core in _SISTERS else "Señor")


def is_office(look: Look, following: Word | None) -> bool:
    """Tell whether no name follows a title: "the Gov. spoke", "Atty. Gen."."""
    before = look.before.word
    if before.rstrip(".") in _OFFICES:
        return following is None or begins_sentence(following) or not following.core[:1].isupper()
    return before.lower() in _DETERMINERS and following is not None and following.core.islower()


def office(look: Look) -> Reading | None:
    """Read "Sec. of State", and "Dept. of Ed."."""
    core = look.first.core
    if core == "Sec":
        following = look.at(1)
        of = following is not None and following.core in ("of", "Gen")
        return Reading(1, "Secretary") if of or look.before.word in ("Asst", "Press", "Deputy") else None
    named = look.before.recent[-2:-1]
    of = look.before.word == "of" and named != () and named[0].rstrip(".") in _DEPARTMENTS
    return Reading(1, OF_STATE[core] + end_of(look, 0)) if of else None
