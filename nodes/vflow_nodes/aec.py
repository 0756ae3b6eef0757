"""`aec`: remove the loudspeaker's sound from the microphone's audio, so that the agent hears only the user.

WebRTC's audio processing module (AEC3), in livekit's wheel (Apache-2.0), does the work in frames of 10 ms.
It adapts by itself to the room and to the echo's delay, up to half a second, on one condition: the reference
must come before its echo, evenly. So the reference is ordered by the time at which it sounds (device time,
not arrival), and read a little ahead of the microphone.
"""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Duration,
    Eos,
    Event,
    In,
    Node,
    Out,
    QueueOptions,
    Samples,
    install_command,
    prop,
)
from vflow_nodes.lib.echo_reference import SLACK_NS, EchoReference, int16

RATE = 16_000
FRAME = RATE // 100
"""Samples of one call into the module: 10 ms."""
DELAY = 128
"""Samples by which the module's output is later than its input: its blocks and its filter bank, 4 ms each.
Measured: the peak of the correlation of white noise before and after it."""
PRIMED_S = 5
FADE_FRAMES = 50
"""Frames of silence after the noise, in which the module stops suppressing."""


class Canceller:
    """WebRTC's audio processing module: mono, `RATE`, 10 ms at a time."""

    def __init__(self, noise_suppression: bool, gain_control: bool) -> None:
        from livekit.rtc import AudioFrame, AudioProcessingModule

        self._frame: Any = AudioFrame
        self._module: Any = AudioProcessingModule(
            echo_cancellation=True, noise_suppression=noise_suppression, auto_gain_control=gain_control
        )

    def prime(self, reference_rate: int) -> None:
        """Feed the module PRIMED_S of a loudspeaker without any echo: about 60 ms of work.

        In its first 5 s of sound the module takes everything for echo and lowers it by 30 to 60 dB, even a
        user with headphones. After this it knows rooms without echo, and still finds an echo within 0.2 s.
        With 4 s it does not know them yet; with 6 s it lets 0.4 s of the first echo through (measured).
        """
        noise = np.random.default_rng(0)
        for _ in range(PRIMED_S * 100):
            near = noise.normal(0, 1e-4, FRAME).astype(np.float32)
            played = noise.normal(0, 0.05, reference_rate // 100).astype(np.float32)
            self.cancel(near, int16(played), reference_rate)
        for _ in range(FADE_FRAMES):
            self.cancel(
                np.zeros(FRAME, np.float32), np.zeros(reference_rate // 100, np.int16), reference_rate
            )

    def cancel(self, near: Samples, reference: NDArray[np.int16], reference_rate: int) -> Samples:
        """Return the next 10 ms of the microphone, `(FRAME,)`, without the echo; `DELAY` samples late."""
        played = self._frame(bytearray(reference.tobytes()), reference_rate, 1, len(reference))
        self._module.process_reverse_stream(played)
        heard = bytearray(int16(near).tobytes())
        self._module.process_stream(self._frame(heard, RATE, 1, FRAME))  # in place
        return np.frombuffer(heard, np.int16).astype(np.float32) / np.float32(32768)


class Aec(Node):
    """Remove the loudspeaker's echo from the microphone's audio.

    `reference` is the audio played, at the loudspeaker's rate. Each packet's pts is the time at which it
    sounds; between packets is silence. Until the first one comes, the audio passes unchanged.

    Each packet that goes in gives one of the same length, with its true time: the audio is 8 ms old, plus up
    to 10 ms if packets are no multiple of 10 ms (16 ms in all at 32 ms). The canceller removes sound below
    100 Hz.
    """

    example = "aec: {use: aec}"
    swallows = (Event,)  # the loudspeaker's events: the nodes that listen to the user have no use for them

    lead: Duration = prop(
        "40ms",
        ge="0ms",
        le="200ms",
        doc="how long before it sounds the reference is read: longer than the error of devices' times; it"
        " shrinks if the reference does not come so early",
    )
    noise_suppression: bool = prop(False, doc="also suppress steady noise")
    gain_control: bool = prop(False, doc="also bring the voice to an even level")

    audio = In(Audio(rate=RATE, channels=1), doc="the microphone")
    reference = In(
        Audio(channels=1),
        doc="what the loudspeaker plays",
        queue=QueueOptions(packets=256, policy="leaky-oldest", keep=True),
        optional=True,
    )
    out = Out(Audio(rate=RATE, channels=1), doc="the microphone without the echo")

    _canceller: Canceller | None = None
    _near: Samples
    _done: Samples
    _past: Samples

    @classmethod
    def unavailable(cls) -> str:
        found = importlib.util.find_spec("livekit") and importlib.util.find_spec("livekit.rtc")
        return "" if found else f"the package livekit is not installed; {install_command('aec')}"

    def open(self) -> None:
        self._canceller = Canceller(self.noise_suppression, self.gain_control)
        self._played: EchoReference | None = None
        self._rate = 0  # the rate of the reference in the canceller
        self._cancelling = False
        self._warned = False
        self._end_ns: int | None = None  # of the last packet
        self._restart(hold=0)

    def warm_up(self) -> None:
        assert self._canceller is not None, "open() was not called"
        caps = self.ctx.caps("reference")
        if isinstance(caps, Audio) and caps.rate is not None:
            self._rate = caps.rate
            self._canceller.prime(caps.rate)

    def close(self) -> None:
        self._canceller = None

    def process_reference(self, packet: AudioPacket) -> None:
        if self._played is None or self._played.rate != packet.rate:
            self._played = EchoReference(packet.rate, self.lead)
        self._played.write(packet.mono(), packet.pts_ns)
        if self._played.lost > packet.rate // 2 and not self._warned:
            self._warned = True
            self.ctx.warn(
                "half a second of what was played came too late for its echo to be cancelled;"
                " is the machine too busy?"
            )

    def process_audio(self, packet: AudioPacket) -> list[AudioPacket]:
        made: list[AudioPacket] = []
        if self._end_ns is None or abs(packet.pts_ns - self._end_ns) > 2 * SLACK_NS:
            made += self._drain()
            # hold this much, so that each packet can give out its own length although frames are 10 ms
            self._restart(hold=FRAME - math.gcd(packet.frames, FRAME))
        self._near = np.concatenate([self._near, packet.mono()])
        self._end_ns = packet.pts_ns + packet.duration_ns
        self._step(self._end_ns)
        return [*made, *self._take(packet.frames)]

    def on_event(self, event: Event) -> list[AudioPacket]:
        return self._drain() if isinstance(event, Eos) else []

    def _restart(self, hold: int) -> None:
        self._near = np.empty(0, np.float32)  # less than a frame, not yet cancelled
        self._past = np.zeros(2 * FRAME, np.float32)  # the samples before `_near`
        self._done = np.zeros(hold, np.float32)  # cancelled, not yet given out

    def _step(self, end_ns: int) -> None:
        """Cancel the echo in every whole frame; `end_ns` is the time at which `_near` ends."""
        done = [self._done]
        while len(self._near) >= FRAME:
            pts_ns = end_ns - len(self._near) * SECOND // RATE
            frame = self._near[:FRAME]
            self._near = self._near[FRAME:]
            done.append(self._cancel(frame, pts_ns))
            self._past = np.concatenate([self._past[FRAME:], frame])
        self._done = np.concatenate(done)

    def _cancel(self, frame: Samples, pts_ns: int) -> Samples:
        """Return a frame without its echo, `DELAY` samples late."""
        assert self._canceller is not None, "open() was not called"
        if self._played is None and not (self.noise_suppression or self.gain_control):
            # only delay it, as the canceller would: no jump when the first reference comes
            return np.concatenate([self._past[-DELAY:], frame[:-DELAY]])
        rate = self._played.rate if self._played is not None else self._rate or RATE
        silence = np.zeros(rate // 100, np.int16)
        if rate != self._rate:  # the module starts again
            self._rate, self._cancelling = rate, False
            if self._played is not None:
                self._canceller.prime(rate)
        if not self._cancelling:  # the last two frames first: no gap
            self._cancelling = True
            for past in (self._past[:FRAME], self._past[FRAME:]):
                self._canceller.cancel(past, silence, rate)
        reference = silence if self._played is None else self._played.read(pts_ns)
        return self._canceller.cancel(frame, reference, rate)

    def _take(self, frames: int) -> list[AudioPacket]:
        """Return the next frames as a packet: `frames`, or all if there are fewer."""
        frames = min(frames, len(self._done))
        if not frames or self._end_ns is None:
            return []
        age = len(self._done) + DELAY + len(self._near)
        data, self._done = self._done[:frames].copy(), self._done[frames:]
        return [AudioPacket(data=data, rate=RATE, pts_ns=self._end_ns - age * SECOND // RATE)]

    def _drain(self) -> list[AudioPacket]:
        """Return all audio held, because the stream ends or breaks off."""
        if self._end_ns is None:
            return []
        held = len(self._done) + DELAY + len(self._near)
        pts_ns = self._end_ns - held * SECOND // RATE
        tail = np.zeros(DELAY + FRAME, np.float32)
        self._near = np.concatenate([self._near, tail])
        self._step(self._end_ns + len(tail) * SECOND // RATE)
        data = self._done[:held].copy()
        self._restart(hold=0)
        self._end_ns = None
        return [AudioPacket(data=data, rate=RATE, pts_ns=pts_ns)]
