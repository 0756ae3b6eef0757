"""The verdict on a scene, from who sounded when, and from the turns that the agent made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from vflow.bench.battery.played import Played, Span
from vflow.bench.battery.scene import Expected
from vflow.packet import MS, SECOND
from vflow.report.turn import HELD_NS, TurnRecord

MISSED_NS = 2 * SECOND
"""A reply that still sounds this long after the onset of an interruption ignores it."""
OVER_NS = 300 * MS
"""If a reply was silent for this long before a flush, it was over."""


class Verdict(Enum):
    """The outcome of a scene."""

    OK = "ok"
    TURN_CUT = "turn cut"
    REPLY_CUT = "reply cut"
    HOLE = "hole over 300 ms"
    MISSED = "interruption missed"
    FALSE_TURN = "false turn"
    NO_ANSWER = "no answer"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict. `at_ns` is when the fault happened, in the scene's wav; `times_ms` are by name:

    - answer: from the end of the turn's last sound to the agent's first.
    - silent: from the onset of the voice to the silence of the reply, held or ended; flush: to the flush.
    - hole: the silence of a hold.
    """

    verdict: Verdict
    at_ns: int | None = None
    times_ms: Mapping[str, float] = field(default_factory=dict)
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict.value,
            "at_ms": None if self.at_ns is None else _ms(self.at_ns),
            "times_ms": dict(self.times_ms),
            "why": self.why,
        }


def judge(played: Played) -> Outcome:
    """Return the verdict on a scene."""
    if not played.whole:
        return Outcome(Verdict.NOT_JUDGED, why="the reply did not come, or was over too early")
    expected = played.scene.expected
    if expected is Expected.ANSWER:
        return _of_turn(played)
    return _of_interruption(played) if expected is Expected.STOP else _of_disturbance(played)


def _of_turn(played: Played) -> Outcome:
    """Judge one turn of the user, with pauses."""
    (asked,) = played.asked
    early = [on for on, _ in played.agent if on < asked.off_ns]
    later = [on for on, _ in played.agent if on >= asked.off_ns]
    times = {"answer": _ms(later[0] - asked.off_ns)} if later else {}
    if early:
        return Outcome(Verdict.TURN_CUT, early[0], times, "the agent spoke before the turn was over")
    if not later:
        return Outcome(Verdict.NO_ANSWER, asked.off_ns, times)
    return Outcome(Verdict.OK, times_ms=times)


def _of_disturbance(played: Played) -> Outcome:
    """Judge sounds that are no turn, over a reply or while nobody speaks."""
    onset_ns = min(sound.on_ns for sound in played.disturbing)
    cut = next((turn for turn in played.turns if _cut(turn, onset_ns)), None)
    if cut is not None:
        at_ns = cut.at_ns["flushed"]
        after_ns = max(0, _last_sound(played, at_ns) - onset_ns)
        into_reply = all(one.sound.into_reply for one in played.disturbing)  # else its onset means nothing
        times = {"silent": _ms(after_ns), "flush": _ms(at_ns - onset_ns)} if into_reply else {}
        return Outcome(Verdict.REPLY_CUT, at_ns, times)
    hole = max((_silence(played, held) for held in played.held), key=_length, default=(0, 0))
    times = {"hole": _ms(_length(hole))} if _length(hole) else {}
    if _length(hole) > HELD_NS:
        return Outcome(Verdict.HOLE, hole[0], times)
    decided = [turn.at_ns["decided"] for turn in played.turns if _counts(turn)]
    if len(decided) > len(played.asked):
        return Outcome(Verdict.FALSE_TURN, decided[len(played.asked)], times)
    if played.asked and not played.agent:
        return Outcome(Verdict.NO_ANSWER, played.asked[-1].off_ns, times)
    return Outcome(Verdict.OK, times_ms=times)


def _of_interruption(played: Played) -> Outcome:
    """Judge a voice that falls into the reply to the question before."""
    asked = played.asked[-1]
    before = [t for t in played.turns if t.at_ns.get("audible", asked.on_ns) < asked.on_ns]
    reply = before[-1] if before else None
    if reply is None:
        return Outcome(Verdict.NOT_JUDGED, why="no reply was heard")
    flushed_ns = reply.at_ns.get("flushed")
    last_ns = _last_sound(played, asked.on_ns + MISSED_NS if flushed_ns is None else flushed_ns)
    times = {"silent": _ms(max(0, last_ns - asked.on_ns))}
    if flushed_ns is None and last_ns < asked.on_ns + MISSED_NS:
        return Outcome(Verdict.NOT_JUDGED, last_ns, why="the reply was over by itself")
    if flushed_ns is None or flushed_ns - asked.on_ns > MISSED_NS:
        return Outcome(Verdict.MISSED, asked.on_ns, times)
    times["flush"] = _ms(flushed_ns - asked.on_ns)
    if not any(on >= asked.off_ns for on, _ in played.agent):
        return Outcome(Verdict.NO_ANSWER, asked.off_ns, times)
    return Outcome(Verdict.OK, times_ms=times)


def _cut(turn: TurnRecord, onset_ns: int) -> bool:
    """Return whether a reply was flushed after this moment, while it sounded."""
    flushed_ns, silent_ns = turn.at_ns.get("flushed"), turn.at_ns.get("silent")
    if flushed_ns is None or silent_ns is None or flushed_ns < onset_ns:
        return False
    return silent_ns > flushed_ns - OVER_NS


def _counts(turn: TurnRecord) -> bool:
    """Return whether it is a turn of the user's; one that was taken back is the first half of the next."""
    return "decided" in turn.at_ns and not turn.taken_back


def _last_sound(played: Played, until_ns: int) -> int:
    """Return the end of the agent's last sound that began before this moment."""
    return max((off for on, off in played.agent if on < until_ns), default=until_ns)


def _silence(played: Played, held: Span) -> Span:
    """Return the part of a hold in which the agent was silent. What came before and after it is the voice's
    own pause, or a reply that is made too slowly."""
    before = max((off for on, off in played.agent if on < held[0]), default=held[0])
    after = min((on for on, _ in played.agent if on >= held[0]), default=held[1])
    silent = max(before, held[0]), min(after, held[1])
    return silent if silent[1] > silent[0] else (0, 0)


def _length(span: Span) -> int:
    return span[1] - span[0]


def _ms(ns: int) -> float:
    return round(ns / MS, 1)
