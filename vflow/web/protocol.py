"""Translate the page's protocol, without input or output: a client's messages to commands, a session's events
to frames. docs/serving.md describes the protocol.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from vflow.report.stages import ends_of
from vflow.report.turn import TurnRecord, in_ms
from vflow.session.events import (
    Event,
    Interrupted,
    ReplyAudio,
    ReplyGoesOn,
    ReplyHeld,
    ReplyWord,
    ReplyWritten,
    StateChanged,
    TurnEnded,
    UserBegan,
    UserFinished,
    UserText,
    Warned,
)
from vflow.session.session import Session
from vflow.web.commands import MALFORMED, WRONG_KIND, Closing, Command, Message, Resume, Sound, Start

STAGES = (
    ("endpoint", "voice_off", "decided"),
    ("first_word", "decided", "first_word"),
    ("word_to_audio", "first_word", "audible"),
    ("speaking", "audible", "reply_end"),
)
"""The stages of a turn's waterfall: name, first moment, last moment."""
Frame = str | bytes
TURN = struct.Struct("<I")
"""Head of an audio frame: the number of its turn."""
_DECODER = msgspec.json.Decoder(Message)


class Core(Protocol):
    """The protocol of one client; it knows no socket and no clock."""

    name: str
    """The protocol's name in /status."""
    subprotocol: str
    """The WebSocket's subprotocol."""
    start: Start | None
    """The client's first message; None until it came."""

    def receive(self, data: Frame) -> Command:
        """Decode a message. Raises: Closing if it is malformed."""

    def meet(self, session: Session) -> None:
        """Take the session once it has begun. Methods of it that block must not be called."""

    def ready(self, about: Mapping[str, Any]) -> list[Frame]:
        """Return the frames that greet a client whose session has begun."""

    def tell(self, event: Event) -> list[Frame]:
        """Return the frames that tell of an event of the session."""

    def warn(self, node: str, text: str) -> list[Frame]:
        """Return the frames for a warning, or for a command that was refused."""

    def levels(self, links: Mapping[str, float]) -> list[Frame]:
        """Return the frames that tell how full each link is, 0 to 1. Called four times a second."""

    def leave(self, closing: Closing) -> list[Frame]:
        """Return the last frames, with the reason for the close."""


class PageProtocol:
    """The protocol of the page of `vflow serve`."""

    name = "page"
    subprotocol = "vflow.1"

    def __init__(self) -> None:
        self.start: Start | None = None
        self._turn, self._frames = 0, 0  # the turn that speaks, and audio frames sent of its reply

    def receive(self, data: Frame) -> Command:
        if isinstance(data, bytes):
            if self.start is None:
                raise Closing(WRONG_KIND, "wrong_kind", "audio came before 'start'; send 'start' first")
            return Sound(data)
        try:
            message: Message = _DECODER.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:  # includes ValidationError
            raise Closing(MALFORMED, "bad_message", f"a message cannot be read: {error}") from None
        if isinstance(message, Start):
            if self.start is not None:
                raise Closing(MALFORMED, "bad_message", "'start' came twice; send it once")
            self.start = message
        elif (self.start is None) != isinstance(message, Resume):
            text = "send 'start' or 'resume' as the first message, and only once"
            raise Closing(MALFORMED, "bad_message", text)
        return message

    def meet(self, session: Session) -> None:
        """Do nothing: `tell` needs no session."""

    def ready(self, about: Mapping[str, Any]) -> list[Frame]:
        return [_text("ready", **about)]

    def tell(self, event: Event) -> list[Frame]:
        match event:
            case ReplyAudio(turn=turn):
                return [*self._spoken(event), TURN.pack(turn & 0xFFFFFFFF) + event.pcm16]
            case UserBegan() | UserFinished() | ReplyWritten():
                return []  # clients are told the state instead
            case UserText(turn, text):
                return [_text("user", turn=turn, text=text)]
            case ReplyWord(turn, index, text):
                return [_text("word", turn=turn, index=index, text=text)]
            case Interrupted(turn):
                return [_text("interrupted", turn=turn)]
            case ReplyHeld():
                return [_text("held")]
            case ReplyGoesOn():
                return [_text("goes_on")]
            case StateChanged(state):
                return [_text("state", state=state)]
            case TurnEnded(record):
                return [_text("turn_ended", **turn_of(record))]
            case Warned(source, text):
                return self.warn(source, text)

    def _spoken(self, audio: ReplyAudio) -> list[Frame]:
        """Return a frame with the place of each word in a piece of audio: index, begin and end, in seconds of
        the reply."""
        if audio.turn != self._turn:
            self._turn, self._frames = audio.turn, 0
        begin, self._frames = self._frames, self._frames + len(audio.samples)
        words = [
            (span.index, *(round((begin + at) / audio.rate, 3) for at in (span.start, span.stop)))
            for span in audio.spans
        ]
        return [_text("spoken", turn=audio.turn, words=words)] if words else []

    def warn(self, node: str, text: str) -> list[Frame]:
        return [_text("warning", node=node, text=text)]

    def levels(self, links: Mapping[str, float]) -> list[Frame]:
        return [_text("levels", links={name: round(level, 3) for name, level in links.items()})]

    def leave(self, closing: Closing) -> list[Frame]:
        if closing.code == "end":
            return [_text("bye", reason=closing.text)]
        return [_text("error", code=closing.code, text=closing.text), _text("bye", reason=closing.text)]


def turn_of(record: TurnRecord) -> dict[str, Any]:
    """Return the fields of `turn_ended`; times in ms."""
    return {
        "turn": record.number,
        "user": record.user,
        "reply": record.reply,
        "heard": record.heard,
        "interrupted": record.interrupted,
        "taken_back": record.taken_back,
        "latencies_ms": record.as_dict()["latency_ms"],
        "stages": stages_of(record.at_ns),
    }


def stages_of(at_ns: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the stages of a turn's waterfall, in ms from its first moment."""
    ends = ends_of(at_ns)
    zero = min((ends[name] for _, name, _ in STAGES if name in ends), default=0)
    spans = [(name, ends[start], ends[end]) for name, start, end in STAGES if start in ends and end in ends]
    return [
        {"name": name, "start_ms": in_ms(start - zero), "end_ms": in_ms(max(start, end) - zero)}
        for name, start, end in spans
    ]


def _text(kind: str, **fields: Any) -> str:
    encoded: bytes = msgspec.json.encode({"type": kind, **fields})
    return encoded.decode()
