"""A client's connection to a server, which is sought again where it is lost: the session goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from vflow.errors import VflowError
from vflow.web.address import Address
from vflow.web.commands import COMING_BACK, FAULT

OPEN_S = 10.0
SILENT_S = 3.0
"""A server tells how full its links are four times a second: one that is silent for so long is not there."""
KEPT = 250
"""Messages that are kept, for as long as they may not have arrived: five seconds of 20 ms."""
RETRY_S = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Between two attempts to come back; the last one repeats."""


class _Unreachable(VflowError):
    """Nobody answers at present."""


class Redial:
    """One session with a server. One event loop; one task reads, any may send."""

    def __init__(self, address: Address, trusted: ssl.SSLContext | None) -> None:
        self._address, self._trusted = address, trusted
        self.got = 0
        """Messages that came since `ready`."""
        self.code: int | None = None
        """With which the connection was closed in the end."""
        self._socket: ClientConnection | None = None
        self._session: Mapping[str, Any] = {}
        self._saying = asyncio.Lock()  # messages leave in the order in which they are kept
        self._said: deque[str | bytes] = deque()
        self._before = 0  # messages before those in _said
        self._ending = False

    async def open(self, start: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin a session; returns the server's `ready`. Raises: VflowError where nobody answers, or it
        refuses."""
        self._socket, self._session = await self._greeted({"type": "start", **start})
        return self._session

    async def send(self, data: str | bytes) -> None:
        """Say something; what the network does not take now is said again later."""
        async with self._saying:
            self._said.append(data)
            if len(self._said) > KEPT:
                self._forget()
            if self._socket is not None:
                with contextlib.suppress(ConnectionClosed):
                    await self._socket.send(data)

    def _forget(self) -> None:
        self._said.popleft()
        self._before += 1

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Yield the messages of the server until one side closes. Raises: VflowError if it cannot be reached
        again."""
        while self._socket is not None:
            try:
                async with asyncio.timeout(SILENT_S if self._session.get("resume") else None):
                    message = await self._socket.recv()
            except TimeoutError:
                await self._socket.close(COMING_BACK)
                await self._seek()
            except ConnectionClosed as gone:
                self.code = None if gone.rcvd is None else gone.rcvd.code
                if self._ending or not self._session.get("resume") or self.code not in (None, FAULT):
                    return
                await self._seek()
            else:
                self.got += 1
                yield message

    async def close(self) -> None:
        """Hang up."""
        self._ending = True
        if self._socket is not None:
            await self._socket.close()

    async def _seek(self) -> None:
        """Go on with the session by another connection. Raises: VflowError."""
        until_s, attempt = time.monotonic() + float(self._session["resume_for_s"]), 0
        said = {"session": self._session["session"], "token": self._session["resume"]}
        while not self._ending:
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
            try:
                socket, ready = await self._greeted({"type": "resume", **said, "received": self.got})
            except _Unreachable:
                if time.monotonic() > until_s:
                    raise
                continue
            async with self._saying:
                self._socket = socket
                while self._said and self._before < ready["received"]:
                    self._forget()
                self._before = ready["received"]
                with contextlib.suppress(ConnectionClosed):
                    for data in self._said:
                        await socket.send(data)
            return

    async def _greeted(self, first: Mapping[str, Any]) -> tuple[ClientConnection, Mapping[str, Any]]:
        """Connect; returns the connection, and the server's `ready`. Raises: VflowError."""
        self._socket = None
        try:
            socket = await connect(
                self._address.url,
                subprotocols=self._address.subprotocols,  # type: ignore[arg-type]
                ssl=self._trusted,
                open_timeout=OPEN_S,
                close_timeout=1.0,
                compression=None,
            )
        except InvalidStatus as error:
            body = error.response.body or b""
            why = body.decode(errors="replace").strip() or f"HTTP {error.response.status_code}"
            raise VflowError(f"{self._address.url} refuses: {why}") from None
        except (OSError, InvalidHandshake) as error:  # a TimeoutError among them
            why = getattr(error, "strerror", None) or str(error) or "it does not answer"
            raise _Unreachable(f"{self._address.url}: {why}") from None
        with contextlib.suppress(ConnectionClosed):  # the reason can still be read
            await socket.send(json.dumps(first))
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                said: dict[str, Any] = json.loads(message) if isinstance(message, str) else {}
                if said.get("type") == "error":
                    await socket.close()
                    raise VflowError(f"{self._address.url}: {said.get('text', said.get('code'))}")
                if said.get("type") == "ready":
                    return socket, said
        raise _Unreachable(f"{self._address.url} has closed before it was ready")
