"""Microphone and loudspeaker through PortAudio, by the package sounddevice."""

from __future__ import annotations

import importlib.util
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Caps,
    Duration,
    Eos,
    Event,
    In,
    Node,
    Out,
    Played,
    Playout,
    Sink,
    TurnEnd,
    Unavailable,
    prop,
)

_RING_NS = 2 * SECOND
_BUFFER_NS = SECOND // 2
_WAKE_S = 3.0
_MOST_DELAY_S = 2.0  # PortAudio's times beyond this, or below 0, are a host API's invention

Direction = Literal["input", "output"]


class Ring:
    """What the device recorded and nobody took: one block a callback, the newest `blocks` of them.

    `put` is the callback's and takes no lock; `get` is the node's.
    """

    def __init__(self, blocks: int) -> None:
        self._blocks: deque[tuple[int, NDArray[np.float32], bool]] = deque(maxlen=blocks)
        self._recorded = 0  # the callback's
        self._taken = 0  # the node's, as all below
        self.lost = 0
        """Frames that were overwritten before they were taken."""
        self.overflows = 0
        """How often the device itself says that it lost frames, it does not say how many."""

    def put(self, samples: NDArray[np.float32], overflowed: bool) -> None:
        self._blocks.append((self._recorded, samples, overflowed))
        self._recorded += len(samples)

    def get(self) -> tuple[int, NDArray[np.float32]] | None:
        """The oldest block, and how many frames were recorded before it; None where there is none."""
        if not self._blocks:
            return None
        at, samples, overflowed = self._blocks.popleft()
        self.lost += at - self._taken
        self.overflows += overflowed
        self._taken = at + len(samples)
        return at, samples


