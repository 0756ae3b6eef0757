"""Translate the raw protocol, without input or output: PCM16 both ways, and a few text messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vflow.session.events import (
    Event,
    Interrupted,
    ReplyAudio,
    ReplyGoesOn,
    ReplyHeld,
    TurnEnded,
    UserText,
)
from vflow.session.session import Session
from vflow.web.commands import (
    HIGHEST_RATE,
    LOWEST_RATE,
    MALFORMED,
    USUAL_RATE,
    Closing,
    Command,
    End,
    Resume,
    Sound,
    Start,
)
from vflow.web.protocol import Frame

_WORDS: dict[type, str] = {Interrupted: "clear", ReplyHeld: "held", ReplyGoesOn: "goes_on"}
_END, _RESUME = msgspec.json.Decoder(End), msgspec.json.Decoder(Resume)


class RawProtocol:
    """The protocol of a client whose session begins as soon as it is connected."""

    name = "raw"
    subprotocol = "vflow.raw.1"

    def __init__(self, rate: str = "", resumes: bool = False) -> None:
        """`rate` is the rate of the client's audio in Hz, from its address. A client that `resumes` must send
        `resume` first; its session knows the rate. Raises: Closing for a bad rate."""
        self.start: Start | None = None if resumes else Start(input_rate=_rate_of(rate))

    def receive(self, data: Frame) -> Command:
        if self.start is None:
            return self._resumed(data)
        if isinstance(data, bytes):
            return Sound(data)
        try:
            return _END.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            text = f"""the only text message allowed is '{{"type": "end"}}': {error}"""
            raise Closing(MALFORMED, "bad_message", text) from None

    def _resumed(self, data: Frame) -> Command:
        try:
            return _RESUME.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            text = f"a client that comes back must send 'resume' first: {error}"
            raise Closing(MALFORMED, "bad_message", text) from None

    def meet(self, session: Session) -> None:
        """Do nothing: `tell` needs no session."""

    def ready(self, about: Mapping[str, Any]) -> list[Frame]:
        names = ("session", "input_rate", "output_rate", "resume", "resume_for_s", "received")
        return [_text("ready", **{name: about[name] for name in names})]

    def tell(self, event: Event) -> list[Frame]:
        match event:
            case ReplyAudio():
                return [event.pcm16]
            case UserText(_, text):
                return [_text("transcript", role="user", text=text, final=True)]
            case TurnEnded(record) if record.heard:
                return [_text("transcript", role="agent", text=record.heard, final=True)]
        return [_text(_WORDS[type(event)])] if type(event) in _WORDS else []

    def warn(self, node: str, text: str) -> list[Frame]:
        return []

    def levels(self, links: Mapping[str, float]) -> list[Frame]:
        return []

    def leave(self, closing: Closing) -> list[Frame]:
        if closing.code == "end":
            return [_text("bye")]
        return [_text("error", code=closing.code, text=closing.text)]


def _rate_of(text: str) -> int:
    if not text:
        return USUAL_RATE
    rate = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        wanted = f"the rate must be a whole number of Hz from {LOWEST_RATE:,} to {HIGHEST_RATE:,}"
        raise Closing(MALFORMED, "bad_message", f"{wanted}, not {text[:20]!r}")
    return rate


def _text(kind: str, **fields: Any) -> str:
    encoded: bytes = msgspec.json.encode({"type": kind, **fields})
    return encoded.decode()
