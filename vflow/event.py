"""Events: marks in the stream, in order with the packets of a link. Times are pipeline nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vflow.packet import empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. `turn` is the turn that it belongs to; 0 for none."""

    pts_ns: int = 0
    turn: int = 0
    meta: Mapping[str, Any] = field(default_factory=empty, repr=False)

    @property
    def name(self) -> str:
        """The event's name as documents and reports write it: `speech_start`, `eos`, ..."""
        return NAMES[type(self)]


class SpeechStart(Event):
    """The user began to speak. The utterance's audio follows, beginning with its pre-roll."""

    __slots__ = ()


class Pause(Event):
    """The first short silence inside an utterance, which may be its end."""

    __slots__ = ()


class Resume(Event):
    """The user spoke on after a `Pause`."""

    __slots__ = ()


class SpeechEnd(Event):
    """The utterance is over. `meta["voice_off_ns"]`: the detector's estimate of when its last sound ended."""

    __slots__ = ()


class SpeechVoid(Event):
    """The utterance that began with `SpeechStart` was no turn: a word of assent over a reply, or a noise.
    Nobody answers it, and the next utterance has its own number."""

    __slots__ = ()


class TalkStart(Event):
    """The user holds down the push-to-talk button: what follows is an utterance."""

    __slots__ = ()


class TalkEnd(Event):
    """The user has let go of the button."""

    __slots__ = ()


SAID = (SpeechStart, Pause, Resume, SpeechEnd, SpeechVoid)
"""Events of what the user did. They are never made in advance, so never held nor retracted."""


class TurnEnd(Event):
    """Follows the last word of a reply. `meta` has `tokens` and `stop_reason`. If something was not said, it
    also has the counts `thought_tokens`, `tool_calls` and `made_up_turns`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Event):
    """Nothing will come for `duration_ns`. It keeps a fan-in by pts moving."""

    duration_ns: int = 0


FOREVER_NS = 1 << 62
"""The length of the gap that means the end of one of several inputs."""


class Eos(Event):
    """End of stream: nothing follows. It is never stale and never dropped."""

    __slots__ = ()


NAMES: Mapping[type[Event], str] = {
    SpeechStart: "speech_start",
    Pause: "pause",
    Resume: "resume",
    SpeechEnd: "speech_end",
    SpeechVoid: "speech_void",
    TalkStart: "talk_start",
    TalkEnd: "talk_end",
    TurnEnd: "turn_end",
    Gap: "gap",
    Eos: "eos",
}
