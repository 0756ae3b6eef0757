"""The interface of a PortAudio binding: its devices, and streams with a callback."""

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
        """Whether its input and output are surely one device, so that one stream may serve both.

        Behind ALSA's plugins (`default`, `pulse`) and in a sound server they may be two. Over PulseAudio 16,
        one stream for both never began in two of ten tries, and in another ran dry 14 times in 7 s.
        """
        return "(hw:" in self.name or self.api not in ("ALSA", "PulseAudio")

    def channels(self, direction: Direction) -> int:
        """Return the most channels it has."""
        return self.inputs if direction == "input" else self.outputs

    def is_default(self, direction: Direction) -> bool:
        """Return whether it is the system's default."""
        return self.default_input if direction == "input" else self.default_output


@dataclass(frozen=True, slots=True)
class End:
    """One direction of a stream: the device's index and its channels."""

    device: int
    channels: int


@dataclass(frozen=True, slots=True)
class Format:
    """A stream to open: float32, `frames` per callback; `latency_s` is requested if the binding can."""

    rate: int
    frames: int
    latency_s: float
    input: End | None = None
    output: End | None = None


@dataclass(frozen=True, slots=True)
class CallbackTiming:
    """Times that PortAudio gives to one callback, in seconds before or after it; NaN if it gives none.

    `recorded_s`: age of the first recorded sample. `sounds_s`: time until the first sample to play sounds.
    `late_s`: how long the callback had to wait for the interpreter. `overflow`, `underflow`: whether the
    device lost samples, or got none in time.
    """

    recorded_s: float
    sounds_s: float
    late_s: float
    overflow: bool
    underflow: bool


Callback = Callable[[Samples | None, int, CallbackTiming], Samples | None]
"""Called in PortAudio's thread with the recorded samples, `(frames,) float32` of the first channel, the
number of frames, and their times. Returns the samples that all output channels play."""


class Stream(Protocol):
    """An open stream. `stop` and `close` hang if the driver hangs."""

    def start(self) -> None:
        """Begin to call the callback. Raises: DeviceError."""

    def stop(self) -> None:
        """Stop calling it; samples that the device holds are not played. Raises: DeviceError."""

    def close(self) -> None:
        """Give the device back. Raises: DeviceError."""

    def latency_s(self, direction: Direction) -> float:
        """Return how many seconds of samples the device holds, by PortAudio's estimate."""


class Backend(Protocol):
    """A binding. Call all methods under `PORTAUDIO`, since PortAudio is not thread-safe."""

    @property
    def name(self) -> str:
        """The name of the package."""

    def missing(self) -> str:
        """Return why the package cannot be used, with what mends it; '' if it can."""

    def devices(self) -> list[Device]:
        """Return all devices. Raises: DeviceError."""

    def refuses(self, format: Format) -> str:
        """Return why a stream cannot be opened; '' if it seems that it can."""

    def open(self, format: Format, callback: Callback, ended: Callable[[], None]) -> Stream:
        """Open a stream, without starting it. `ended` is called when it stops, if the binding can tell.

        Raises: DeviceError.
        """

    def abandon(self) -> None:
        """Give up a stream that hangs: do not wait for it at the end of the process."""


PORTAUDIO = threading.Lock()
"""Hold this around calls that use PortAudio's lists: only one thread at a time may initialize, open or close.
"""


@contextmanager
def portaudio(timeout_s: float = 5.0) -> Iterator[None]:
    """Hold `PORTAUDIO`. Raises: DeviceError if a call that hangs keeps holding it."""
    if not PORTAUDIO.acquire(timeout=timeout_s):
        raise DeviceError("an earlier call of PortAudio hangs")
    try:
        yield
    finally:
        PORTAUDIO.release()
