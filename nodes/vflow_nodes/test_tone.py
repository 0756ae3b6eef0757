"""Make a sine tone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vflow import SECOND, Audio, AudioPacket, Caps, Duration, Node, Out, Unavailable, prop

_DEFAULT_RATE = 16_000


class TestTone(Node):
    """Make a mono sine: `10 ** (level / 20) * sin(2 pi frequency i / rate)` for sample i = 0, 1, ..."""

    __test__ = False  # pytest takes classes named Test* for tests
    example = "tone: {use: test_tone, frequency: 440, duration: 2s}"

    frequency: float = prop(440.0, ge=0, le=96_000, unit="Hz", doc="of the sine")
    level: float = prop(-20.0, ge=-120, le=0, unit="dBFS", doc="of its peaks")
    duration: Duration | None = prop("1s", ge="0ms", doc="of the stream; null for one without end")
    frame: Duration = prop("32ms", ge="1ms", le="10s", doc="length of a packet", latency="path")
    rate: int | None = prop(
        None, ge=8000, le=192_000, unit="Hz", doc="by default what the next node asks for, else 16000"
    )
    pace: Literal["clock", "free"] = prop("clock", doc="as a microphone, or as fast as the graph takes it")
    audio = Out(Audio(channels=1))

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1)

    def paced(self) -> bool:
        return self.pace == "clock"

    def open(self) -> None:
        if self.frequency * 2 > self._hz():
            raise Unavailable(
                f"a tone of {self.frequency:g} Hz needs a rate above {2 * self.frequency:g} Hz, and found"
                f" {self._hz()}; set a higher 'rate' or a lower 'frequency'"
            )

    def produce(self) -> Iterator[AudioPacket | None]:
        rate = self._hz()
        size = max(1, self.frame * rate // SECOND)
        total = None if self.duration is None else self.duration * rate // SECOND
        start_ns, at = self.ctx.now_ns(), 0
        while total is None or at < total:
            stop = at + size if total is None else min(at + size, total)
            if self.pace == "clock":
                self.ctx.wait_until(start_ns + stop * SECOND // rate)
            else:
                yield None  # without the clock, only this lets the runtime stop the loop
            pts_ns = start_ns + at * SECOND // rate
            yield AudioPacket(data=self._samples(at, stop, rate), rate=rate, pts_ns=pts_ns)
            at = stop

    def _hz(self) -> int:
        caps = self.ctx.caps("audio")
        return (caps.rate if isinstance(caps, Audio) else None) or _DEFAULT_RATE

    def _samples(self, start: int, stop: int, rate: int) -> NDArray[np.float32]:
        # drop whole cycles before the sine: the phase stays exact however long the stream is
        cycles = np.modf(np.arange(start, stop, dtype=np.float64) * (self.frequency / rate))[0]
        return (10 ** (self.level / 20) * np.sin(2 * math.pi * cycles)).astype(np.float32)
