"""Convert the rate and channels of audio; the runtime puts this node between ports that differ."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Caps,
    Eos,
    Event,
    Flush,
    In,
    Mixdown,
    Node,
    Out,
    Span,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    Unavailable,
    prop,
)

_CUTS = (SpeechStart, SpeechEnd, TurnEnd, Eos)


class Resample(Node):
    """Convert rate (by soxr) and number of channels: to mono by the mean, from mono by copying. Any other
    change of channels goes through mono. If channels cancel one another, as inverted stereo does, only the
    strongest channel is used from then on, and a warning says so.

    The filter looks ahead: it holds audio back and gives it out in bursts, with the pts of the input. It
    holds at most, from 48 kHz to 16 kHz and for packets of any size: LQ 20 ms (mean 11), HQ 37 (22), VHQ 77
    (43). LQ is flat to 75 % of the lower rate's band (6 kHz of 8) and lets nothing alias above -100 dB:
    enough for speech, and quick enough for a live path.

    Each utterance, each reply and the stream are filtered on their own: at their end the audio held back
    leaves before the event. A change of turn between two packets counts as such an end.
    """

    example = "narrow: {use: resample, rate: 16000, channels: 1}"

    rate: int | None = prop(None, ge=1000, le=768_000, unit="Hz", doc="rate of the output; open by default")
    channels: int | None = prop(None, ge=1, le=64, doc="channels of the output; open by default")
    quality: Literal["LQ", "HQ", "VHQ"] = prop("LQ", doc="soxr's quality; a better one holds back more")
    audio = In(Audio())
    out = Out(Audio())

    _stream: soxr.ResampleStream | None = None
    _rates: tuple[int, int] = (1, 1)
    _channels: tuple[int, int] = (1, 1)
    _filtered = 1  # channels that the filter sees
    _taken = 0  # frames of this stream's input
    _given = 0  # frames of this stream's output
    _last: AudioPacket | None = None

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=self.channels) if port == "out" else Audio()

    def open(self) -> None:
        source, target = self.ctx.caps("audio"), self.ctx.caps("out")
        if not (isinstance(source, Audio) and isinstance(target, Audio) and source.rate and target.rate):
            raise Unavailable(
                f"{self.ctx.name} has to know both rates, and found {source} -> {target};"
                " set its property 'rate', or that of the node in front"
            )
        self._rates = (source.rate, target.rate)
        self._channels = (source.channels or 1, target.channels or source.channels or 1)
        self._mixdown = Mixdown(source.rate)
        self._filtered = 1 if self._channels[0] != self._channels[1] else self._channels[0]
        if source.rate != target.rate:
            rates = self._rates
            self._stream = soxr.ResampleStream(*rates, self._filtered, "float32", self.quality)
        self._restart()

    def close(self) -> None:
        self._stream = None

    def process(self, packet: AudioPacket) -> AudioPacket | list[AudioPacket] | None:
        if self._stream is None:
            return packet.replace(data=self._spread(self._mixed(packet)), rate=self._rates[1])
        tail = self._drain() if self._last is not None and self._last.turn != packet.turn else None
        self._anchors.append((self._taken, packet.pts_ns))
        self._spans.extend(_moved(span, self._taken) for span in packet.spans)
        self._taken += packet.frames
        self._last = packet
        made = self._packet(self._stream.resample_chunk(self._mixed(packet)), packet)
        return made if tail is None else [p for p in (tail, made) if p is not None]

    def on_event(self, event: Event) -> AudioPacket | None:
        return self._drain() if isinstance(event, _CUTS) else None

    def on_flush(self, flush: Flush) -> None:
        if self._last is None or flush.concerns(self._last.turn):
            self._restart()

    def _drain(self) -> AudioPacket | None:
        """Return the audio held back; the next packet begins a new stream."""
        if self._stream is None or self._last is None:
            return None
        nothing = np.zeros((0, self._filtered), np.float32)
        made = self._packet(self._stream.resample_chunk(nothing, last=True), self._last, end=True)
        self._restart()
        return made

    def _restart(self) -> None:
        if self._stream is not None:
            self._stream.clear()
        self._taken = self._given = 0
        self._last = None
        self._anchors: deque[tuple[int, int]] = deque()  # (frame of the input, its pts), by packet
        self._spans: list[Span] = []  # not yet given out, in frames of this stream's input

    def _packet(self, data: NDArray[np.float32], like: AudioPacket, end: bool = False) -> AudioPacket | None:
        """Return the next output frames as a packet, with the pts and the words of their input."""
        if not len(data):
            return None
        before, after = self._rates
        start, stop = self._given, self._given + len(data)
        self._given = stop
        at = start * before // after
        while len(self._anchors) > 1 and self._anchors[1][0] <= at:
            self._anchors.popleft()
        anchor, pts_ns = self._anchors[0]
        scaled = [
            dataclasses.replace(s, start=s.start * after // before, stop=s.stop * after // before)
            for s in self._spans
        ]
        mine = [s for s in scaled if end or s.middle < stop]
        self._spans = [s for s, out in zip(self._spans, scaled, strict=True) if out not in mine]
        return like.replace(
            data=self._spread(data),
            rate=after,
            pts_ns=pts_ns + start * SECOND // after - anchor * SECOND // before,
            spans=tuple(_moved(span, -start) for span in mine),
        )

    def _mixed(self, packet: AudioPacket) -> NDArray[np.float32]:
        if self._channels[0] == self._channels[1]:
            return packet.data
        before = self._mixdown.channel
        mono = self._mixdown.mix(packet.data)
        if before is None and (taken := self._mixdown.channel) is not None:
            self.ctx.warn(
                f"the {self._channels[0]} channels cancel one another, as where one is inverted: channel"
                f" {taken + 1} alone is heard; give this source one channel, or turn the inverted one round"
            )
        return mono.reshape(-1, 1)

    def _spread(self, data: NDArray[np.float32]) -> NDArray[np.float32]:
        before, after = self._channels
        return data if before == after or after == 1 else np.repeat(data, after, axis=1)


def _moved(span: Span, frames: int) -> Span:
    return dataclasses.replace(span, start=span.start + frames, stop=span.stop + frames)
