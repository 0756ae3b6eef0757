"""A client that reports nothing has heard what the clock says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vflow.web import by_clock
from vflow.web.playback import Playback


class Told:
    """Takes the place of a session; ends the test with the whole reply."""

    def __init__(self, whole_s: float) -> None:
        self.whole_s, self.played_s = whole_s, 0.0
        self.done = asyncio.Event()

    def played(self, seconds: float, turn: int) -> None:
        assert turn == 1
        assert seconds >= self.played_s
        self.played_s = seconds
        if seconds >= self.whole_s:
            self.done.set()


@pytest.mark.parametrize("told", [True, False])
def test_a_reply_is_heard_as_its_time_goes_by(told: bool) -> None:
    async def run() -> float:
        playback, sounding, session = Playback(promised=False), asyncio.Event(), Told(0.1)
        playback.sent(1, 0.1, asyncio.get_running_loop().time())
        sounding.set()
        stand_in: Any = session
        reporting = asyncio.ensure_future(by_clock.report(stand_in, playback, sounding, told))
        while sounding.is_set():
            await asyncio.sleep(0)
        reporting.cancel()
        return session.played_s

    assert asyncio.run(asyncio.wait_for(run(), 20)) == (pytest.approx(0.1) if told else 0.0)
