"""Add the deadlines that uvicorn's protocols lack: for slow headers, and for clients that read nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEADER_S = 10.0
"""Time for the header of a request, from its first byte or from the start of the connection."""
WRITE_BUFFER = 16_384
"""Most bytes that wait for the kernel before `send` blocks: a third of a second of audio."""
QUEUED = 16
"""Most messages that wait for the application before the socket is no longer read."""
LINGER_S = 2.0
"""Time for a client to take what was sent before its socket was closed, in seconds."""


class HttpProtocol(H11Protocol):
    """Abort a connection that has not sent a whole request header within `header_s`."""

    header_s = HEADER_S
    _deadline: asyncio.TimerHandle | None = None
    _upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._deadline is None:
            self._watch()

    def handle_websocket_upgrade(self, event: Any) -> None:
        super().handle_websocket_upgrade(event)
        self._upgraded = True  # another protocol has the connection now
        self._unwatch()

    def on_response_complete(self) -> None:
        self._unwatch()  # the next request has not begun: `timeout_keep_alive` counts
        super().on_response_complete()

    def _watch(self) -> None:
        if not self._upgraded:
            self._deadline = self.loop.call_later(self.header_s, self._give_up)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self.transport.abort()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Abort a connection LINGER_S after its last frame, even if the client has not read it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(WRITE_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.handshake_complete:  # no close frame came; uvicorn reports 1005, as for one without a code
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        super().connection_lost(exc)

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self._end_soon()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()  # a close does not wait for room in the buffer: there may never be any
            self._end_soon()
        elif self.transport.is_closing():
            raise ClientDisconnected  # asyncio would warn of each write
        await super().send(message)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:  # close here: uvicorn would log a traceback for each
                self.frames = []
                self.conn.send_close(1007, "not UTF-8")
                self.handle_parser_exception()
                return
        paused, self.read_paused = self.read_paused, True  # else uvicorn stops reading at each message,
        super().send_receive_event_to_app()  # and gives up the interpreter twice for it
        self.read_paused = paused
        if not paused and self.queue.qsize() >= QUEUED:
            self.read_paused = True
            self.transport.pause_reading()

    def keepalive_timeout(self) -> None:
        if self.read_paused:  # the pong may wait unread: the server is busy, the client is not to blame
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0, self.keepalive_timeout)
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1011})
        super().keepalive_timeout()
        self._end_soon()

    def shutdown(self) -> None:
        super().shutdown()
        self._end_soon()

    def _end_soon(self) -> None:
        if not self.disconnected:
            self.loop.call_later(LINGER_S, self._abort)

    def _abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()
