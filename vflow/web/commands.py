"""The commands that a client sends its session, shared by all protocols, and the reasons to close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from vflow.errors import VflowError

END, LEAVING, WRONG_KIND, DROPPED, MALFORMED = 1000, 1001, 1003, 1006, 1007
POLICY, TOO_LARGE, FAULT, LATER = 1008, 1009, 1011, 1013
"""Close codes of RFC 6455 and its registry."""
COMING_BACK = 4001
"""Close code of a client that hears nothing on a connection and is about to resume on another."""
LOWEST_RATE, HIGHEST_RATE, USUAL_RATE = 8_000, 192_000, 16_000
"""Rates of a client's audio, in Hz."""
LONGEST_S = 1e6
Text = Annotated[str, Meta(max_length=20_000)]
Name = Annotated[str, Meta(max_length=200)]


class Closing(VflowError):
    """Raised to close a connection: with the close code, a word for programs, and a text for people."""

    def __init__(self, close: int, code: str, text: str) -> None:
        self.close, self.code, self.text = close, code, text
        super().__init__(text)


class _Message(Struct, frozen=True, tag_field="type", tag=str.lower):
    """A command as JSON: its class's name in small letters is the `type`."""


class Start(_Message, frozen=True):
    """Begin the session. `input_rate` is the rate of the client's audio in Hz; `played` says that the client
    will report how much it has played."""

    input_rate: Annotated[int, Meta(ge=LOWEST_RATE, le=HIGHEST_RATE)] = USUAL_RATE
    played: bool = False


class Resume(_Message, frozen=True):
    """Go on with a session whose connection was lost: the session's name and token, and how many messages
    the client has received since `ready`."""

    session: Name
    token: Name
    received: Annotated[int, Meta(ge=0, lt=2**53)]


class Ask(_Message, frozen=True):
    """Answer a text that the user typed."""

    text: Text


class Say(_Message, frozen=True):
    """Have the agent say a text."""

    text: Text


class Press(_Message, frozen=True):
    """Begin an utterance: the user presses the button."""


class Release(_Message, frozen=True):
    """End the utterance: the user releases the button."""


class Interrupt(_Message, frozen=True):
    """Cut the reply."""


class PlayedSoFar(_Message, frozen=True, tag="played"):
    """Report how many seconds of a reply the client has played so far."""

    turn: Annotated[int, Meta(ge=0, lt=2**32)]
    seconds: Annotated[float, Meta(ge=0, le=LONGEST_S)]
    received: Annotated[int, Meta(ge=0, lt=2**53)] = 0
    """How many messages the client has received since `ready`."""


class Set(_Message, frozen=True):
    """Change a `hot` property of a node."""

    node: Name
    property: Name
    value: bool | int | float | Text | None


class End(_Message, frozen=True):
    """Announce that no more input comes: the session answers what it has, then ends."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio of the user: PCM16, little endian, mono. `rate` is in Hz; None stands for `Start.input_rate`."""

    pcm16: bytes
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the replies of all turns up to and including `turn`."""

    turn: int


@dataclass(frozen=True, slots=True)
class Together:
    """Several things to do in order: send `frames` to the client, then carry out `commands`."""

    frames: tuple[str | bytes, ...]
    commands: tuple[Command, ...]


Message = Start | Resume | Ask | Say | Press | Release | Interrupt | PlayedSoFar | Set | End
Command = Message | Sound | Cut | Together
