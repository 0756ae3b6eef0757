"""The wire: what a socket gives is held against the limits, what it is sent has a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.stand_ins import PATIENCE_S
from vflow.web.commands import Closing
from vflow.web.limits import Limits
from vflow.web.wire import Wire

Message = dict[str, Any]


class Socket:
    """An ASGI server's side of a WebSocket: it gives `incoming`, and takes nothing while it is `deaf`."""

    def __init__(self, *incoming: Message) -> None:
        self.incoming: list[Message] = [{"type": "websocket.connect"}, *incoming]
        self.sent: list[Message] = []
        self.deaf = False

    async def receive(self) -> Message:
        return self.incoming.pop(0)

    async def send(self, message: Message) -> None:
        if self.deaf:
            await asyncio.Event().wait()
        self.sent.append(message)

    def wire(self, limits: Limits | None = None) -> Wire:
        scope = {"type": "websocket", "subprotocols": ["vflow.1"], "headers": []}
        return Wire(WebSocket(scope, self.receive, self.send), limits or Limits())  # type: ignore[arg-type]


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(steps, PATIENCE_S))


def test_messages_come_as_text_or_bytes_until_the_client_leaves() -> None:
    socket = Socket(
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.receive", "bytes": b"\1\2"},
        {"type": "websocket.receive", "bytes": None, "text": "hello"},
        {"type": "websocket.disconnect", "code": 1001},
    )

    async def steps() -> None:
        wire = socket.wire()
        await wire.accept("vflow.1")
        assert [await wire.receive() for _ in range(3)] == ["", b"\1\2", "hello"]
        with pytest.raises(WebSocketDisconnect):
            await wire.receive()

    run(steps())
    assert socket.sent[0]["subprotocol"] == "vflow.1"


def test_a_text_is_measured_in_bytes() -> None:
    socket = Socket({"type": "websocket.receive", "text": "\u00fc" * 600})

    async def steps() -> None:
        wire = socket.wire(Limits(message_bytes=1_000))
        await wire.accept("another")
        with pytest.raises(Closing, match="1,200 bytes"):
            await wire.receive()

    run(steps())
    assert socket.sent[0]["subprotocol"] is None


def test_messages_that_waited_for_the_server_are_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Socket(*[{"type": "websocket.receive", "text": "x"}] * 2)
    excused: list[float] = []

    async def steps() -> None:
        wire = socket.wire()
        monkeypatch.setattr(wire.meter, "excuse", excused.append)
        await wire.accept("vflow.1")
        await wire.receive()
        await asyncio.sleep(0.05)  # a session that starts, or has no room
        await wire.receive()

    run(steps())
    (seconds,) = excused
    assert seconds >= 0.05


def test_a_client_that_takes_nothing_is_given_up_and_closing_it_ends_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vflow.web.wire.CLOSE_S", 0.01)
    socket = Socket()

    async def steps() -> None:
        wire = socket.wire(Limits(send_s=0.01))
        await wire.accept("vflow.1")
        await wire.send(["one", b"two"])
        assert [message.get("text") or message.get("bytes") for message in socket.sent[1:]] == ["one", b"two"]
        socket.deaf = True
        with pytest.raises(Closing) as raised:
            await wire.send(["three"])
        assert raised.value.code == "slow_reader"
        assert not wire.sending
        await wire.close(["last"], raised.value)

    run(steps())


def test_a_send_that_fails_looks_for_the_code_of_the_close() -> None:
    socket = Socket(
        {"type": "websocket.receive", "text": "unread"}, {"type": "websocket.disconnect", "code": 1009}
    )

    async def fail(message: Message) -> None:
        if message["type"] == "websocket.send":
            raise OSError

    socket.send = fail  # type: ignore[method-assign]

    async def steps() -> None:
        wire = socket.wire()
        await wire.accept("vflow.1")
        with pytest.raises(WebSocketDisconnect) as raised:
            await wire.send(["one"])
        assert raised.value.code == 1006
        assert await wire.code_of(raised.value) == 1009
        assert await wire.code_of(raised.value) == 1009  # it comes once, and is remembered

    run(steps())


def test_long_reason_is_cut_to_fit_a_close_frame() -> None:
    socket = Socket()

    async def steps() -> None:
        wire = socket.wire()
        await wire.accept("vflow.1")
        await wire.close(["bye"], Closing(1013, "full", "\u00fc" * 200))
        await wire.close([], Closing(1013, "full", "again"))  # nothing to close any more

    run(steps())
    assert socket.sent[-1] == {"type": "websocket.close", "code": 1013, "reason": "\u00fc" * 60}


def test_frames_sent_together_stay_together() -> None:
    socket = Socket()

    async def slow(message: Message) -> None:
        await asyncio.sleep(0)
        socket.sent.append(message)

    async def steps() -> None:
        socket.send = slow  # type: ignore[method-assign]
        wire = socket.wire()
        await wire.accept("vflow.1")
        await asyncio.gather(*(wire.send([name] * 3) for name in "abc"))

    run(steps())
    assert [message["text"] for message in socket.sent if "text" in message] == [*"aaabbbccc"]


def test_two_sends_that_fail_together_both_know_the_code_of_the_close() -> None:
    socket = Socket({"type": "websocket.disconnect", "code": 1006})

    async def refuse(message: Message) -> None:
        raise OSError

    async def steps() -> None:
        wire = socket.wire()
        await wire.accept("vflow.1")
        wire._socket._send = refuse
        for _ in range(2):  # starlette knows by the second that the socket has gone
            with pytest.raises(WebSocketDisconnect) as raised:
                await wire.send(["x"])
            assert await wire.code_of(raised.value) == 1006

    run(steps())


def test_code_of_a_close_that_was_received_is_that_of_later_sends_too() -> None:
    socket = Socket({"type": "websocket.disconnect", "code": 1001})

    async def steps() -> None:
        wire = socket.wire()
        await wire.accept("vflow.1")
        with pytest.raises(WebSocketDisconnect):
            await wire.receive()
        assert await wire.code_of(WebSocketDisconnect(1006)) == 1001

    run(steps())
