"""The commands of a client to its session, for every protocol, and the reasons to close a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from vflow.errors import VflowError

END, LEAVING, WRONG_KIND, DROPPED, MALFORMED = 1000, 1001, 1003, 1006, 1007
POLICY, TOO_LARGE, FAULT, LATER = 1008, 1009, 1011, 1013
"""Close codes of RFC 6455 and its registry."""
COMING_BACK = 4001
"""A client has closed a connection in which it heard nothing, and goes on by another."""
LOWEST_RATE, HIGHEST_RATE, USUAL_RATE = 8_000, 192_000, 16_000
"""Of a client's audio, in Hz."""
LONGEST_S = 1e6
Text = Annotated[str, Meta(max_length=20_000)]
Name = Annotated[str, Meta(max_length=200)]


class Closing(VflowError):
    """A connection ends: the close code, a word for programs, and a text for people."""

    def __init__(self, close: int, code: str, text: str) -> None:
        self.close, self.code, self.text = close, code, text
        super().__init__(text)


class _Message(Struct, frozen=True, tag_field="type", tag=str.lower):
    """The name of a command is its `type`."""


class Start(_Message, frozen=True):
    """Begin the session. `input_rate` is that of the audio that follows, `played` whether the client reports
    what it has played."""

    input_rate: Annotated[int, Meta(ge=LOWEST_RATE, le=HIGHEST_RATE)] = USUAL_RATE
    played: bool = False


class Resume(_Message, frozen=True):
    """Go on with a session whose connection was lost: its name, its token, and how many messages the client
    has got since `ready`."""

    session: Name
    token: Name
    received: Annotated[int, Meta(ge=0, lt=2**53)]


class Ask(_Message, frozen=True):
    """A turn that the user typed."""

    text: Text


class Say(_Message, frozen=True):
    """A text that the agent is to say."""

    text: Text


class Press(_Message, frozen=True):
    """The user holds the button down."""


class Release(_Message, frozen=True):
    """The user lets it go."""


class Interrupt(_Message, frozen=True):
    """Cut the reply."""


class PlayedSoFar(_Message, frozen=True, tag="played"):
    """How much of a reply has sounded in all."""

    turn: Annotated[int, Meta(ge=0, lt=2**32)]
    seconds: Annotated[float, Meta(ge=0, le=LONGEST_S)]
    received: Annotated[int, Meta(ge=0, lt=2**53)] = 0
    """Messages that it has got since `ready`."""


class Set(_Message, frozen=True):
    """Change a property that is `hot`."""

    node: Name
    property: Name
    value: bool | int | float | Text | None


class End(_Message, frozen=True):
    """No more comes: what was handed in is answered, then the session ends."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio of the user: 16 bit, little endian, mono. `rate` is in Hz; None is that of the client's start."""

    pcm16: bytes
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the replies up to a turn."""

    turn: int


@dataclass(frozen=True, slots=True)
class Together:
    """Messages to the client, then commands, in this order."""

    frames: tuple[str | bytes, ...]
    commands: tuple[Command, ...]


Message = Start | Resume | Ask | Say | Press | Release | Interrupt | PlayedSoFar | Set | End
Command = Message | Sound | Cut | Together
