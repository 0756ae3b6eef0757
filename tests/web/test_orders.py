"""A client's commands reach its session."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.web.live import agent
from vflow.errors import VflowError
from vflow.session import Interrupted, Session, UserText
from vflow.web.commands import Ask, End, Interrupt, Press, Say
from vflow.web.orders import obey


def test_commands_reach_the_session(tmp_path: Path) -> None:
    async def told() -> list[type]:
        async with Session(preloaded) as session:
            await obey(session, Ask("go on"))
            await obey(session, End())
            return [type(event) async for event in session if isinstance(event, UserText)]

    with agent(tmp_path, word_ms=1, every="1ms") as preloaded:
        assert asyncio.run(told()) == [UserText]


def test_an_interruption_cuts_the_reply(tmp_path: Path) -> None:
    async def told() -> bool:
        async with Session(preloaded) as session:
            await obey(session, Say("one two three"))
            async for event in session:
                if type(event).__name__ == "ReplyAudio":
                    await obey(session, Interrupt())
                if isinstance(event, Interrupted):
                    return True
        return False

    with agent(tmp_path, word_ms=500) as preloaded:
        assert asyncio.run(told())


def test_command_that_the_agent_cannot_do_is_an_error(tmp_path: Path) -> None:
    async def press() -> None:
        async with Session(preloaded) as session:
            await obey(session, Press())

    with agent(tmp_path) as preloaded, pytest.raises(VflowError, match="push_to_talk"):
        asyncio.run(press())
