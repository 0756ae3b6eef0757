"""One turn as the report has it: its moments, its words, its latencies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from vflow.packet import MS
from vflow.scripts import join_words

MOMENTS = (
    "speech_start", "voice_off", "decided", "transcript", "first_word", "voiced", "audible", "flushed",
    "silent", "reply_end",
)  # fmt: skip
WITHHELD = ("thought_tokens", "tool_calls", "made_up_turns")
"""Keys of a `turn_end`'s meta that count what the model wrote and nobody heard."""
COUNTS = ("tokens", "prompt_tokens", "prompt_audio_tokens")
"""Keys of the meta of words and of a `turn_end`, and fields of a turn: tokens of the reply, of its prompt."""
LATENCIES: Mapping[str, tuple[str, str]] = {
    "endpoint": ("voice_off", "decided"),
    "first_word": ("decided", "first_word"),
    "compute": ("decided", "audible"),
    "v2v": ("voice_off", "audible"),
    "word_to_audio": ("first_word", "audible"),
    "stop": ("flushed", "silent"),
}


HELD_NS = 300 * MS
"""Longest harmless hold. A reply that goes on after a longer one was held in error: the user has waited."""


@dataclass(slots=True)
class Speculated:
    """How a turn was answered in advance. `attempts` counts the pauses that were answered, `wasted_words` the
    words made at pauses after which the user spoke on; times in ns."""

    result: Literal["none", "hit", "miss"] = "none"
    attempts: int = 0
    wasted_words: int = 0
    begun_ns: int | None = None
    """The time of the pause that is being answered."""
    ahead_ns: int | None = None
    """Time from that pause to the decision: the head start of a hit."""
    first_word_ns: int | None = None
    """Time from that pause to the first word: what it takes without the head start."""

    def take(self, phase: str, at_ns: int, made: bool, wasted_words: int) -> None:
        """Take a message of the kind `speculation`, by its phase."""
        if phase == "begun":
            self.attempts += 1
            self.begun_ns = at_ns
        elif phase == "retracted":
            self.result, self.begun_ns = "miss", None
            self.wasted_words += wasted_words
        elif not made:
            self.result, self.begun_ns = "miss", None
        elif self.begun_ns is not None:
            self.result, self.ahead_ns = "hit", at_ns - self.begun_ns

    def as_dict(self) -> dict[str, Any]:
        return {
            "result": self.result,
            "attempts": self.attempts,
            "wasted_words": self.wasted_words,
            "ahead_ms": in_ms(self.ahead_ns),
            "first_word_ms": in_ms(self.first_word_ns),
        }


@dataclass(slots=True)
class TurnRecord:
    """One user utterance and the reply to it; moments in ns of pipeline time."""

    number: int
    user: str | None = None
    words: list[str] = field(default_factory=list)
    heard: str = ""
    tokens: int = 0
    stop_reason: str | None = None
    withheld: dict[str, int] = field(default_factory=dict)
    """Counts by the names in WITHHELD; only those above 0."""
    interrupted: bool = False
    taken_back: bool = False
    """Whether its end was false and the reply counts as unheard: the user's next turn continues it."""
    held_ns: int = 0
    """How long the reply was held in error, in holds longer than HELD_NS."""
    speculation: Speculated = field(default_factory=Speculated)
    generated_ns: int | None = None
    answered_by: str = ""
    """The node that gave the first word of the reply."""
    prompt_tokens: int = 0
    """Tokens of the prompt that was answered; 0 if the generator does not count them."""
    prompt_audio_tokens: int = 0
    """How many of them are sound."""
    measured: bool = False
    """Whether its moments come from recordings."""
    at_ns: dict[str, int] = field(default_factory=dict)

    @property
    def reply(self) -> str:
        return join_words(self.words)

    @property
    def ended(self) -> bool:
        """Whether its reply is over: nothing more can come."""
        return "reply_end" in self.at_ns or "flushed" in self.at_ns or self.empty

    @property
    def empty(self) -> bool:
        """Whether the generator answered with nothing."""
        return self.stop_reason is not None and not self.words

    @property
    def outcome(self) -> str:
        """How the reply ended, in a word."""
        if self.taken_back:
            return "taken_back"
        if self.interrupted:
            return "interrupted"
        if self.stop_reason == "error":
            return "error"
        return "empty" if self.empty else "heard"

    def latency_ns(self, name: str) -> int | None:
        """Return a latency by its name in LATENCIES. Return None if one of its ends did not happen, or if no
        clock paced the input: a voice that comes faster than real time ends, by its own time, after its
        answer."""
        start, end = (self.at_ns.get(moment) for moment in LATENCIES[name])
        if start is None or end is None:
            return None
        if name == "stop":
            return max(0, end - start)  # 0 if it was silent before the flush came
        return None if end < start and LATENCIES[name][0] == "voice_off" else end - start

    def take_counts(self, count: Callable[[str, int], int]) -> None:
        """Take the counts of a word or a `turn_end`; `count` returns one by its name, or the one before."""
        for name in COUNTS:
            setattr(self, name, count(name, getattr(self, name)))

    def take_hold(self, phase: str, held_ns: int) -> None:
        """Take a message of the kind `hold`, by its phase."""
        if phase in ("released", "given_up") and held_ns > HELD_NS:
            self.held_ns += held_ns

    def recorded_until_ns(self, starts: Sequence[int]) -> int | None:
        """Return up to where a recording may hold this audible reply: its end, or the next reply's start.
        `starts` has those of all replies in rising order."""
        later = starts[bisect_right(starts, self.at_ns["audible"]) :][:1]
        ends = [self.at_ns["reply_end"]] if "reply_end" in self.at_ns else []
        return min([*later, *ends], default=None)

    def copy(self) -> TurnRecord:
        """Return a copy that does not change with this one."""
        return replace(
            self,
            words=list(self.words),
            withheld=dict(self.withheld),
            at_ns=dict(self.at_ns),
            speculation=replace(self.speculation),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the turn as the report has it."""
        return {
            "turn": self.number,
            "user": self.user,
            "reply": self.reply,
            "heard": self.heard,
            "words": len(self.words),
            "tokens": self.tokens,
            "prompt_tokens": self.prompt_tokens or None,
            "stop_reason": self.stop_reason,
            **self.withheld,
            "interrupted": self.interrupted,
            "taken_back": self.taken_back,
            "held_ms": in_ms(self.held_ns),
            "speculation": self.speculation.as_dict(),
            "generation_ms": in_ms(self.generated_ns),
            "at_ms": {moment: in_ms(self.at_ns.get(moment)) for moment in MOMENTS},
            "latency_ms": {name: in_ms(self.latency_ns(name)) for name in LATENCIES},
        }


def in_ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / MS, 1)
