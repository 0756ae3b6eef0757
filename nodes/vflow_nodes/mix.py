"""`mix`: sum several streams of audio on one timeline."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Duration,
    Eos,
    Event,
    Flush,
    Gap,
    In,
    Node,
    Out,
    Samples,
    Span,
    TurnEnd,
    Unavailable,
    prop,
)

SLACK_NS = 10 * MS
"""A packet that begins no later than this after the last one's end continues it: jitter and drift."""
FADE_S = 0.01
"""How long a gain takes to change."""
LEAST_DB, MOST_DB = -120.0, 40.0


@dataclass(slots=True)
class Block:
    """A packet on the timeline: its first frame there, and its samples at their gain."""

    at: int
    samples: Samples
    turn: int
    spans: tuple[Span, ...]

    @property
    def end(self) -> int:
        return self.at + len(self.samples)


@dataclass(slots=True)
class Stream:
    """One input. Up to frame `end` its audio, or its silence, is known. `gain` is that of its last sample."""

    end: int = 0
    gain: float | None = None
    blocks: deque[Block] = field(default_factory=deque)
    turn_ends: deque[tuple[int, TurnEnd]] = field(default_factory=deque)


class Mix(Node):
    """Sum the audio of several nodes: each packet at the time of its pts, silence where a stream has none.

    Audio leaves once every stream has come that far. For a late stream it waits until `wait` after a packet's
    end, by pipeline time, then goes on without it. Nothing of the late stream is lost: it plays late until a
    pause lets it catch up. If no stream has audio, nothing leaves. The stream ends with its last input. The
    sum is not limited; one warning says that it exceeds full scale.
    """

    example = "mix: {use: mix, gains: {music: -12}}"
    swallows = (Event,)  # events of one stream; this node sends a turn's end itself, where its audio ends

    gains: dict[str, float] = prop(
        {}, ge=LEAST_DB, le=MOST_DB, hot=True, unit="dB", doc="by the name of the node before; others 0"
    )
    wait: Duration = prop(
        "100ms", ge="0ms", le="10s", latency="path", doc="how long a packet waits for late streams"
    )

    audio = In(Audio(channels=1), several=True, doc="the streams")
    out = Out(Audio(channels=1), doc="their sum")

    _warned = False

    def open(self) -> None:
        names = self.ctx.sources("audio")
        for name in self.gains:
            if not any(name in _outer(source) for source in names):
                raise Unavailable(
                    f"{self.ctx.name} has a gain for {name!r}, which is not linked to it; linked are:"
                    f" {', '.join(names) or 'none'}"
                )
        self._streams = {name: Stream() for name in names}
        caps = self.ctx.caps("audio")
        self._rate = (
            caps.rate if isinstance(caps, Audio) and caps.rate else 1
        )  # 1 until the first packet tells
        self._next: int | None = None  # the first frame that is not yet given out
        self._warned = False

    def process(self, packet: AudioPacket) -> Iterator[AudioPacket | Event]:
        self._rate = packet.rate
        name, stream = self._stream(packet)
        at = max(packet.pts_ns * self._rate // SECOND, stream.end)
        if at - stream.end <= SLACK_NS * self._rate // SECOND:
            at = stream.end
        if self._next is not None:
            at = max(at, self._next)
        block = Block(at, self._amplified(name, stream, packet.mono()), packet.turn, packet.spans)
        stream.blocks.append(block)
        stream.end = block.end
        yield from self._give(self._known())

    def on_event(self, event: Event) -> Iterator[AudioPacket | Event]:
        if isinstance(event, Eos):
            yield from self._give(None)
            return
        _, stream = self._stream(event)
        if isinstance(event, Gap):
            end = (event.pts_ns + event.duration_ns) * self._rate // SECOND
            stream.end = max(stream.end, end)
            yield from self._give(self._known())
        elif isinstance(event, TurnEnd):
            last = stream.blocks[-1].end if stream.blocks else self._next or 0
            stream.turn_ends.append((last, event))
            yield from self._give(self._known())

    def on_timer(self) -> Iterator[AudioPacket | Event]:
        yield from self._give(self._known())

    def on_flush(self, flush: Flush) -> None:
        for stream in self._streams.values():
            kept = [block for block in stream.blocks if not (block.turn and flush.concerns(block.turn))]
            if len(kept) < len(stream.blocks):
                stream.blocks = deque(kept)
                stream.end = kept[-1].end if kept else self._next or 0
            stream.turn_ends = deque(e for e in stream.turn_ends if not flush.concerns(e[1].turn))

    def _stream(self, item: AudioPacket | Event) -> tuple[str, Stream]:
        name = item.meta.get("link") or next(iter(self._streams), "")
        return name, self._streams.setdefault(name, Stream())

    def _amplified(self, name: str, stream: Stream, samples: Samples) -> Samples:
        gains = self.gains  # read once: a hot change replaces the dict
        db = next((gains[outer] for outer in _outer(name) if outer in gains), 0.0)
        gain = 10 ** (min(MOST_DB, max(LEAST_DB, db)) / 20)  # in this order, NaN gives -120
        before, stream.gain = stream.gain, gain
        if before is None or before == gain:
            return samples if gain == 1 else samples * np.float32(gain)
        ramp = np.minimum(np.arange(1, len(samples) + 1, dtype=np.float32) / (FADE_S * self._rate), 1)
        ramped: Samples = samples * (np.float32(before) + np.float32(gain - before) * ramp)
        return ramped

    def _known(self) -> int:
        """Return the frame up to which the sum is certain, or has waited long enough; set the timer."""
        certain = min(stream.end for stream in self._streams.values())
        now = (self.ctx.now_ns() - self.wait) * self._rate // SECOND
        ends = [block.end for stream in self._streams.values() for block in stream.blocks]
        due = max([certain, *(end for end in ends if end <= now)])
        later = min((end for end in ends if end > due), default=None)
        self.ctx.wake_at(None if later is None else -(-later * SECOND // self._rate) + self.wait)
        return due

    def _give(self, until: int | None) -> Iterator[AudioPacket | Event]:
        """Yield everything up to a frame (None: everything), each turn's end after the audio that it ends."""
        streams = list(self._streams.values())
        if until is None:
            until = max([b.end for s in streams for b in s.blocks], default=self._next or 0)
        while True:
            due = [(s.turn_ends[0][0], i) for i, s in enumerate(streams) if s.turn_ends]
            at, index = min(due, default=(until + 1, -1))
            yield from self._sum(min(at, until))
            if at > until:
                return
            _, event = streams[index].turn_ends.popleft()
            yield dataclasses.replace(event, meta=_own(event))

    def _sum(self, until: int) -> Iterator[AudioPacket]:
        held = [block for stream in self._streams.values() for block in stream.blocks if block.at < until]
        if not held:
            return
        first = min(block.at for block in held)
        last = min(until, max(block.end for block in held))
        total: NDArray[np.float32] = np.zeros(last - first, np.float32)
        spans: list[Span] = []
        for block in held:
            stop = min(block.end, last)
            total[block.at - first : stop - first] += block.samples[: stop - block.at]
            spans += _cut(block, stop, block.at - first)
        for stream in self._streams.values():
            while stream.blocks and not len(stream.blocks[0].samples):
                stream.blocks.popleft()
        self._next = last
        self._watch(total)
        yield AudioPacket(
            data=total,
            rate=self._rate,
            pts_ns=first * SECOND // self._rate,
            turn=max(block.turn for block in held),
            spans=tuple(spans),
        )

    def _watch(self, total: NDArray[np.float32]) -> None:
        if not self._warned and len(total) and float(np.abs(total).max()) > 1:
            self._warned = True
            self.ctx.warn("the sum exceeds full scale, and will be clipped where it is played; lower 'gains'")


def _cut(block: Block, stop: int, shift: int) -> list[Span]:
    """Remove the samples before frame `stop` from a block. Return their words, moved by `shift`."""
    frames = stop - block.at
    whole = frames == len(block.samples)
    gone = [span for span in block.spans if whole or span.middle < frames]
    block.spans = tuple(_moved(span, -frames) for span in block.spans if span not in gone)
    block.samples, block.at = block.samples[frames:], stop
    return [_moved(span, shift) for span in gone]


def _moved(span: Span, frames: int) -> Span:
    return dataclasses.replace(span, start=span.start + frames, stop=span.stop + frames)


def _outer(name: str) -> list[str]:
    """Return a node's name, and the names of the bins around it."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _own(event: Event) -> dict[str, object]:
    return {key: value for key, value in event.meta.items() if key != "link"}
