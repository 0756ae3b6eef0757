"""Wrap a client's WebSocket: messages that come must keep the limits, messages that are sent a deadline."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from vflow.web.commands import DROPPED, POLICY, Closing
from vflow.web.limits import Limits, Meter
from vflow.web.protocol import Frame

CLOSE_S = 1.0
"""Time for a client to take the last frames, in seconds."""
LONGEST_REASON = 120
"""Most bytes of a close frame's reason; RFC 6455 allows 123."""


class Wire:
    """One client's WebSocket. One task receives; any may send."""

    def __init__(self, socket: WebSocket, limits: Limits) -> None:
        self._socket, self._limits = socket, limits
        self.meter = Meter(limits)
        self.listening_since: float | None = None
        """When the wait for a message began, by the loop's clock; None while nobody waits."""
        self.sending = False
        """Whether a frame waits to be sent."""
        self._turn = asyncio.Lock()
        self._closed_with: int | None = None  # the code with which the client has closed
        self._heard_s: float | None = None  # when the last message came; others may wait unread since then

    async def accept(self, subprotocol: str) -> None:
        """Open the socket, with the subprotocol if the client offers it."""
        offered = self._socket.scope["subprotocols"]
        await self._socket.accept(subprotocol if subprotocol in offered else None)

    async def receive(self) -> Frame:
        """Return the next message. Raises: Closing if it exceeds a limit; WebSocketDisconnect."""
        loop = asyncio.get_running_loop()
        self.listening_since = now_s = loop.time()
        if self._heard_s is not None:
            self.meter.excuse(now_s - self._heard_s)
        message = await self._socket.receive()
        self.listening_since, self._heard_s = None, loop.time()
        if message["type"] == "websocket.disconnect":
            self._closed_with = message.get("code", 1005)
            raise WebSocketDisconnect(self._closed_with)
        text: str | None = message.get("text")
        data: Frame = message["bytes"] if text is None else text
        self.meter.message(len(data if isinstance(data, bytes) else data.encode()), loop.time())
        return data

    async def send(self, frames: Iterable[Frame]) -> None:
        """Send frames, with none of another task between them. Raises: Closing if the client does not take
        them in time; WebSocketDisconnect."""
        async with self._turn:
            await self._send(frames)

    async def _send(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self.sending = True
            try:
                async with asyncio.timeout(self._limits.send_s):
                    if isinstance(frame, bytes):
                        await self._socket.send_bytes(frame)
                    else:
                        await self._socket.send_text(frame)
            except TimeoutError:
                text = f"the client read nothing for {self._limits.send_s:g} s"
                raise Closing(POLICY, "slow_reader", text) from None
            except WebSocketDisconnected:  # another send has failed before
                raise WebSocketDisconnect(DROPPED) from None
            finally:
                self.sending = False

    async def code_of(self, gone: WebSocketDisconnect) -> int:
        """Return the close code of the connection; the error of a failed send does not have it."""
        if self._closed_with is not None:
            return self._closed_with
        with contextlib.suppress(TimeoutError, RuntimeError, LookupError):  # the close came before, or never
            async with asyncio.timeout(CLOSE_S):
                while (message := await self._socket.receive())["type"] != "websocket.disconnect":
                    pass
                self._closed_with = message["code"]
                return self._closed_with
        return gone.code

    async def close(self, last: Iterable[Frame], closing: Closing) -> None:
        """Send the last frames, and close. Never raises if the client has gone or takes nothing."""
        gone = TimeoutError, Closing, WebSocketDisconnect, WebSocketDisconnected
        with contextlib.suppress(*gone):
            async with asyncio.timeout(CLOSE_S):
                await self.send(last)
        with contextlib.suppress(*gone):
            async with asyncio.timeout(CLOSE_S):
                reason = closing.text.encode()[:LONGEST_REASON].decode(errors="ignore")
                await self._socket.close(closing.close, reason)
