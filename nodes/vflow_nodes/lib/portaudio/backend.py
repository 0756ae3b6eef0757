"""A binding of PortAudio, whichever it is: its devices, and streams with a callback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from vflow import Samples

Direction = Literal["input", "output"]


class DeviceError(Exception):
    """PortAudio refused something; the text is its reason."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device as PortAudio lists it: `inputs` and `outputs` are numbers of channels, `rate` in Hz."""

    index: int
    name: str
    api: str
    inputs: int
    outputs: int
    rate: int
    default_input: bool = False
    default_output: bool = False

    @property
    def one_clock(self) -> bool:
        """Whether its input and its output are one device for sure, so that one stream may serve both.

        Behind ALSA's plugins (`default`, `pulse`) and in a sound server they may be two. Over PulseAudio 16
        one stream for both never began in two of ten tries, and ran dry 14 times in 7 s in one of the others.
        """
        return "(hw:" in self.name or self.api not in ("ALSA", "PulseAudio")

    def channels(self, direction: Direction) -> int:
        """How many channels it has at most."""
        return self.inputs if direction == "input" else self.outputs

    def is_default(self, direction: Direction) -> bool:
        """Whether it is what the system takes where none is named."""
        return self.default_input if direction == "input" else self.default_output


@dataclass(frozen=True, slots=True)
class End:
    """One direction of a stream: the device's index and its channels."""

    device: int
    channels: int


@dataclass(frozen=True, slots=True)
class Format:
    """A stream to open: float32, `frames` a callback, `latency_s` asked for where the binding can ask."""

    rate: int
    frames: int
    latency_s: float
    input: End | None = None
    output: End | None = None


@dataclass(frozen=True, slots=True)
class CallbackTiming:
    """Times that PortAudio gives at one callback, in seconds before or after it; NaN where it gives none.

    `recorded_s` is the age of the first sample that was recorded; `sounds_s` is how long until the first
    one that is given sounds; `late_s` is how long the interpreter let the callback wait. `overflow`,
    `underflow`: the device lost samples, or got none in time.
    """

    recorded_s: float
    sounds_s: float
    late_s: float
    overflow: bool
    underflow: bool


Callback = Callable[[Samples | None, int, CallbackTiming], Samples | None]
"""Called in PortAudio's thread with what was recorded, `(frames,) float32` of the first channel, the
number of frames, and the moment; answers what all output channels play."""


class Stream(Protocol):
    """An open stream. `stop` and `close` may hang where a driver does."""

    def start(self) -> None:
        """Have the callback called. Raises: DeviceError."""

    def stop(self) -> None:
        """Have it called no more; what the device holds is not played. Raises: DeviceError."""

    def close(self) -> None:
        """Give the device back. Raises: DeviceError."""

    def latency_s(self, direction: Direction) -> float:
        """How much the device holds, as PortAudio estimates it."""


class Backend(Protocol):
    """A binding. All methods are to be called under `PORTAUDIO`, which is not thread-safe."""

    @property
    def name(self) -> str:
        """The name of the package."""

    def missing(self) -> str:
        """Why the package cannot be used, with what mends it; '' where it can."""

    def devices(self) -> list[Device]:
        """All devices. Raises: DeviceError."""

    def refuses(self, format: Format) -> str:
        """Why a stream cannot be opened; '' where it seems that it can."""

    def open(self, format: Format, callback: Callback, ended: Callable[[], None]) -> Stream:
        """A stream, not yet started. `ended` is called when it stops, where the binding can tell.

        Raises: DeviceError.
        """

    def abandon(self) -> None:
        """A stream hangs for good: do not wait for it at the end of the process."""


PORTAUDIO = threading.Lock()
"""Held around what touches PortAudio's lists: it initializes, opens and closes in one thread at a time."""


@contextmanager
def portaudio(timeout_s: float = 5.0) -> Iterator[None]:
    """Hold `PORTAUDIO`. Raises: DeviceError where a call that hangs does not let go of it."""
    if not PORTAUDIO.acquire(timeout=timeout_s):
        raise DeviceError("an earlier call of PortAudio hangs")
    try:
        yield
    finally:
        PORTAUDIO.release()
