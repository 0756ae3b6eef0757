"""Talk to a server through this machine's microphone and loudspeaker: a client of the page's protocol.

Microphone and loudspeaker are nodes of a small graph that runs on this side.
"""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from vflow.bus import Message
from vflow.caps import Audio, Caps
from vflow.errors import VflowError
from vflow.event import Eos, Event, TurnEnd
from vflow.flush import Flush
from vflow.graph.loader import load
from vflow.graph.overrides import StandIns
from vflow.node import Node, Sink
from vflow.outbox import Outbox
from vflow.packet import AudioPacket, Samples
from vflow.ports import In, Out
from vflow.props import prop
from vflow.runtime.pipeline import Pipeline
from vflow.session.event_loop import in_thread
from vflow.web.address import Address
from vflow.web.playback import Playback
from vflow.web.protocol import TURN
from vflow.web.redial import Redial

RATE = 16_000
"""Rate of the audio that is sent, in Hz."""
UNSENT = 250
"""Most packets of the microphone that wait for the network: five seconds. Beyond, the oldest are dropped."""
REPORT_S = 0.1
"""Time between two reports of what was played."""
Told = Callable[[Mapping[str, Any]], None]
"""Takes each text message of the server, decoded."""


class Uplink(Node):
    """Queue the microphone's audio for the network."""

    audio = In(Audio(rate=RATE, channels=1))

    @functools.cached_property
    def sent(self) -> Outbox[bytes]:
        """The PCM16 to send; closed at the end of the stream."""
        return Outbox(UNSENT)

    def process(self, packet: AudioPacket) -> None:
        self.sent.put((np.clip(packet.data[:, 0], -1, 1) * 32767).astype("<i2").tobytes())

    def on_event(self, event: Event) -> None:
        if isinstance(event, Eos):
            self.sent.close()

    def close(self) -> None:
        self.sent.close()


class Downlink(Node):
    """Emit the audio of replies as it comes from the server."""

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
        """Queue something to emit; None ends the stream. Any thread; ignored before `open`."""
        if self._open:
            with self._lock:
                self._given.append(item)
            self.ctx.notify()

    def forget(self) -> None:
        """Drop what is queued. Any thread."""
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
    """Return the graph of a client: microphone to server, server to loudspeaker. `output_rate` is None for a
    server that sends no audio."""
    nodes: dict[str, Any] = {"mic": {"use": "mic", "frame": "20ms"}, "up": {"use": "talk.uplink"}}
    links = ["mic -> up"]
    if output_rate is not None:
        nodes |= {"down": {"use": "talk.downlink", "rate": output_rate}, "speaker": {"use": "speaker"}}
        links.append("down -> speaker")
    return {"nodes": nodes, "links": links}


