"""Pause a session while its client is away, until the client comes back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from vflow.session.ends import Ends
from vflow.session.session import Session
from vflow.web.playback import Playback
from vflow.web.roster import Guest

AWAY = "away"
"""The state of a session whose client is away."""


@contextlib.contextmanager
def standing_still(session: Session, playback: Playback, guest: Guest) -> Iterator[None]:
    """Pause the session inside the `with`: keep the unplayed part of the reply and the user's utterance."""
    ends, state, guest.state = Ends(session.pipeline), guest.state, AWAY
    ends.pause(True)
    playback.pause(True, time.monotonic())
    try:
        yield
    finally:
        playback.pause(False, time.monotonic())
        ends.pause(False)
        guest.state = state
