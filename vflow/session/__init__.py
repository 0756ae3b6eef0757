"""Sessions: a program's own audio in and out."""

from vflow.session.events import (
    Event,
    Interrupted,
    ReplyAudio,
    ReplyWord,
    StateChanged,
    TurnEnded,
    UserText,
    Warned,
)
from vflow.session.preloaded import Preloaded
from vflow.session.session import Session, preload

__all__ = [
    "Event",
    "Interrupted",
    "Preloaded",
    "ReplyAudio",
    "ReplyWord",
    "Session",
    "StateChanged",
    "TurnEnded",
    "UserText",
    "Warned",
    "preload",
]
