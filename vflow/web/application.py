"""The ASGI application: its routes, and the middleware that every request passes first."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from vflow.errors import install_command
from vflow.printing import print_line
from vflow.web.commands import Closing
from vflow.web.connection import Connection
from vflow.web.doors import DoorKeeper, Doors
from vflow.web.limits import Limits
from vflow.web.page_files import answer, read_page
from vflow.web.protocol import Core, PageProtocol
from vflow.web.raw import RawProtocol
from vflow.web.realtime.protocol import RealtimeProtocol
from vflow.web.roster import Roster
from vflow.web.supply import Supply
from vflow.web.wire import Wire

NO_STORE = {"cache-control": "no-store"}


def build(
    supply: Supply, doors: Doors, limits: Limits, note: Callable[[str], None] | None = None
) -> Starlette:
    """Build the application of one agent. Its `state` holds the `roster`, the `supply` and the `token`."""
    routes = _Routes(supply, doors, Roster(limits, room=lambda: supply.room), note or _note)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await supply.get()
        yield
        await supply.close()

    app = Starlette(
        routes=[
            WebSocketRoute("/ws", routes.page_socket),
            WebSocketRoute("/raw", routes.raw_socket),
            WebSocketRoute("/v1/realtime", routes.realtime_socket),
            Route("/health", routes.health),
            Route("/ready", routes.ready),
            Route("/status", routes.status),
            Route("/metrics", routes.metrics),
            Route("/", routes.page),
            Route("/{name}", routes.page),
        ],
        middleware=[Middleware(DoorKeeper, doors=doors, count=routes.roster.count)],
        lifespan=lifespan,
    )
    app.state.roster, app.state.supply, app.state.token = routes.roster, supply, doors.token
    return app


class _Routes:
    """One method for each path of the application."""

    def __init__(self, supply: Supply, doors: Doors, roster: Roster, note: Callable[[str], None]) -> None:
        self._supply, self._doors, self._note = supply, doors, note
        self._files = read_page()
        self._metrics: Any = None
        self.roster = roster

    async def page_socket(self, socket: WebSocket) -> None:
        await self._serve(socket, PageProtocol(), self.roster.limits.resume_for_s)

    async def raw_socket(self, socket: WebSocket) -> None:
        try:
            core = RawProtocol(socket.query_params.get("rate", ""), "resume" in socket.query_params)
        except Closing as closing:
            self.roster.count(closing.code)
            wire = Wire(socket, self.roster.limits)
            await wire.accept(RawProtocol.subprotocol)
            await wire.close(RawProtocol().leave(closing), closing)
            return
        await self._serve(socket, core, self.roster.limits.resume_for_s)

    async def realtime_socket(self, socket: WebSocket) -> None:
        core = RealtimeProtocol(socket.query_params.get("model", ""))
        await self._serve(socket, core, limits=self.roster.limits.of_events())

    async def _serve(
        self, socket: WebSocket, core: Core, resume_for_s: float = 0.0, limits: Limits | None = None
    ) -> None:
        admitted = self._doors.admits(socket.scope["headers"], socket.scope["subprotocols"])
        connection = Connection(socket, core, self._supply, self.roster, self._note, resume_for_s, limits)
        await connection.serve(admitted)

    async def health(self, request: Request) -> Response:
        return JSONResponse({"ok": True}, headers=NO_STORE)

    async def ready(self, request: Request) -> Response:
        """Return whether a session could begin now; if not, with the reason and status 503."""
        problem = self._supply.problem or self.roster.problem()
        body: dict[str, Any] = {"ready": not problem, **({"why": problem} if problem else {})}
        return JSONResponse(body, 503 if problem else 200, headers=NO_STORE)

    async def status(self, request: Request) -> Response:
        self._admit(request)
        return JSONResponse(self.roster.status(), headers=NO_STORE)

    async def metrics(self, request: Request) -> Response:
        self._admit(request)
        if self._metrics is None:
            try:
                self._metrics = importlib.import_module("vflow.web.metrics").Metrics(
                    self.roster, self._supply.hide
                )
            except ImportError:
                raise HTTPException(
                    501, f"prometheus-client is missing; {install_command('serve')}"
                ) from None
        return Response(self._metrics.text(), media_type=self._metrics.content_type, headers=NO_STORE)

    def _admit(self, request: Request) -> None:
        """Raises: HTTPException if the request does not show the token."""
        if not self._doors.admits(request.scope["headers"], ()):
            self.roster.count("token")
            raise HTTPException(401, "the token is missing or wrong", {"www-authenticate": "Bearer"})

    async def page(self, request: Request) -> Response:
        return answer(self._files, request)


def _note(line: str) -> None:
    print_line(line, sys.stderr)
