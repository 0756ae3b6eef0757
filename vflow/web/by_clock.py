"""Estimate by the clock how much a client has heard, if it does not report that itself."""

from __future__ import annotations

import asyncio

from vflow.session.session import Session
from vflow.web.playback import Playback

LOOK_S = 0.02
"""Time between two estimates."""


async def report(session: Session, playback: Playback, sounding: asyncio.Event, told: bool) -> None:
    """Tell a session how much of each reply was heard; never returns. Wait while nothing is `sounding`.
    `told` is false if the session's sink does not take reports of what was played."""
    loop = asyncio.get_running_loop()
    while True:
        await sounding.wait()
        for turn, seconds in playback.heard(loop.time()):
            if told:
                session.played(seconds, turn)
        if not playback.sounding:
            sounding.clear()
        await asyncio.sleep(LOOK_S)
