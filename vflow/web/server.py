"""uvicorn as `vflow serve` runs it: its limits, its socket, and how it stops."""

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
"""A client that does not answer a ping for so long has gone."""
HANDSHAKE_S = 10.0
"""For a TLS handshake."""
GRACE_S, LAST_S = 0.7, 1
"""After the reply's end: for sessions to close their nodes; then for requests that are going on."""
TIDY_S = 5.0
SPARE = 64
"""Connections beside those of the sessions: pages, probes."""
SEND_BUFFER = 131_072
"""Bytes the kernel keeps for a client: two seconds of audio, and no minutes for one that does not read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and with which certificate."""

    host: str
    port: int
    certfile: str | None = None
    keyfile: str | None = None


_OF_THE_PORT = (errno.EADDRINUSE, errno.EACCES)


def bind(place: Place, option: str = "--port") -> socket.socket:
    """A socket that is bound, and does not listen yet. `option` chose the port. Raises: VflowError."""
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
        raise VflowError(f"nobody can listen at {place.host}, port {place.port}: {why}; {mend}") from None
    return bound


def configure(app: Any, place: Place, message_bytes: int) -> uvicorn.Config:
    """Raises: VflowError for a certificate that cannot be used."""
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
    """At the first signal it takes nobody in any more, and lets replies end; the second ends it at once."""

    def __init__(
        self,
        config: uvicorn.Config,
        roster: Roster,
        listening: Callable[[], None],
        tidy: Callable[[], None] | None = None,
    ) -> None:
        """`tidy` is called in a thread after sessions have ended, every TIDY_S at most."""
        super().__init__(config)
        self._tidy, self._tidied, self._tidied_s = tidy, 0, 0.0
        self._roster, self._listening = roster, listening
        self.signals = 0
        config.limit_concurrency = roster.capacity + SPARE
        self._end_at_s = float("inf")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.is_ssl:  # uvicorn does not say how long a handshake may take
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
    """Serve until a signal. Blocks; the main thread, or no signal is heard."""
    asyncio.run(server.serve(sockets=[bound]))
