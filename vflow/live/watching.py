"""The ASGI application of `vflow run --watch`: the page's routes, and the messages on its socket."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from vflow.live.feed import ENDED, Feed, Follower
from vflow.web.commands import END, LATER, POLICY, Closing, PlayedSoFar, Set
from vflow.web.doors import DoorKeeper, Doors
from vflow.web.first import first
from vflow.web.limits import Limits
from vflow.web.page_files import answer, read_page
from vflow.web.protocol import PageProtocol
from vflow.web.wire import Wire

INDEX = "watch.html"
LOOK_S = 0.25
"""Time between two frames of figures."""
MOST = 8
"""Most pages at once."""
LIMITS = Limits(sessions=MOST)
NO_TOKEN = "the token is missing or wrong; open the address that was printed"
_OVER = Closing(END, "end", ENDED)


def build(feed: Feed, doors: Doors) -> Starlette:
    """Build the application of one run."""
    routes = _Routes(feed, doors)
    return Starlette(
        routes=[
            WebSocketRoute("/ws", routes.socket),
            Route("/", routes.page),
            Route("/{name}", routes.page),
        ],
        middleware=[Middleware(DoorKeeper, doors=doors)],
    )


class _Routes:
    """One method for each path."""

    def __init__(self, feed: Feed, doors: Doors) -> None:
        self._feed, self._doors = feed, doors
        self._files = read_page(index=INDEX)
        self._pages = 0

    async def page(self, request: Request) -> Response:
        return answer(self._files, request)

    async def socket(self, socket: WebSocket) -> None:
        admitted = self._doors.admits(socket.scope["headers"], socket.scope["subprotocols"])
        wire, core = Wire(socket, LIMITS), PageProtocol()
        await wire.accept(core.subprotocol)
        self._pages += 1
        try:
            if not admitted:
                raise Closing(POLICY, "token", NO_TOKEN)
            if self._pages > MOST:
                raise Closing(LATER, "full", f"{MOST} pages watch this run already; close one of them")
            async with asyncio.timeout(LIMITS.start_s):
                while core.start is None:
                    core.receive(await wire.receive())
            await self._tell(wire, core)
        except TimeoutError:
            text = f"no message came within {LIMITS.start_s:g} s; send 'start' first"
            await wire.close([], Closing(POLICY, "no_start", text))
        except Closing as closing:
            await wire.close(core.leave(closing), closing)
        except (WebSocketDisconnect, WebSocketDisconnected):
            pass
        finally:
            self._pages -= 1

    async def _tell(self, wire: Wire, core: PageProtocol) -> None:
        """Send the run's frames, and take changes of properties. Raises: Closing, or WebSocketDisconnect, at
        the end."""
        follower = self._feed.follow()
        try:
            await first(_events(wire, follower), _figures(wire, follower), self._read(wire, core))
        finally:
            self._feed.leave(follower)

    async def _read(self, wire: Wire, core: PageProtocol) -> None:
        while True:
            command = core.receive(await wire.receive())
            if isinstance(command, PlayedSoFar):  # only a sign of life: this page plays nothing
                continue
            wire.meter.command(asyncio.get_running_loop().time())
            if isinstance(command, Set):
                problem = self._feed.set(command.node, command.property, command.value)
                if problem:
                    await wire.send(core.warn(command.node, problem))


async def _events(wire: Wire, follower: Follower) -> None:
    await wire.send(follower.history)
    async for told in follower.frames:
        await wire.send([told])
    raise _OVER


async def _figures(wire: Wire, follower: Follower) -> None:
    while True:
        if not wire.sending:
            await wire.send([follower.figures()])
        await asyncio.sleep(LOOK_S)
