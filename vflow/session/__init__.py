"""Run a conversation with a program's own audio and text in and out."""

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
from vflow.session.preloaded import Preloaded, preload
from vflow.session.session import Session

__all__ = [
    "Event",
    "Interrupted",
    "Preloaded",
    "ReplyAudio",
    "ReplyGoesOn",
    "ReplyHeld",
    "ReplyWord",
    "ReplyWritten",
    "Session",
    "StateChanged",
    "TurnEnded",
    "UserBegan",
    "UserFinished",
    "UserText",
    "Warned",
    "preload",
]
