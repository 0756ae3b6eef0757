"""Keep a session connected to its client: through one WebSocket and, after a loss, through another."""

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
"""The word for the end of a connection, by the close code of the client or of the WebSocket library."""
COMES_BACK = ("lost", "no_pong", "slow_reader", "replaced")
"""Words for ends of connections after which the client may resume its session."""
GONE = (Closing, WebSocketDisconnect, WebSocketDisconnected)
UNKNOWN = "no session with this token can be resumed: it has ended or never existed; begin a new one"


class Gone(Exception):
    """Raised when a client whose connection was lost has not come back in time."""


class Replaced(Closing):
    """Raised on a WebSocket that was still open when its client came back by another."""

    def __init__(self) -> None:
        super().__init__(LEAVING, "replaced", "the session goes on in another connection")


@dataclass(slots=True, eq=False)
class Arrival:
    """A WebSocket by which a client comes back. `over` is set when the session no longer uses it; `refused`
    is the reason if the session never did."""

    wire: Wire
    received: int
    over: asyncio.Event = field(default_factory=asyncio.Event)
    refused: Closing | None = None


class Line:
    """The connection of one session. For one event loop; several tasks may send: frames leave in the order
    of their `send`."""

    def __init__(self, wire: Wire, protocol: str = "", resume_for_s: float = 0.0) -> None:
        """`resume_for_s` is how long to wait for a client whose connection was lost; 0: not at all."""
        self.wire, self.protocol, self.resume_for_s = wire, protocol, resume_for_s
        self.token = secrets.token_urlsafe(32)
        """The token of this session: a client that shows it may resume it."""
        self.received = 0
        """How many messages the client has sent since `ready`."""
        self.journal = Journal() if resume_for_s else Journal(0.0)
        self._sending = asyncio.Lock()
        self._here: Arrival | None = None  # the one in use; None for the first WebSocket
        self._next: Arrival | None = None
        self._arrived = asyncio.Event()
        self._closings: set[asyncio.Task[None]] = set()  # an event loop keeps no task alive by itself

    @property
    def about(self) -> dict[str, Any]:
        """The fields of `ready` that a client needs to resume."""
        return {"resume": self.token if self.resume_for_s else None, "resume_for_s": self.resume_for_s}

    async def send(self, frames: Iterable[Frame]) -> None:
        """Send frames, and keep them until they have surely arrived. Raises: as `Wire.send`."""
        self.journal.add(frames, asyncio.get_running_loop().time())
        await self.catch_up()

    async def catch_up(self) -> None:
        """Send all frames of the journal that are not sent yet. Raises: as `Wire.send`."""
        async with self._sending:
            while (frame := self.journal.next) is not None:
                await self.wire.send([frame])
                self.journal.sent()

    async def come_back(self, wire: Wire, received: int) -> None:
        """Have the session go on with this WebSocket, whose client has received so many messages. Return when
        the session no longer uses it. Raises: Closing if the session cannot go on with it."""
        if not self.journal.keeps(received):
            raise Closing(POLICY, "missed", f"messages after {received} are not kept; begin a new session")
        self.wire.meter.command(asyncio.get_running_loop().time())
        if self._next is not None:
            self._refuse(self._next, Replaced())
        arrival = self._next = Arrival(wire, received)
        self._arrived.set()
        await arrival.over.wait()
        if arrival.refused is not None:
            raise arrival.refused

    async def word_of(self, gone: Exception) -> str:
        """Return the word for the end of the current WebSocket."""
        if isinstance(gone, Closing):
            return gone.code
        code = await self.wire.code_of(gone) if isinstance(gone, WebSocketDisconnect) else 0
        return BY_CODE.get(code, "left")

    async def catch_up_and_wait(self) -> None:
        """As `catch_up`, but never return: for `first`, which cancels it. Raises: as `Wire.send`."""
        await self.catch_up()
        await asyncio.Event().wait()

    async def give_way(self) -> None:
        """Wait until the client comes back by another WebSocket. Raises: Replaced then."""
        await self._arrived.wait()
        raise Replaced

    async def wait(self) -> None:
        """Wait until the client comes back by another WebSocket."""
        await self._arrived.wait()

    def switch(self) -> None:
        """Go on with the WebSocket by which the client came back."""
        assert self._next is not None
        arrival, self._next = self._next, None
        self._arrived.clear()
        self.release()
        arrival.wire.meter = self.wire.meter  # a client cannot ask for more by coming back
        self._here, self.wire = arrival, arrival.wire
        self.journal.rewind(arrival.received)

    def retire(self, closing: Closing, last: Iterable[Frame]) -> None:
        """Close the current WebSocket in a task of its own: it may no longer take anything."""
        wire, arrival, self._here = self.wire, self._here, None

        async def close() -> None:
            await wire.close(last, closing)
            if arrival is not None:
                arrival.over.set()

        task = asyncio.ensure_future(close())
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    def release(self) -> None:
        """Let `come_back` of the current WebSocket return: the session no longer uses it."""
        if self._here is not None:
            self._here.over.set()
            self._here = None

    def end(self) -> None:
        """Release the WebSocket, and refuse a client that is just coming back: the session has ended."""
        self.release()
        if self._next is not None:
            self._refuse(self._next, Closing(POLICY, "resume", UNKNOWN))
            self._next = None

    def _refuse(self, arrival: Arrival, closing: Closing) -> None:
        arrival.refused = closing
        arrival.over.set()


class Lines:
    """The sessions that can be resumed, by name."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    @contextlib.contextmanager
    def holding(self, session: str, line: Line) -> Iterator[None]:
        """Let the session be resumed while the `with` lasts."""
        self._lines[session] = line
        try:
            yield
        finally:
            del self._lines[session]
            line.end()

    def find(self, resume: Resume, protocol: str) -> Line:
        """Return the line of a session. Tokens are compared in constant time. Raises: Closing if there is no
        such session, or the token is not its own."""
        line = self._lines.get(resume.session)
        wanted = line.token if line is not None and line.protocol == protocol else secrets.token_urlsafe(32)
        if not hmac.compare_digest(wanted.encode(), resume.token.encode(errors="replace")) or line is None:
            raise Closing(POLICY, "resume", UNKNOWN)
        return line
