"""The microphone, for either binding of PortAudio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Caps,
    Duration,
    Node,
    Out,
    Samples,
    Unavailable,
    prop,
)
from vflow_nodes.lib.portaudio.backend import Backend
from vflow_nodes.lib.portaudio.capture_ring import Block, Ring
from vflow_nodes.lib.portaudio.clock_drift import Recording
from vflow_nodes.lib.portaudio.device_line import Line, Side
from vflow_nodes.lib.portaudio.device_lookup import devices_of, find, listing, problem

_RING_NS = 2 * SECOND
_LOOK_NS = SECOND // 2
_ZEROS_NS = 5 * SECOND
_LATENCY_S = 0.04


class Microphone(Node):
    """The common part of `mic.pyaudio` and `mic.sounddevice`; `backend` is the binding."""

    live = True
    backend: ClassVar[Backend]

    device: int | str | None = prop(None, doc="name, part of a name, or index; by default the system's")
    frame: Duration = prop("32ms", ge="2ms", le="1s", doc="length of a packet", latency="path")
    rate: int | None = prop(
        None, ge=8000, le=192_000, unit="Hz", doc="by default that of the next node's input"
    )
    audio = Out(Audio(channels=1))

    _line: Line | None = None
    _listening = False
    _told = 0
    _zeros: int | None = 0  # how many samples, all so far, were 0; None after any other

    @classmethod
    def unavailable(cls) -> str:
        return problem(cls.backend, "input")

    @classmethod
    def devices(cls) -> list[str]:
        """Return the devices to record from, a line each. Raises: Unavailable."""
        return list(listing(cls.backend, "input"))

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1)

    def open(self) -> None:
        self._told, self._zeros, self._listening = 0, 0, False
        device = find(devices_of(self.backend), "input", self.device)
        caps = self.ctx.caps("audio")
        self._rate = (caps.rate if isinstance(caps, Audio) else None) or device.rate
        self._begin(self._rate)
        side = Side(self, device, self._rate, self.frame / SECOND, _LATENCY_S, self._begin, self.ctx.warn)
        # the conversation's id makes the key the pipeline's own: two pipelines have two clocks, and must not
        # share a stream
        key = f"portaudio:{self.backend.name}:{device.index}:{id(self.ctx.conversation)}"
        line = self.ctx.shared(key, lambda: Line(self.backend))
        if not line.attach("input", side):
            line = Line(self.backend)
            line.attach("input", side)
        self._line = line

    def _begin(self, device_rate: int) -> None:
        self._recording = Recording(device_rate, self._rate)
        self._ring = Ring(max(2, round(_RING_NS / SECOND / min(self.frame / SECOND, 0.01))))

    def warm_up(self) -> None:
        self._opened().start("input")

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            ppm = line.ppm("input")
            line.detach("input")
            self.ctx.post(
                "stats", "microphone", lost=self._ring.lost, overflows=self._ring.overflows, ppm=round(ppm, 1)
            )

    def produce(self) -> Iterator[AudioPacket]:
        line = self._opened()
        size = max(1, self.frame * self._rate // SECOND)
        ready: Samples = np.zeros(0, np.float32)
        pts_ns = 0
        self._listening = True
        while True:
            block, continues = self._next(line)
            if not continues:
                self._recording.restart()
                self._warn_of_losses()
            start_ns, made = self._recording.feed(block.samples, block.end_ns, block.period_ns)
            if start_ns < 0:  # recorded before the pipeline's time began
                continue
            expected_ns = pts_ns + len(ready) * SECOND // self._rate
            if not len(ready) or abs(start_ns - expected_ns) > SECOND // self._rate:
                ready = np.zeros(0, np.float32)  # samples were lost: drop the incomplete packet
                pts_ns = start_ns
            self._watch_zeros(made)
            ready = np.concatenate([ready, made])
            while len(ready) >= size:
                yield AudioPacket(data=ready[:size].copy(), rate=self._rate, pts_ns=pts_ns)
                ready = ready[size:]
                pts_ns += size * SECOND // self._rate

    def _next(self, line: Line) -> tuple[Block, bool]:
        while (found := self._ring.get()) is None:
            line.check("input")
            self.ctx.wait_until(self.ctx.now_ns() + _LOOK_NS)
        return found

    def _warn_of_losses(self) -> None:
        troubles = self._ring.lost + self._ring.overflows
        if troubles > 2 * self._told or (troubles and not self._told):
            self._told = troubles  # warn at each doubling: a slow graph would fill the log
            lost, overflows = self._ring.lost, self._ring.overflows
            self.ctx.warn(
                f"{lost} recorded frames were overwritten before the graph took them; the nodes after the"
                " microphone are too slow"
                if lost
                else f"the device lost samples {overflows} times; is the machine too busy?"
            )

    def _watch_zeros(self, samples: Samples) -> None:
        if self._zeros is None:
            return
        self._zeros = None if samples.any() else self._zeros + len(samples)
        if self._zeros is not None and self._zeros * SECOND > _ZEROS_NS * self._rate:
            self._zeros = None
            self.ctx.warn(
                f"the microphone has given nothing but zeros for {_ZEROS_NS // SECOND} s;"
                " is it muted, or may this program not use it?"
            )

    # in PortAudio's thread: vflow_nodes.lib.portaudio.stream.Recorder

    def now_ns(self) -> int:
        return self.ctx.now_ns()

    def woken(self) -> None:
        self.ctx.notify()

    def record(self, samples: Samples, end_ns: float, period_ns: float, overflowed: bool) -> None:
        if self._listening:
            self._ring.put(samples, end_ns, period_ns, overflowed)
            self.ctx.notify()

    def _opened(self) -> Line:
        if self._line is None:
            raise Unavailable("the microphone is not open")
        return self._line
