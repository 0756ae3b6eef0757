"""Run uvicorn for `vflow serve`: its socket, its limits, and its stop."""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn

from vflow.errors import VflowError
from vflow.web.deadlines import HttpProtocol, WebSocketProtocol
from vflow.web.roster import Roster

PING_S = 10.0
"""Time between pings, and for a client to answer one; after that it has gone."""
HANDSHAKE_S = 10.0
"""Time for a TLS handshake."""
GRACE_S, LAST_S = 0.7, 1
"""Time after the reply's end, for sessions to close their nodes; then for requests that are going on."""
TIDY_S = 5.0
"""Shortest time between two calls of `tidy`."""
SPARE = 64
"""Most connections besides those of the sessions: pages, probes."""
SEND_BUFFER = 131_072
"""Bytes the kernel keeps for a client: two seconds of audio, not minutes for a client that does not read."""


@dataclass(frozen=True, slots=True)
class Place:
    """The address to listen at, and the certificate to use."""

    host: str
    port: int
    certfile: str | None = None
    keyfile: str | None = None


_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)


def bind(place: Place, option: str = "--port") -> socket.socket:
    """Return a socket that is bound and does not listen yet. `option` is the command's option for the port,
    for the message. Raises: VflowError if the address cannot be used."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        port = isinstance(error, OverflowError) or getattr(error, "errno", 0) in _OF_THE_PORT
        mend = f"give another {option}, or 0 for a free one" if port else "give another --host"
        raise VflowError(f"cannot listen at {place.host}, port {place.port}: {why}; {mend}") from None
    return bound


def configure(app: Any, place: Place, message_bytes: int) -> uvicorn.Config:
    """Return uvicorn's settings for the application. Raises: VflowError if the certificate cannot be used."""
    config = uvicorn.Config(
        app,
        host=place.host,
        port=place.port,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        loop="asyncio",
        ws_max_size=message_bytes,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=LAST_S,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="error",
        ssl_certfile=place.certfile,
        ssl_keyfile=place.keyfile,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
        raise VflowError(f"the certificate {place.certfile} cannot be used: {why}") from None
    return config


class Server(uvicorn.Server):
    """At the first signal admit no more sessions and let replies end; at the second stop at once."""

    def __init__(
        self,
        config: uvicorn.Config,
        roster: Roster,
        listening: Callable[[], None],
        tidy: Callable[[], None] | None = None,
    ) -> None:
        """`tidy` is called in a thread of its own after sessions have ended, at most every TIDY_S."""
        super().__init__(config)
        self._tidy, self._tidied, self._tidied_s = tidy, 0, 0.0
        self._roster, self._listening = roster, listening
        self.signals = 0
        config.limit_concurrency = roster.capacity + SPARE
        self._end_at_s = float("inf")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.is_ssl:  # uvicorn has no setting for the time of a handshake
            loop = asyncio.get_running_loop()
            create = functools.partial(loop.create_server, ssl_handshake_timeout=HANDSHAKE_S)
            loop.create_server = create  # type: ignore[method-assign]
        await super().startup(sockets)
        if self.started:
            self._listening()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.signals += 1

    async def on_tick(self, counter: int) -> bool:
        roster, now_s = self._roster, time.monotonic()
        if self.signals and not roster.stopping.is_set():
            roster.stopping.set()
            self._end_at_s = now_s + roster.limits.drain_s + GRACE_S
        if self.signals > 1:
            self.force_exit = True
        if self.signals and (self.force_exit or not roster.guests or now_s > self._end_at_s):
            self.should_exit = True
        ended = roster.served - len(roster.guests)
        if self._tidy is not None and ended > self._tidied and now_s - self._tidied_s > TIDY_S:
            self._tidied, self._tidied_s = ended, now_s
            threading.Thread(target=self._tidy, name="vflow:tidy", daemon=True).start()
        return await super().on_tick(counter)


def run(server: Server, bound: socket.socket) -> None:
    """Serve until a signal. Blocks; call it in the main thread, or signals are not noticed."""
    asyncio.run(server.serve(sockets=[bound]))
