"""Judge how an agent handled one clip, which is one turn of one speaker, by the clip's labels.

All moments are in ns of the clip. A clip is

* *cut* if the end of a turn is decided within one of its inner silences;
* *split* if its words are in the history in two or more places, each with a reply that was heard: utterances
  without an answer are joined with the next, so a reply that was taken back splits nothing;
* *unanswered* if the history ends with words of it that no heard reply follows, if a turn was never
  transcribed, or if more than half of a stretch of its sound of at least LOST_NS is outside all turns. A turn
  in which the transcriber found no words needs no answer;
* *missed* if no turn was found, or no words in any;
* *harmed* if it is split, unanswered or missed.

A *false retraction* is a reply that was cut or taken back after the speaker had finished.

A reply counts as heard if its first sample was played and it is in the history. The delay is from the true
last sound to the first decision after it, and to the first sound of a reply after that decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MS = 1_000_000
ROOM_NS = 500 * MS
"""Time before the first sound of a clip."""
LOST_NS = 300 * MS
"""The shortest sound that has to be in a turn."""
LATE_NS = 200 * MS
"""How much the end of the last sound by the label and by the detector may differ."""
HELD_NS = 300 * MS
"""A reply that is held for longer, though the user had finished, counts as a fault."""


@dataclass(frozen=True, slots=True)
class Truth:
    """From and to of each silence of a clip after which the speaker goes on, and its last sound's end."""

    inner: tuple[tuple[int, int], ...]
    end_ns: int | None

    def sounds(self) -> list[tuple[int, int]]:
        """Return from and to of each stretch of sound; the last one only if its end is known."""
        starts = [ROOM_NS, *(until for _, until in self.inner)]
        ends = [begun for begun, _ in self.inner]
        return list(zip(starts, ends if self.end_ns is None else [*ends, self.end_ns], strict=False))


@dataclass(frozen=True, slots=True)
class Piece:
    """One turn that the agent found in the clip, and its reply. `user` is None if no transcript came."""

    turn: int
    start_ns: int
    decided_ns: int | None = None
    user: str | None = None
    reply: str = ""
    heard: str = ""
    audible_ns: int | None = None
    flushed_ns: int | None = None
    taken_back: bool = False

    @property
    def cut_ns(self) -> int | None:
        """When its reply was cut or taken back after something of it was heard; None if it was not."""
        if self.audible_ns is None or (self.flushed_ns is None and not self.taken_back):
            return None
        return self.audible_ns if self.flushed_ns is None else self.flushed_ns


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the history: `role` is `user` or `assistant`."""

    role: str
    text: str
    turn: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch in which a reply was held; `released` if the reply went on after it."""

    from_ns: int
    to_ns: int
    released: bool


@dataclass(slots=True)
class Judgement:
    """The outcome of one clip; delays in ms. `words_wasted` has, for each reply that was cut because the
    speaker spoke on, how many words of it were heard."""

    file: str
    kind: str
    cut: bool = False
    split: bool = False
    unanswered: bool = False
    missed: bool = False
    decided_ms: float | None = None
    audible_ms: float | None = None
    words_wasted: list[int] = field(default_factory=list)
    held_too_long: int = 0
    false_retractions: int = 0
    pieces: list[dict[str, Any]] = field(default_factory=list)

    @property
    def harmed(self) -> bool:
        return self.split or self.unanswered or self.missed


def judge(
    truth: Truth, pieces: Sequence[Piece], history: Sequence[Entry], holds: Sequence[Hold] = ()
) -> Judgement:
    """Judge the run of a clip; the clip's name and kind are left empty."""
    heard = {piece.turn for piece in pieces if piece.audible_ns is not None}
    answered, rest = _groups(history, heard)
    found = Judgement("", "", pieces=[asdict(piece) for piece in pieces])
    found.cut = any(_within(piece.decided_ns, truth.inner) for piece in pieces)
    found.split = answered > 1
    found.missed = not any(piece.user for piece in pieces)
    found.unanswered = not found.missed and (rest or any(_lost(truth, pieces)))
    found.words_wasted = [
        len(piece.heard.split())
        for piece in pieces
        if piece.cut_ns is not None and (truth.end_ns is None or piece.cut_ns < truth.end_ns + LATE_NS)
    ]
    if truth.end_ns is not None:
        _after(found, truth.end_ns, pieces, holds)
    return found


def _groups(history: Sequence[Entry], heard: Iterable[int]) -> tuple[int, bool]:
    """Count the stretches of the user's words that got a reply that was heard; and say whether the last got
    none."""
    answered, waiting, turns = 0, False, set(heard)
    for entry in history:
        if entry.role == "user":
            waiting = waiting or bool(entry.text.strip())
        elif waiting and entry.turn in turns:
            answered, waiting = answered + 1, False
    return answered, waiting


def _within(at_ns: int | None, silences: Sequence[tuple[int, int]]) -> bool:
    return at_ns is not None and any(begun <= at_ns < until for begun, until in silences)


def _lost(truth: Truth, pieces: Sequence[Piece]) -> list[bool]:
    """Return for each turn and each long sound whether it never came to the transcriber."""
    untold = [piece.user is None for piece in pieces]
    covered = [
        sum(_overlap(begun, end, piece) for piece in pieces) * 2 < end - begun
        for begun, end in truth.sounds()
        if end - begun >= LOST_NS
    ]
    return untold + covered


def _overlap(begun: int, end: int, piece: Piece) -> int:
    until = end if piece.decided_ns is None else min(end, piece.decided_ns)
    return max(0, until - max(begun, piece.start_ns))


def _after(found: Judgement, end_ns: int, pieces: Sequence[Piece], holds: Sequence[Hold]) -> None:
    """Add to `found` the events after the speaker had finished."""
    decided = min(
        (p.decided_ns for p in pieces if p.decided_ns is not None and p.decided_ns >= end_ns), default=None
    )
    if decided is not None:
        found.decided_ms = (decided - end_ns) / MS
        audible = [p.audible_ns for p in pieces if p.audible_ns is not None and p.audible_ns >= decided]
        found.audible_ms = (min(audible) - end_ns) / MS if audible else None
    cuts = [piece.cut_ns for piece in pieces if piece.cut_ns is not None]
    found.false_retractions = sum(1 for cut_ns in cuts if cut_ns >= end_ns + LATE_NS)
    found.held_too_long = sum(
        1 for hold in holds if hold.released and hold.to_ns - max(hold.from_ns, end_ns) > HELD_NS
    )
