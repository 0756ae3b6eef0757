"""A scene: the sounds of a user's side with their times, and the behaviour that is expected of the agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from vflow.bench.speech import Clip


class Expected(Enum):
    """The right behaviour of an agent."""

    ANSWER = "wait until the turn is over, and answer it"
    GO_ON = "go on with the reply, and answer nothing"
    STOP = "end the reply, and answer the interruption"


KINDS: Mapping[str, Expected] = {
    "pause": Expected.ANSWER,
    "hesitation": Expected.ANSWER,
    "digits": Expected.ANSWER,
    "backchannel": Expected.GO_ON,
    "noise": Expected.GO_ON,
    "background": Expected.GO_ON,
    "interruption": Expected.STOP,
}
"""The kinds of scenes, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A clip, and when it begins: `after_ns` after the scene's start, or after the reply became audible.

    `asks`: it is a turn of the user, to be answered.
    """

    clip: Clip
    after_ns: int = 0
    into_reply: bool = False
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """One conversation. The sounds that are no `asks` disturb it; `kind` is one of KINDS."""

    name: str
    kind: str
    sounds: tuple[Sound, ...]

    @property
    def expected(self) -> Expected:
        return KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class Sounded:
    """A sound that began at `at_ns` of pipeline time."""

    sound: Sound
    at_ns: int

    @property
    def on_ns(self) -> int:
        """The time of its first sound."""
        return self.at_ns + self.sound.clip.on_ns

    @property
    def off_ns(self) -> int:
        """The time at the end of its last sound."""
        return self.at_ns + self.sound.clip.off_ns