class SounddeviceMic(Node):
    """The microphone, mono (the first channel of a device that has no mono).

    pts count the frames recorded, from the device's time of the first. What the graph does not take within
    2 s is overwritten, counted and warned of.
    """

    live = True
    rank = 50
    example = "mic: {use: mic.sounddevice, frame: 32ms}"

    device: int | str | None = prop(None, doc="name, part of a name, or index; by default the system's")
    frame: Duration = prop("32ms", ge="2ms", le="1s", doc="length of a packet", latency="path")
    rate: int | None = prop(
        None, ge=8000, le=192_000, unit="Hz", doc="by default what the next node asks for"
    )
    audio = Out(Audio(channels=1))

    _stream: Any = None
    _ring: Ring | None = None
    _origin_ns: int | None = None
    _finished = False

    @classmethod
    def unavailable(cls) -> str:
        return _missing("input")

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1)

    def open(self) -> None:
        self._finished, self._origin_ns = False, None
        settings = _settings("input", self.device, self.ctx.caps("audio"))
        self._rate = int(settings["samplerate"])
        size = max(1, self.frame * self._rate // SECOND)
        self._ring = Ring(max(2, _RING_NS * self._rate // SECOND // size))
        self._stream = _open("input", settings, self._record, self._stop, blocksize=size)

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def produce(self) -> Iterator[AudioPacket]:
        assert self._ring is not None, "open() was not called"
        self._stream.start()
        told = 0
        while True:
            while (block := self._ring.get()) is None:
                if self._finished:
                    raise Unavailable("the microphone's stream has ended; is the device still there?")
                self.ctx.wait_until()
            troubles = self._ring.lost + self._ring.overflows
            if troubles > 2 * told or (troubles and not told):
                told = troubles  # at each doubling: a graph that is always late would fill the log
                self.ctx.warn(
                    f"{self._ring.lost} recorded frames were overwritten before the graph took them, and the"
                    f" device lost some {self._ring.overflows} times; the nodes behind are too slow"
                )
            at, samples = block
            pts_ns = (self._origin_ns or 0) + at * SECOND // self._rate
            yield AudioPacket(data=samples, rate=self._rate, pts_ns=pts_ns)

    def _record(self, data: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        """PortAudio's callback, in its thread."""
        if self._ring is None:
            return
        if self._origin_ns is None:
            age_s = _sane(time.currentTime - time.inputBufferAdcTime, frames / self._rate)
            self._origin_ns = max(0, self.ctx.now_ns() - round(age_s * SECOND))
        self._ring.put(data[:, 0].copy(), bool(status.input_overflow))
        self.ctx.notify()

    def _stop(self) -> None:
        self._finished = True
        self.ctx.notify()


class SounddeviceSpeaker(Sink):
    """The loudspeaker, mono (the same on both channels of a device that has no mono).

    A flush leaves what the device itself holds, about `latency`, to be played; what was heard counts what
    the device took. What is played of a reply is told on the bus: `played`, phase `start` and `end`.
    """

    rank = 50
    example = "speaker: {use: speaker.sounddevice, latency: 40ms}"

    device: int | str | None = prop(None, doc="name, part of a name, or index; by default the system's")
    latency: Duration = prop("40ms", ge="2ms", le="1s", doc="what the device holds", latency="path")
    audio = In(Audio(channels=1))

    _stream: Any = None
    _playout: Playout | None = None
    _delay_s = 0.0
    _finished = False
    _underflows = 0  # the callback's
    _told = 0

    @classmethod
    def unavailable(cls) -> str:
        return _missing("output")

    def open(self) -> None:
        self._finished, self._underflows, self._told = False, 0, 0
        settings = _settings("output", self.device, self.ctx.caps("audio"))
        self._playout = Playout(int(settings["samplerate"]))
        self._stream = _open("output", settings, self._play, self._stop, latency=self.latency / SECOND)
        self._delay_s = _sane(self._stream.latency, self.latency / SECOND)
        self._running = threading.Event()
        self._stream.start()

    def warm_up(self) -> None:
        # a sound server may take a second to wake its device; not in the first reply
        if not self._running.wait(_WAKE_S):
            self.ctx.warn(f"the loudspeaker took no samples for {_WAKE_S:g} s; is the sound server well?")

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)

    def process(self, packet: AudioPacket) -> None:
        playout = self._opened()
        self._wait(playout, _BUFFER_NS)
        playout.write(packet, self.ctx.epoch)
        if self._underflows > 10 * self._told or (self._underflows and not self._told):
            self._told = self._underflows
            self.ctx.warn(f"the device ran dry {self._underflows} times; a longer 'latency' mends it")

    def on_event(self, event: Event) -> None:
        playout = self._opened()
        if isinstance(event, TurnEnd):
            playout.end_turn(event.turn)
        elif isinstance(event, Eos):
            self._wait(playout, 0)
            end_ns = self.ctx.now_ns() + round(self._delay_s * SECOND)
            while self.ctx.now_ns() < end_ns:
                self.ctx.wait_until(end_ns)

    def drop(self, epoch: int) -> tuple[Played, ...]:
        return () if self._playout is None else self._playout.drop(epoch)

    def lead_ns(self) -> int:
        return 0 if self._playout is None else self._playout.lead_ns()

    def _opened(self) -> Playout:
        assert self._playout is not None, "open() was not called"
        return self._playout

    def _wait(self, playout: Playout, lead_ns: int) -> None:
        """Until no more than `lead_ns` is queued."""
        while (excess_ns := playout.lead_ns() - lead_ns) > 0:
            if self._finished:
                raise Unavailable("the loudspeaker's stream has ended; is the device still there?")
            # a device takes blocks of some ms: waiting for less would be polling
            self.ctx.wait_until(self.ctx.now_ns() + max(excess_ns, 10 * MS))

    def _play(self, data: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        """PortAudio's callback, in its thread. The samples first: posting is quick, but not as urgent."""
        playout = self._playout
        if playout is None:
            data.fill(0)
            return
        start = playout.position
        samples, passed = playout.take(frames)
        data[:] = samples.reshape(-1, 1)
        if start > 2 * self._delay_s * playout.rate:  # more than it takes to fill its buffer
            self._running.set()
        self._underflows += bool(status.output_underflow)
        delay_s = _sane(time.outputBufferDacTime - time.currentTime, self._delay_s)
        for mark, played in passed:
            if mark.kind != "word":
                after_s = delay_s + (mark.frame - start) / playout.rate
                at_ns = self.ctx.now_ns() + round(after_s * SECOND)
                self.ctx.post("played", phase=mark.kind, played=played, at_ns=at_ns)

    def _stop(self) -> None:
        self._finished = True
        self.ctx.notify()


def _sane(seconds: float, otherwise: float) -> float:
    return seconds if 0 < seconds < _MOST_DELAY_S else otherwise


def _missing(direction: Direction) -> str:
    """Why there is no such device, '' where there is one; asks PortAudio for its default."""
    if importlib.util.find_spec("sounddevice") is None:
        return "the package sounddevice is not installed; install it: pip install 'vflow[audio]'"
    try:
        import sounddevice
    except OSError as error:  # its Linux wheels come without the library
        return f"{error}; install it: apt-get install libportaudio2 (macOS: brew install portaudio)"
    try:
        sounddevice.query_devices(kind=direction)
    except (sounddevice.PortAudioError, ValueError) as error:
        return f"there is no audio {direction} device ({error}); plug one in, or start the sound server"
    return ""


def _settings(direction: Direction, device: int | str | None, caps: Caps) -> dict[str, Any]:
    """The device, rate and channels of a stream, tried out. Raises: Unavailable."""
    import sounddevice

    name = int(device) if isinstance(device, str) and device.isdecimal() else device
    try:
        found = sounddevice.query_devices(name, kind=direction)
    except (sounddevice.PortAudioError, ValueError) as error:
        have = [d["name"] for d in sounddevice.query_devices() if d[f"max_{direction}_channels"]]
        raise Unavailable(
            f"no audio {direction} device {device or '(default)'}: {error};"
            f" there is: {', '.join(have) or 'none'}"
        ) from error
    rate = (caps.rate if isinstance(caps, Audio) else None) or int(found["default_samplerate"])
    check: Callable[..., None] = getattr(sounddevice, f"check_{direction}_settings")
    for channels in (1, 2):
        settings = {"device": found["index"], "samplerate": rate, "channels": channels, "dtype": "float32"}
        try:
            check(**settings)
        except sounddevice.PortAudioError as error:
            reason = error
        else:
            return settings
    raise Unavailable(
        f"{found['name']} does not take {rate} Hz: {reason}; it prefers"
        f" {found['default_samplerate']:.0f} Hz: have a 'resample' node convert to and from that"
    ) from reason


def _open(
    direction: Direction,
    settings: dict[str, Any],
    callback: Callable[..., None],
    finished: Callable[[], None],
    **more: Any,
) -> Any:
    import sounddevice

    kind = {"input": sounddevice.InputStream, "output": sounddevice.OutputStream}[direction]
    try:
        return kind(callback=callback, finished_callback=finished, **settings, **more)
    except sounddevice.PortAudioError as error:
        raise Unavailable(f"the audio {direction} device cannot be opened: {error}") from error
