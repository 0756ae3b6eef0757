"""The loudspeaker, for either binding of PortAudio."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Caps,
    Duration,
    Eos,
    Event,
    Flush,
    In,
    Out,
    Played,
    Playout,
    Samples,
    Sink,
    TurnEnd,
    Unavailable,
    prop,
)
from vflow_nodes.lib.portaudio.backend import Backend
from vflow_nodes.lib.portaudio.clock_drift import Playing
from vflow_nodes.lib.portaudio.device_line import Line, Side
from vflow_nodes.lib.portaudio.device_lookup import devices_of, find, listing, problem

_BUFFER_NS = SECOND // 2
_LOOK_NS = SECOND // 2
_TELL_NS = 10 * MS
_PLAYED = 200
"""Most blocks of played audio that wait to be sent on: 2 s, longer than any pause of the node's thread."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The device's position: `frame` of the timeline sounds at `at_ns`."""

    frame: float
    at_ns: float


class Loudspeaker(Sink):
    """The common part of `speaker.pyaudio` and `speaker.sounddevice`; `backend` is the binding."""

    swallows = (Event,)  # nodes after `played` have no use for a reply's events
    backend: ClassVar[Backend]

    device: int | str | None = prop(None, doc="name, part of a name, or index; by default the system's")
    latency: Duration = prop("40ms", ge="2ms", le="1s", doc="audio that the device holds", latency="path")
    rate: int | None = prop(None, ge=8000, le=192_000, unit="Hz", doc="by default that of its input")
    audio = In(Audio(channels=1))
    played = Out(
        Audio(channels=1),
        doc="the audio that sounds, with the device's times, in blocks of 10 ms sent before they sound; set"
        " 'keep' on a link that must not lose it in a flush",
    )

    _line: Line | None = None
    _playout: Playout | None = None
    _told = 0

    @classmethod
    def unavailable(cls) -> str:
        return problem(cls.backend, "output")

    @classmethod
    def devices(cls) -> list[str]:
        """Return the devices to play on, a line each. Raises: Unavailable."""
        return list(listing(cls.backend, "output"))

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1)

    def open(self) -> None:
        device = find(devices_of(self.backend), "output", self.device)
        caps = self.ctx.caps("audio")
        self._rate = (caps.rate if isinstance(caps, Audio) else None) or device.rate
        self._told = 0
        self._underflows = 0  # written by the callback
        self._taking = threading.Lock()  # guards the playout and _head together
        self._head: _Head | None = None
        self._sounded: deque[tuple[int, Samples]] = deque(maxlen=_PLAYED)
        self._tells = self.ctx.linked("played")
        self._begin(self._rate)
        self._playout = Playout(self._rate)
        latency_s = self.latency / SECOND
        side = Side(self, device, self._rate, latency_s / 2, latency_s, self._begin, self.ctx.warn)
        # the conversation's id makes the key the pipeline's own: two pipelines have two clocks, and must not
        # share a stream
        key = f"portaudio:{self.backend.name}:{device.index}:{id(self.ctx.conversation)}"
        line = self.ctx.shared(key, lambda: Line(self.backend))
        if not line.attach("output", side):
            line = Line(self.backend)
            line.attach("output", side)
        self._line = line

    def _begin(self, device_rate: int) -> None:
        self._playing = Playing(device_rate, self._rate)

    def warm_up(self) -> None:
        self._opened().start("output")
        self.ctx.wake_at(_LOOK_NS)

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            ppm = line.ppm("output")
            line.detach("output")
            self.ctx.post("stats", "loudspeaker", underflows=self._underflows, ppm=round(ppm, 1))

    def process(self, packet: AudioPacket) -> Iterator[tuple[Out, AudioPacket]]:
        yield from self._wait(_BUFFER_NS)
        self._timeline().write(packet, self.ctx.epoch)
        if self._underflows > 2 * self._told or (self._underflows and not self._told):
            self._told = self._underflows  # warn at each doubling
            self.ctx.warn(f"the device ran dry {self._underflows} times; a longer 'latency' mends it")
        yield from self._tell()

    def on_event(self, event: Event) -> Iterator[tuple[Out, AudioPacket]]:
        if isinstance(event, TurnEnd):
            self._timeline().end_turn(event.turn)
        elif isinstance(event, Eos):
            yield from self._wait(0)
            head = self._head
            if head is not None:
                end_ns = round(head.at_ns + (self._timeline().position - head.frame) * SECOND / self._rate)
                while self.ctx.now_ns() < end_ns:
                    self.ctx.wait_until(end_ns)
            yield from self._tell()

    def on_timer(self) -> Iterator[tuple[Out, AudioPacket]]:
        self._opened().check("output")
        yield from self._tell()

    def on_flush(self, flush: Flush) -> None:
        self.ctx.wake_at(self.ctx.now_ns())  # report what still sounds

    def drop(self, epoch: int) -> tuple[Played, ...]:
        playout = self._playout
        if playout is None:
            return ()
        with self._taking:
            unheard = 0
            if (head := self._head) is not None:
                # the device has taken frames that do not sound yet: those count as unheard
                sounds = head.frame + (self.ctx.now_ns() - head.at_ns) * self._rate / SECOND
                position = playout.position
                unheard = min(max(0, position - int(sounds)), position)
            return playout.drop(epoch, unheard)

    def duck(self, gain: float) -> None:
        if self._playout is not None:
            self._playout.duck(gain)

    def hold(self, held: bool) -> None:
        if self._playout is not None and held:
            self._playout.hold()
        elif self._playout is not None:
            self._playout.release()

    def lead_ns(self) -> int:
        return 0 if self._playout is None else self._playout.lead_ns()

    def sounding(self) -> Played | None:
        return None if self._playout is None else self._playout.sounding()

    def _wait(self, lead_ns: int) -> Iterator[tuple[Out, AudioPacket]]:
        """Wait until at most `lead_ns` is queued."""
        while (excess_ns := self.lead_ns() - lead_ns) > 0:
            self._opened().check("output")
            # a device takes blocks of some ms: shorter waits would be polling
            step_ns = _TELL_NS if self._tells else min(max(excess_ns, _TELL_NS), _LOOK_NS)
            self.ctx.wait_until(self.ctx.now_ns() + step_ns)
            yield from self._tell()

    def _tell(self) -> Iterator[tuple[Out, AudioPacket]]:
        """Send on the audio that was played, and set the timer for the next look."""
        sounds = self._tells and (self.lead_ns() > 0 or bool(self._sounded))
        self.ctx.wake_at(self.ctx.now_ns() + (_TELL_NS if sounds else _LOOK_NS))
        while self._sounded:
            pts_ns, samples = self._sounded.popleft()
            yield self.played, AudioPacket(data=samples, rate=self._rate, pts_ns=max(0, pts_ns))

    # in PortAudio's thread: vflow_nodes.lib.portaudio.stream.Player

    def now_ns(self) -> int:
        return self.ctx.now_ns()

    def woken(self) -> None:
        self.ctx.notify()

    def play(self, frames: int, at_ns: float, period_ns: float, underflowed: bool) -> Samples:
        """Return the next samples. Work them out before posting, which is quick but less urgent."""
        playout = self._playout
        if playout is None:
            return np.zeros(frames, np.float32)
        with self._taking:
            queued, start = playout.queued, playout.position
            if underflowed:
                self._playing.restart()
            frame, missing = self._playing.begin(frames, start, at_ns, period_ns)
            samples, passed = playout.take(missing)
            out = self._playing.finish(frames, samples)
            self._head = _Head(frame, at_ns)
        if queued:
            self._underflows += underflowed
            if self._tells:
                self._sounded.append((self._at_ns(start), samples))
        for mark, played in passed:
            if mark.kind != "word":
                self.ctx.post("played", phase=mark.kind, played=played, at_ns=self._at_ns(mark.frame))
        return out

    def _at_ns(self, frame: int) -> int:
        """Return when a frame of the timeline sounds, by the newest block."""
        assert self._head is not None
        return round(self._head.at_ns + (frame - self._head.frame) * SECOND / self._rate)

    def _timeline(self) -> Playout:
        if self._playout is None:
            raise Unavailable("the loudspeaker is not open")
        return self._playout

    def _opened(self) -> Line:
        if self._line is None:
            raise Unavailable("the loudspeaker is not open")
        return self._line
