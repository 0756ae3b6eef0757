"""Events of a session; its application gets them in the order in which they happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vflow.packet import Samples, Span
from vflow.report.turn import TurnRecord


@dataclass(frozen=True, slots=True)
class UserBegan:
    """The user has begun to speak. `at_s` is the place of the utterance's begin in all audio that was handed
    in, in seconds."""

    turn: int
    at_s: float


@dataclass(frozen=True, slots=True)
class UserFinished:
    """The user has finished. `at_s` is the place of the utterance's end in all audio that was handed in, in
    seconds."""

    turn: int
    at_s: float


@dataclass(frozen=True, slots=True)
class UserText:
    """The transcript of the user's words in a turn."""

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
    """The reply has all its words; audio may still come. `stop_reason` says why the model ended it;
    `prompt_tokens` is 0 if the generator does not count them."""

    turn: int
    tokens: int
    stop_reason: str
    prompt_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """Audio to play: `samples` are `(frames,) float32`, read-only, at `rate` Hz.

    `spans` are the words that sound in it, with their places in frames. A word belongs to the samples that
    hold its middle; if it begins before them, its `start` is below 0.
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
    """The user or the application has cut the replies up to `turn`: drop the audio not played yet."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyHeld:
    """The user may have spoken on: pause the playback, and keep the audio, until `ReplyGoesOn`."""


@dataclass(frozen=True, slots=True)
class ReplyGoesOn:
    """The hold is over: play on from where you paused. If the reply was cut, `Interrupted` came before."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The agent has a new state."""

    state: Literal["idle", "listening", "processing", "speaking", "interrupted"]


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn is over; `record` holds its texts, times and latencies."""

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
