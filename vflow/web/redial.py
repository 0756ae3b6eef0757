"""Keep a client connected to a server: after a loss, connect again and go on with the session."""

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
"""A connection silent for this long is lost: a server tells the fill of its links four times a second."""
KEPT = 250
"""Most messages kept in case they have not arrived: five seconds of 20 ms."""
RETRY_S = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Pauses before each attempt to connect again; the last one repeats."""


class _Unreachable(VflowError):
    """Raised if nobody answers at present; a later attempt may succeed."""


class Redial:
    """One session with a server. For one event loop; one task reads, any may send."""

    def __init__(self, address: Address, trusted: ssl.SSLContext | None) -> None:
        self._address, self._trusted = address, trusted
        self.got = 0
        """How many messages came since `ready`."""
        self.code: int | None = None
        """The close code of the last connection."""
        self._socket: ClientConnection | None = None
        self._session: Mapping[str, Any] = {}
        self._saying = asyncio.Lock()  # messages leave in the order in which they are kept
        self._said: deque[str | bytes] = deque()
        self._before = 0  # how many messages were sent before those in _said
        self._ending = False

    async def open(self, start: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin a session; return the server's `ready`. Raises: VflowError if nobody answers, or the server
        refuses."""
        self._socket, self._session = await self._greeted({"type": "start", **start})
        return self._session

    async def send(self, data: str | bytes) -> None:
        """Send a message; if the connection is lost, it is sent again by the next one."""
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
        """Close the connection, and do not connect again."""
        self._ending = True
        if self._socket is not None:
            await self._socket.close()

    async def _seek(self) -> None:
        """Connect again and go on with the session. Raises: VflowError if that fails for `resume_for_s`."""
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
        """Connect and send the first message; return the connection and the server's `ready`. Raises:
        VflowError if the server refuses or does not answer."""
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
        except (OSError, InvalidHandshake) as error:  # includes TimeoutError
            why = getattr(error, "strerror", None) or str(error) or "it does not answer"
            raise _Unreachable(f"{self._address.url}: {why}") from None
        with contextlib.suppress(ConnectionClosed):  # if it is closed, the reason can still be read
            await socket.send(json.dumps(first))
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                said: dict[str, Any] = json.loads(message) if isinstance(message, str) else {}
                if said.get("type") == "error":
                    await socket.close()
                    raise VflowError(f"{self._address.url}: {said.get('text', said.get('code'))}")
                if said.get("type") == "ready":
                    return socket, said
        raise _Unreachable(f"{self._address.url} closed the connection before it was ready")
