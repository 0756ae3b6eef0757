"""Play a sound file into the graph: at the clock's pace like a microphone, or as fast as the graph takes
it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from vflow import SECOND, Audio, AudioPacket, Duration, Node, Out, Unavailable, prop
from vflow_nodes.lib.sound_file import open_sound

_SCAN_FRAMES = 1 << 18
_FLOAT_SUBTYPES = ("FLOAT", "DOUBLE")


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a sound file; `frames` counts samples of one channel."""

    rate: int
    channels: int
    frames: int


class WavSource(Node):
    """Play a file into the graph: wav, flac, or any format that libsndfile reads.

    With `pace: clock` the frame that covers the time [t, t + frame) leaves at t + frame, as a microphone
    would deliver it. t counts from the start of the stream, and is the packet's pts. Each frame waits for
    its own time, so a late frame does not delay the next ones.
    """

    example = "question: {use: wav_source, file: question.wav, pad: 2s}"

    file: str = prop(file="reads", doc="path of the file")
    pace: Literal["clock", "free"] = prop("clock", doc="as a microphone, or as fast as the graph takes it")
    frame: Duration = prop("32ms", ge="1ms", le="10s", doc="length of a packet", latency="path")
    pad: Duration = prop("0ms", ge="0ms", doc="silence after the file, before the stream ends")
    audio = Out(Audio())

    _header: Header | None = None
    _sound: soundfile.SoundFile | None = None

    def port_caps(self, port: str) -> Audio:
        header = self._look()
        return Audio(rate=header.rate, channels=header.channels)

    def paced(self) -> bool:
        return self.pace == "clock"

    def open(self) -> None:
        self._look()
        self._sound = open_sound(self.file)

    def close(self) -> None:
        if self._sound is not None:
            self._sound.close()
            self._sound = None

    def produce(self) -> Iterator[AudioPacket | None]:
        header = self._look()
        start_ns = self.ctx.now_ns()
        for at, data in self._frames(header):
            if self.pace == "clock":
                self.ctx.wait_until(start_ns + (at + len(data)) * SECOND // header.rate)
            else:
                yield None  # without the clock, only this lets the runtime stop the loop
            yield AudioPacket(data=data, rate=header.rate, pts_ns=start_ns + at * SECOND // header.rate)

    def _frames(self, header: Header) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the index of each frame's first sample, and its samples: first the file's, then silence."""
        assert self._sound is not None, "open() was not called"
        size = max(1, self.frame * header.rate // SECOND)
        total = header.frames + self.pad * header.rate // SECOND
        for at in range(0, total, size):
            data = np.zeros((min(size, total - at), header.channels), np.float32)
            wanted = min(len(data), header.frames - at)
            if wanted > 0 and len(self._sound.read(wanted, out=data[:wanted])) < wanted:
                self.ctx.warn(f"{self.file} ends before the {header.frames} samples that its header promises")
                return
            yield at, data

    def _look(self) -> Header:
        """Return the file's header; read it once. Raises: Unavailable if the file cannot be played."""
        if self._header is None:
            with open_sound(self.file) as sound:
                if sound.frames == 0:
                    raise Unavailable(f"{self.file} holds no samples; give a file with sound in it")
                if sound.subtype in _FLOAT_SUBTYPES:
                    _refuse_non_finite(sound, self.file)
                self._header = Header(sound.samplerate, sound.channels, sound.frames)
        return self._header


def _refuse_non_finite(sound: soundfile.SoundFile, file: str) -> None:
    """Refuse NaN and infinity, which only float files can hold: one would silence every later filter."""
    at = 0
    while len(block := sound.read(_SCAN_FRAMES, dtype="float32", always_2d=True)):
        bad = ~np.isfinite(block).all(axis=1)
        if bad.any():
            second = (at + int(bad.argmax())) / sound.samplerate
            raise Unavailable(
                f"{file} holds a sample that is not a number, or infinite, at {second:.3f} s;"
                " write the file anew, as 16 or 24 bit"
            )
        at += len(block)
