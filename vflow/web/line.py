"""The line between a session and its client: one WebSocket, and after a drop another one."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected

from vflow.web.commands import (
    COMING_BACK,
    DROPPED,
    FAULT,
    LEAVING,
    MALFORMED,
    POLICY,
    TOO_LARGE,
    Closing,
    Resume,
)
from vflow.web.journal import Journal
from vflow.web.protocol import Frame
from vflow.web.wire import Wire

BY_CODE = {
    MALFORMED: "bad_message",
    TOO_LARGE: "too_large",
    FAULT: "no_pong",
    DROPPED: "lost",
    COMING_BACK: "lost",
}
"""Closes that are told by the client, or by the WebSocket's own library, by their codes."""
COMES_BACK = ("lost", "no_pong", "slow_reader", "replaced")
"""The words for the end of a connection that nobody meant to end."""
GONE = (Closing, WebSocketDisconnect, WebSocketDisconnected)
UNKNOWN = "no session of this token can be resumed: it has ended, or was never there; begin another"


class Gone(Exception):
    """A client whose connection was lost has not come back."""


class Replaced(Closing):
    """The client has come back by another WebSocket, while this one was still open."""

    def __init__(self) -> None:
        super().__init__(LEAVING, "replaced", "the session goes on in another connection")


@dataclass(slots=True, eq=False)
class Arrival:
    """A WebSocket of a client that has come back. `over` is set when the session needs it no more; `refused`
    says that it never did."""

    wire: Wire
    received: int
    over: asyncio.Event = field(default_factory=asyncio.Event)
    refused: Closing | None = None


class Line:
    """One session's. One event loop; several tasks may send: frames leave in the order of `send`."""

    def __init__(self, wire: Wire, protocol: str = "", resume_for_s: float = 0.0) -> None:
        """`resume_for_s` is how long a client that was lost is waited for; 0: not at all."""
        self.wire, self.protocol, self.resume_for_s = wire, protocol, resume_for_s
        self.token = secrets.token_urlsafe(32)
        """The session's own: who shows it may go on with it."""
        self.received = 0
        """Messages that the client has sent since `ready`."""
        self.journal = Journal() if resume_for_s else Journal(0.0)
        self._sending = asyncio.Lock()
        self._here: Arrival | None = None  # that which is being used; None of the first WebSocket
        self._next: Arrival | None = None
        self._arrived = asyncio.Event()
        self._closings: set[asyncio.Task[None]] = set()  # an event loop keeps no task alive by itself

    @property
    def about(self) -> dict[str, Any]:
        """The fields of `ready` that a client needs to come back."""
        return {"resume": self.token if self.resume_for_s else None, "resume_for_s": self.resume_for_s}

    async def send(self, frames: Iterable[Frame]) -> None:
        """Send, or keep for who comes back. Raises: as `Wire.send`."""
        self.journal.add(frames, asyncio.get_running_loop().time())
        await self.catch_up()

    async def catch_up(self) -> None:
        """Send what the client has not got. Raises: as `Wire.send`."""
        async with self._sending:
            while (frame := self.journal.next) is not None:
                await self.wire.send([frame])
                self.journal.sent()

    async def come_back(self, wire: Wire, received: int) -> None:
        """Go on with another WebSocket, of a client that has so many messages; returns when it is no more
        needed. Raises: Closing where the session cannot go on with it."""
        if not self.journal.keeps(received):
            raise Closing(POLICY, "missed", f"what follows message {received} is not kept; begin another")
        self.wire.meter.command(asyncio.get_running_loop().time())
        if self._next is not None:
            self._refuse(self._next, Replaced())
        arrival = self._next = Arrival(wire, received)
        self._arrived.set()
        await arrival.over.wait()
        if arrival.refused is not None:
            raise arrival.refused

    async def word_of(self, gone: Exception) -> str:
        """The word for the end of the present WebSocket."""
        if isinstance(gone, Closing):
            return gone.code
        code = await self.wire.code_of(gone) if isinstance(gone, WebSocketDisconnect) else 0
        return BY_CODE.get(code, "left")

    async def catch_up_and_wait(self) -> None:
        """Send what the client has not got; never returns. Raises: as `Wire.send`."""
        await self.catch_up()
        await asyncio.Event().wait()

    async def give_way(self) -> None:
        """Wait for a client that comes back. Raises: Replaced."""
        await self._arrived.wait()
        raise Replaced

    async def wait(self) -> None:
        """Wait for a client that comes back."""
        await self._arrived.wait()

    def switch(self) -> None:
        """Go on with the WebSocket that has come."""
        assert self._next is not None
        arrival, self._next = self._next, None
        self._arrived.clear()
        self.release()
        arrival.wire.meter = self.wire.meter  # a client cannot ask for more by coming back
        self._here, self.wire = arrival, arrival.wire
        self.journal.rewind(arrival.received)

    def retire(self, closing: Closing, last: Iterable[Frame]) -> None:
        """Close the present WebSocket, and do not wait for that: it may take nothing any more."""
        wire, arrival, self._here = self.wire, self._here, None

        async def close() -> None:
            await wire.close(last, closing)
            if arrival is not None:
                arrival.over.set()

        task = asyncio.ensure_future(close())
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    def release(self) -> None:
        """The present WebSocket is not needed any more."""
        if self._here is not None:
            self._here.over.set()
            self._here = None

    def end(self) -> None:
        """The session has ended; nobody can come back to it."""
        self.release()
        if self._next is not None:
            self._refuse(self._next, Closing(POLICY, "resume", UNKNOWN))
            self._next = None

    def _refuse(self, arrival: Arrival, closing: Closing) -> None:
        arrival.refused = closing
        arrival.over.set()


class Lines:
    """The sessions that can be resumed, by their names."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    @contextlib.contextmanager
    def holding(self, session: str, line: Line) -> Iterator[None]:
        """Let the client of a session come back meanwhile."""
        self._lines[session] = line
        try:
            yield
        finally:
            del self._lines[session]
            line.end()

    def find(self, resume: Resume, protocol: str) -> Line:
        """The line of a client that shows the token of its session, in constant time. Raises: Closing."""
        line = self._lines.get(resume.session)
        wanted = line.token if line is not None and line.protocol == protocol else secrets.token_urlsafe(32)
        if not hmac.compare_digest(wanted.encode(), resume.token.encode(errors="replace")) or line is None:
            raise Closing(POLICY, "resume", UNKNOWN)
        return line
