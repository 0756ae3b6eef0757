"""The states of `turn`."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """The state of a stream of rated windows."""

    IDLE = "nobody speaks"
    ONSET = "voice, but not yet enough of it for an utterance"
    VOICE = "in an utterance: the user speaks"
    HUSH = "in an utterance: a silence too short to mean anything"
    PAUSED = "in an utterance: a silence that may be its end"

    @property
    def in_utterance(self) -> bool:
        """Whether an utterance has begun and is not over."""
        return self not in (State.IDLE, State.ONSET)
