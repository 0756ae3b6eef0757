"""Packets: timed, immutable payloads. Times are nanoseconds of pipeline time (0 = PLAYING)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Samples of audio, nominally -1 to 1."""

MS = 1_000_000
"""Nanoseconds in a millisecond."""
SECOND = 1_000_000_000
"""Nanoseconds in a second."""

_EMPTY: Mapping[str, Any] = MappingProxyType({})


def empty() -> Mapping[str, Any]:
    """Return the empty mapping, shared by all items without meta."""
    return _EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One timed payload. `turn` is the turn that it belongs to; 0 for none."""

    pts_ns: int = 0
    duration_ns: int = 0
    turn: int = 0
    meta: Mapping[str, Any] = field(default_factory=empty, repr=False)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed. The payload itself is shared, never copied."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Span:
    """The place of one word of a reply in an audio packet: frames `start` to `stop` of that packet.

    `index` counts the words of the reply from 0.
    """

    turn: int
    index: int
    word: str
    start: int
    stop: int

    @property
    def middle(self) -> int:
        """The frame from which the word counts as heard."""
        return (self.start + self.stop) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPacket(Packet):
    """A block of audio.

    `data` is `(frames, channels) float32`, nominally -1 to 1; `(frames,)` is taken as one channel. It is made
    read-only, so that a tee may share it. `rate` is in Hz; `duration_ns` follows from both.
    """

    data: Samples
    rate: int
    spans: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        data = self.data
        if data.ndim == 1:
            data = data.reshape(-1, 1)
            object.__setattr__(self, "data", data)
        if data.ndim != 2 or data.dtype != np.float32:
            raise TypeError(f"audio is (frames, channels) float32, not {data.shape} {data.dtype}")
        data.flags.writeable = False
        object.__setattr__(self, "duration_ns", len(data) * SECOND // self.rate)

    @property
    def frames(self) -> int:
        return len(self.data)

    def mono(self) -> Samples:
        """Return the mean of the channels, `(frames,) float32`; a view if there is only one."""
        mixed: Samples = self.data[:, 0] if self.data.shape[1] == 1 else self.data.mean(axis=1)
        return mixed

    def blocks(self, frames: int) -> Iterator[AudioPacket]:
        """Yield this packet in pieces of at most `frames` frames (views). A span goes where its middle is."""
        for at in range(0, self.frames, frames):
            stop = min(at + frames, self.frames)
            spans = tuple(
                dataclasses.replace(s, start=s.start - at, stop=s.stop - at)
                for s in self.spans
                if at <= s.middle < stop or (stop == self.frames and s.middle >= stop)
            )
            yield self.replace(
                data=self.data[at:stop], pts_ns=self.pts_ns + at * SECOND // self.rate, spans=spans
            )


@dataclass(frozen=True, slots=True)
class SpokenUnit:
    """Words of a reply that are said as one, such as "$1.5 million".

    `written` has the words as written, with one space between two. `spoken` is how a voice says them ("one
    point five million dollars"); '' if nobody says them.
    """

    written: str
    spoken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPacket(Packet):
    """A piece of text: a word, a chunk of words, or a transcript, as the port's caps say.

    `index` counts the words of the reply from 0; it is that of the first word in `text`. If the caps have the
    feature `spoken`, `units` cover `text` from its first word to its last; a `word` is then one unit, which
    may be several words. Otherwise `units` is empty. `meta["language"]`, if present, is the language of the
    text, as "en".
    """

    text: str
    index: int = 0
    units: tuple[SpokenUnit, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"text is str, not {type(self.text).__name__}")

    @property
    def spoken(self) -> str:
        """The text as a voice says it; as written if it has no spoken form."""
        return " ".join(u.spoken for u in self.units if u.spoken) if self.units else self.text
