"""English for words that are said as they are written, which most are."""

# ruff: noqa: RUF001
# The quotes are those that models write.

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.following import (
    is_scale,
)
from vflow_nodes.lib.spoken_form.english.money import is_money_word
from vflow_nodes.lib.spoken_form.english.numbers import roman
from vflow_nodes.lib.spoken_form.english.units import MONTHS
from vflow_nodes.lib.spoken_form.english.words import (
    NUMBERED,
    RESPELLED,
    SHORT_WORDS,
    is_unpronounceable,
)
from vflow_nodes.lib.spoken_form.reading import Look, Reading


def plain_word(look: Look) -> Reading | None:
    """Read a word that is said as it is written; None if it may be more than that."""
    first, before = look.first, look.before
    core = first.core
    if before.kind in ("number", "money") and (
        is_scale(core) or is_money_word(look) or before.value in ("M", "B")
    ):
        return None
    if (
        before.value == "00"
        or core in RESPELLED
        or (core[0] in "ivxl" and len(core) > 1 and before.word.lower() in NUMBERED and roman(core.upper()))
        or (before.kind == "op" and len(core) == 2 and core not in SHORT_WORDS)
        or (len(core) < 6 and is_unpronounceable(core))
        or (core[0] in "IVXL" and not before.paused and len(core) < 3)
    ):
        return None
    kind = "month" if core in MONTHS and not first.mark else ""
    core = core.replace("’", "'") if "’" in core else core
    if "--" in first.text[-4:]:
        return None
    return Reading(1, core + first.mark if first.mark else core, kind, kind and before.word.lower())
