"""Report by the clock how much a client has heard, if it does not report that itself."""

from __future__ import annotations

import asyncio

from vflow.session.session import Session
from vflow.web.playback import Playback

LOOK_S = 0.02
"""Between two looks at what has sounded by the clock."""


async def report(session: Session, playback: Playback, sounding: asyncio.Event, told: bool) -> None:
    """Tell a session what was heard, for as long as it lasts. Stand still until something is `sounding`.
    `told`: the session's sink is told what was played."""
    loop = asyncio.get_running_loop()
    while True:
        await sounding.wait()
        for turn, seconds in playback.heard(loop.time()):
            if told:
                session.played(seconds, turn)
        if not playback.sounding:
            sounding.clear()
        await asyncio.sleep(LOOK_S)
