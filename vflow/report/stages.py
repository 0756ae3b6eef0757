"""Split the time of a turn into its stages, one after the other, by its moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STAGES = (
    ("endpoint", "decided"),
    ("transcript", "transcript"),
    ("thinking", "first_word"),
    ("voice", "voiced"),
    ("device", "audible"),
    ("speaking", "reply_end"),
)
"""Each stage, and the moment that ends it; it begins at the last moment before that there was."""
FIRST = "voice_off"
USER = "user"
"""The part of a turn before its stages: the user's voice."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, in ns from the turn's first moment. `cut`: an interruption ended it."""

    name: str
    start_ns: int
    end_ns: int
    cut: bool = False


def ends_of(at_ns: Mapping[str, int]) -> dict[str, int]:
    """The moments of a turn, with the end of a reply that was cut."""
    ends = {**at_ns}
    for cut in ("silent", "flushed"):
        if cut in at_ns:
            ends.setdefault("reply_end", at_ns[cut])
    return ends


def stages(at_ns: Mapping[str, int]) -> list[Stage]:
    """The stages of a turn, none of which begins before the one before it ends; [] of one that was not
    answered. A stage of which nothing is known is a part of the next."""
    ends = ends_of(at_ns)
    if "voiced" not in ends and "audible" in ends:  # a sink that does not say when it got it
        ends["voiced"] = ends.pop("audible")
    zero = start = ends.get(FIRST, ends.get("decided"))
    if zero is None or start is None:
        return []
    made: list[Stage] = []
    for name, moment in STAGES:
        if moment in ends and (moment != "decided" or FIRST in ends):
            end = max(start, ends[moment])
            cut = moment == "reply_end" and "flushed" in at_ns
            made.append(Stage(_cut_in(at_ns) if cut else name, start - zero, end - zero, cut))
            start = end
    return made


def parts(at_ns: Mapping[str, int]) -> list[Stage]:
    """Return a turn on the pipeline's time line, without gaps: the user's voice where its beginning is known,
    then the stages, in ns of pipeline time. Return [] for a turn without stages."""
    found = stages(at_ns)
    if not found:
        return []
    zero = at_ns.get(FIRST, at_ns.get("decided", 0))
    began = min(at_ns.get("speech_start", zero), zero)
    ahead = [Stage(USER, began, zero)] if began < zero else []
    return [*ahead, *(Stage(s.name, zero + s.start_ns, zero + s.end_ns, s.cut) for s in found)]


def _cut_in(at_ns: Mapping[str, int]) -> str:
    """The stage that an interruption ended: the first that was not over."""
    if "audible" in at_ns:
        return STAGES[-1][0]
    over = max((at for at, (_, moment) in enumerate(STAGES[:-1]) if moment in at_ns), default=-1)
    return STAGES[over + 1][0]