class Caller:
    """Hold one conversation with a server. `told` gets each text message of the server."""

    def __init__(
        self, address: Address, told: Told, stand_ins: StandIns | None = None, cafile: str | None = None
    ) -> None:
        self._address, self._told, self._stand_ins, self._cafile = address, told, stand_ins, cafile
        self._line: Redial | None = None
        self._playback = Playback(promised=False)
        self._given: dict[int, float] = {}  # seconds received of replies that have not begun to sound
        self._sounding: set[int] = set()

    async def talk(self) -> None:
        """Talk until the server or `end` closes the connection. Raises: VflowError if nobody answers or the
        server refuses; GraphError and NodeError for this side's graph."""
        try:
            secure = self._address.url.startswith("wss:")
            trusted = ssl.create_default_context(cafile=self._cafile) if secure else None
        except OSError as error:
            raise VflowError(f"{self._cafile}: {error.strerror or error}") from None
        self._line = Redial(self._address, trusted)
        try:
            about = await self._line.open({"input_rate": RATE, "played": True})
            await self._with(self._line, about)
        finally:
            await self._line.close()

    async def end(self) -> None:
        """Close the connection."""
        if self._line is not None:
            await self._line.close()

    async def _with(self, line: Redial, about: Mapping[str, Any]) -> None:
        nodes: dict[str, type[Node]] = {"talk.uplink": Uplink, "talk.downlink": Downlink}
        pipeline = Pipeline(load(graph_of(about["output_rate"]), nodes=nodes, stand_ins=self._stand_ins))
        loop = asyncio.get_running_loop()

        def listen(message: Message) -> None:
            if message.kind == "played" and message.data["phase"] == "start":
                loop.call_soon_threadsafe(self._begins, message.data["played"].turn)

        pipeline.bus.listen(listen)
        try:
            await in_thread(pipeline.start)
            self._told(about)  # the microphone is on: the user may speak
            tasks = [asyncio.create_task(work) for work in (self._up(line, pipeline), self._report(line))]
            try:
                await self._down(line, pipeline)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            if self._stand_ins and line.code == 1000:  # play what came to its end, so that it is recorded
                await in_thread(pipeline.wait)
        finally:
            await in_thread(pipeline.stop)

    async def _up(self, line: Redial, pipeline: Pipeline) -> None:
        up = pipeline.nodes["up"]
        assert isinstance(up, Uplink)
        async for audio in up.sent:
            await line.send(audio)
        await line.send('{"type": "end"}')

    async def _report(self, line: Redial) -> None:
        """Report how much of each reply has sounded, every REPORT_S; never returns."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(REPORT_S)
            for turn, seconds in self._playback.heard(loop.time()):
                await self._heard(line, turn, seconds)

    async def _heard(self, line: Redial, turn: int, seconds: float) -> None:
        report = {"type": "played", "turn": turn, "seconds": seconds, "received": line.got}
        await line.send(json.dumps(report))

    async def _down(self, line: Redial, pipeline: Pipeline) -> None:
        down = pipeline.nodes.get("down")
        async for message in line.messages():
            if isinstance(message, str):
                said = self._read(message)
                if isinstance(down, Downlink):
                    await self._follow(said, line, down, pipeline)
            elif isinstance(down, Downlink):
                (turn,) = TURN.unpack_from(message)
                samples: Samples = np.frombuffer(message[TURN.size :], "<i2").astype(np.float32)
                samples /= 32768
                self._gives(turn, len(samples) / down.rate)
                down.give(AudioPacket(data=samples[:, None], rate=down.rate, turn=turn))
        if isinstance(down, Downlink):
            down.give(None)

    async def _follow(
        self, said: Mapping[str, Any], line: Redial, down: Downlink, pipeline: Pipeline
    ) -> None:
        now_s, speaker = asyncio.get_running_loop().time(), pipeline.nodes["speaker"]
        if said["type"] == "interrupted":
            down.forget()
            cut: list[Flush] = []
            await in_thread(lambda: cut.append(pipeline.flush()))
            self._playback.cut(said["turn"], now_s)
            self._given.clear()
            for played in cut[0].played:
                await self._heard(line, played.turn, played.samples / played.rate)
        elif said["type"] in ("held", "goes_on") and isinstance(speaker, Sink):
            held = said["type"] == "held"
            self._playback.hold(held, now_s)
            await in_thread(lambda: speaker.hold(held))
        elif said["type"] == "turn_ended":
            down.give(TurnEnd(turn=said["turn"]))

    def _gives(self, turn: int, seconds: float) -> None:
        """Count audio of a reply that goes to the loudspeaker."""
        if turn in self._sounding:
            self._playback.sent(turn, seconds, asyncio.get_running_loop().time())
        else:
            self._given[turn] = self._given.get(turn, 0.0) + seconds

    def _begins(self, turn: int) -> None:
        """Note that a reply begins to sound: from now on the clock tells how much of it has been heard."""
        if turn not in self._sounding:
            self._sounding.add(turn)
            self._playback.sent(turn, self._given.pop(turn, 0.0), asyncio.get_running_loop().time())

    def _read(self, message: str) -> Mapping[str, Any]:
        """Decode a message of the server and pass it to `told`. Raises: VflowError if it is an error."""
        said: dict[str, Any] = json.loads(message)
        if said.get("type") == "error":
            raise VflowError(f"{self._address.url}: {said.get('text', said.get('code'))}")
        self._told(said)
        return said
