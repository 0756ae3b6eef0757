"""A client of the page's protocol that has a microphone and a loudspeaker: a graph of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from vflow.caps import Audio, Caps
from vflow.errors import VflowError
from vflow.event import Eos, Event, TurnEnd
from vflow.graph.loader import load
from vflow.graph.overrides import StandIns
from vflow.node import Node
from vflow.outbox import Outbox
from vflow.packet import AudioPacket, Samples
from vflow.ports import In, Out
from vflow.props import prop
from vflow.runtime.pipeline import Pipeline
from vflow.session.event_loop import in_thread
from vflow.web.address import Address
from vflow.web.protocol import TURN

RATE = 16_000
"""Of the audio that is sent, in Hz."""
UNSENT = 250
"""Packets of the microphone that wait for the network: five seconds. The oldest are dropped."""
OPEN_S = 10.0
Told = Callable[[Mapping[str, Any]], None]
"""Takes each message of the server that is text."""


class Uplink(Node):
    """Hands on what the microphone hears."""

    audio = In(Audio(rate=RATE, channels=1))

    @functools.cached_property
    def sent(self) -> Outbox[bytes]:
        """PCM16; closed with the stream."""
        return Outbox(UNSENT)

    def process(self, packet: AudioPacket) -> None:
        self.sent.put((np.clip(packet.data[:, 0], -1, 1) * 32767).astype("<i2").tobytes())

    def on_event(self, event: Event) -> None:
        if isinstance(event, Eos):
            self.sent.close()

    def close(self) -> None:
        self.sent.close()


class Downlink(Node):
    """Emits the reply, as it comes from the server."""

    generates = True
    sparse = True
    rate: int = prop(24_000, ge=8_000, le=192_000, unit="Hz", doc="of what the server sends")
    audio = Out(Audio(channels=1))

    _open = False

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1)

    def open(self) -> None:
        self._lock = threading.Lock()
        self._given: deque[AudioPacket | TurnEnd | None] = deque()  # None ends it; guarded by _lock
        self._open = True

    def give(self, item: AudioPacket | TurnEnd | None) -> None:
        """Any thread."""
        if self._open:
            with self._lock:
                self._given.append(item)
            self.ctx.notify()

    def forget(self) -> None:
        """What has not left yet is not played. Any thread."""
        with self._lock:
            self._given.clear()

    def produce(self) -> Iterator[AudioPacket | Event]:
        while True:
            with self._lock:
                item = self._given.popleft() if self._given else ...
            if item is ...:
                self.ctx.wait_until()
            elif item is None:
                return
            else:
                yield item


def graph_of(output_rate: int | None) -> dict[str, Any]:
    """The graph of a client: what the microphone hears goes up, what comes down is played."""
    nodes: dict[str, Any] = {"mic": {"use": "mic", "frame": "20ms"}, "up": {"use": "talk.uplink"}}
    links = ["mic -> up"]
    if output_rate is not None:
        nodes |= {"down": {"use": "talk.downlink", "rate": output_rate}, "speaker": {"use": "speaker"}}
        links.append("down -> speaker")
    return {"nodes": nodes, "links": links}


class Caller:
    """Talks until the server, or `end`, closes the connection. `told` gets what the server says in text."""

    def __init__(
        self, address: Address, told: Told, stand_ins: StandIns | None = None, cafile: str | None = None
    ) -> None:
        self._address, self._told, self._stand_ins, self._cafile = address, told, stand_ins, cafile
        self._socket: ClientConnection | None = None

    async def talk(self) -> None:
        """Raises: VflowError where nobody answers, or refuses; GraphError and NodeError of this end."""
        try:
            trusted = ssl.create_default_context(cafile=self._cafile) if self._is_secure else None
            async with connect(
                self._address.url,
                subprotocols=self._address.subprotocols,  # type: ignore[arg-type]
                ssl=trusted,
                open_timeout=OPEN_S,
                compression=None,
            ) as socket:
                self._socket = socket
                await self._with(socket)
        except InvalidStatus as error:
            body = error.response.body or b""
            why = body.decode(errors="replace").strip() or f"HTTP {error.response.status_code}"
            raise VflowError(f"{self._address.url} refuses: {why}") from None
        except (OSError, InvalidHandshake) as error:  # a TimeoutError among them
            why = getattr(error, "strerror", None) or str(error) or "it does not answer"
            raise VflowError(f"{self._address.url}: {why}") from None

    async def end(self) -> None:
        """Hang up."""
        if self._socket is not None:
            await self._socket.close()

    @property
    def _is_secure(self) -> bool:
        return self._address.url.startswith("wss:")

    async def _with(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):  # the reason can still be read
            await socket.send(json.dumps({"type": "start", "input_rate": RATE}))
        about = await self._greeting(socket)
        nodes: dict[str, type[Node]] = {"talk.uplink": Uplink, "talk.downlink": Downlink}
        graph = load(graph_of(about["output_rate"]), nodes=nodes, stand_ins=self._stand_ins)
        pipeline = Pipeline(graph)
        try:
            await in_thread(pipeline.start)
            up = asyncio.create_task(self._up(socket, pipeline))
            try:
                await self._down(socket, pipeline)
            finally:
                up.cancel()
                await asyncio.gather(up, return_exceptions=True)
            if self._stand_ins and socket.close_code == 1000:  # what came is played, and recorded
                await in_thread(pipeline.wait)
        finally:
            await in_thread(pipeline.stop)

    async def _greeting(self, socket: ClientConnection) -> Mapping[str, Any]:
        """What the server says of itself. Raises: VflowError where it refuses."""
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                said = self._read(message)
                if said.get("type") == "ready":
                    return said
        raise VflowError(f"{self._address.url} has closed before it was ready")

    async def _up(self, socket: ClientConnection, pipeline: Pipeline) -> None:
        up = pipeline.nodes["up"]
        assert isinstance(up, Uplink)
        with contextlib.suppress(ConnectionClosed):
            async for audio in up.sent:
                await socket.send(audio)
            await socket.send('{"type": "end"}')

    async def _down(self, socket: ClientConnection, pipeline: Pipeline) -> None:
        down = pipeline.nodes.get("down")
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                if isinstance(message, str):
                    said = self._read(message)
                    if isinstance(down, Downlink):
                        await self._follow(said, down, pipeline)
                elif isinstance(down, Downlink):
                    (turn,) = TURN.unpack_from(message)
                    samples: Samples = np.frombuffer(message[TURN.size :], "<i2").astype(np.float32)
                    samples /= 32768
                    down.give(AudioPacket(data=samples[:, None], rate=down.rate, turn=turn))
        if isinstance(down, Downlink):
            down.give(None)

    async def _follow(self, said: Mapping[str, Any], down: Downlink, pipeline: Pipeline) -> None:
        if said["type"] == "interrupted":
            down.forget()
            await in_thread(pipeline.flush)
        elif said["type"] == "turn_ended":
            down.give(TurnEnd(turn=said["turn"]))

    def _read(self, message: str | bytes) -> Mapping[str, Any]:
        """Read a message of the server. Raises: VflowError for an error that it tells."""
        said: dict[str, Any] = json.loads(message) if isinstance(message, str) else {}
        if said.get("type") == "error":
            raise VflowError(f"{self._address.url}: {said.get('text', said.get('code'))}")
        self._told(said)
        return said
