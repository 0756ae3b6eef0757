"""Events of a session, as its application gets them, in the order in which they happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vflow.packet import Samples, Span
from vflow.report.turn import TurnRecord


@dataclass(frozen=True, slots=True)
class UserBegan:
    """The user has begun to speak: the turn, and where its audio begins in all that was handed in, in
    seconds."""

    turn: int
    at_s: float


@dataclass(frozen=True, slots=True)
class UserFinished:
    """The user has finished: the turn, and where its audio ends in all that was handed in, in seconds."""

    turn: int
    at_s: float


@dataclass(frozen=True, slots=True)
class UserText:
    """The transcript of what the user said in a turn."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyWord:
    """A word of the reply, as it is written; `index` counts from 0."""

    turn: int
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyWritten:
    """The reply has all its words; its sound may be still to come. Its tokens, why the model ended it, and
    the tokens of the prompt, 0 where the generator does not know."""

    turn: int
    tokens: int
    stop_reason: str
    prompt_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """Audio to play: `samples` are `(frames,) float32`, read-only, at `rate` Hz.

    `spans` say which words sound in it, and where, in frames; one that begins before these samples, whose
    middle lies in them, begins below 0.
    """

    turn: int
    samples: Samples = field(repr=False)
    rate: int
    spans: tuple[Span, ...] = ()

    @property
    def pcm16(self) -> bytes:
        """The samples as 16 bit, little endian."""
        return (np.clip(self.samples, -1, 1) * 32767).astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user, or the application, has cut the replies up to `turn`: forget what of them was not played."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyHeld:
    """The user may have spoken on: pause what plays, and keep it, until `ReplyGoesOn`."""


@dataclass(frozen=True, slots=True)
class ReplyGoesOn:
    """The hold is over: play on from where it was paused. Where it was cut, `Interrupted` came before."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The agent does something else now."""

    state: Literal["idle", "listening", "processing", "speaking", "interrupted"]


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn is over; its record has texts, times and latencies."""

    record: TurnRecord


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning of a node, or of the runtime."""

    source: str
    text: str


Event = (
    UserBegan
    | UserFinished
    | UserText
    | ReplyWord
    | ReplyWritten
    | ReplyAudio
    | ReplyHeld
    | ReplyGoesOn
    | Interrupted
    | StateChanged
    | TurnEnded
    | Warned
)
