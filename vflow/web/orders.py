"""Carry out a client's commands in its session."""

from __future__ import annotations

from functools import partial

from vflow.session.event_loop import in_thread
from vflow.session.session import Session
from vflow.web.commands import Ask, Command, Cut, End, Interrupt, Press, Release, Say, Set


async def obey(session: Session, command: Command) -> None:
    """Carry out one command. Raises: VflowError if the agent cannot do it."""
    match command:
        case Ask(text):
            session.ask(text)
        case Say(text):
            session.say(text)
        case Press():
            session.press()
        case Release():
            session.release()
        case Interrupt():
            await in_thread(session.interrupt)  # it blocks until the sink is silent
        case Cut(turn):
            await in_thread(partial(session.interrupt, turn))
        case Set(node, name, value):
            session.set(node, name, value)
        case End():
            session.end()
