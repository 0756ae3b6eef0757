"""Caps: what a port carries, and whether two ports fit.

An open field (`None`) of an input accepts anything; an open field of an output is filled from the
node's input, else from what the first consumer asks for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from vflow.packet import AudioPacket, Packet, TextPacket


@dataclass(frozen=True, slots=True)
class AnyCaps:
    """Carries whatever comes: `identity`, `tee`, `null`."""

    @property
    def packet_type(self) -> type[Packet]:
        return Packet

    def __str__(self) -> str:
        return "any"


@dataclass(frozen=True, slots=True, init=False)
class Audio:
    """Audio: `rate` in Hz, number of `channels`, and `features` of the stream beside its samples.

    Known features: `speech` (each packet's `meta["speech"]` is the probability of speech, 0 to 1; its
    `meta["power"]`, where it is there, the mean square of what a high-pass leaves of it) and
    `turns` (utterances between `SpeechStart` and `SpeechEnd`). An input that asks for a feature refuses
    audio without it; an input that does not ask takes audio with it.
    """

    rate: int | None
    channels: int | None
    features: frozenset[str]

    def __init__(
        self, rate: int | None = None, channels: int | None = None, features: Iterable[str] = ()
    ) -> None:
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "channels", channels)
        object.__setattr__(self, "features", frozenset(features))

    @property
    def packet_type(self) -> type[Packet]:
        return AudioPacket

    def __str__(self) -> str:
        fields = [
            f"{name}={value}" for name, value in (("rate", self.rate), ("channels", self.channels)) if value
        ]
        fields += sorted(self.features)
        return f"audio({', '.join(fields)})" if fields else "audio"


@dataclass(frozen=True, slots=True)
class Text:
    """Text of one `kind`: `word` (one word of a reply), `chunk` (words to speak at once),
    `final` (a finished transcript). `None` takes any text."""

    kind: str | None = None

    @property
    def packet_type(self) -> type[Packet]:
        return TextPacket

    def __str__(self) -> str:
        return f"text/{self.kind}" if self.kind else "text"


Caps = AnyCaps | Audio | Text


def fits(source: Caps, sink: Caps) -> bool:
    """Whether packets of `source` may enter `sink` as they are, or through an audio converter."""
    if isinstance(source, AnyCaps) or isinstance(sink, AnyCaps):
        return True
    if isinstance(source, Audio) and isinstance(sink, Audio):
        return sink.features <= source.features
    if isinstance(source, Text) and isinstance(sink, Text):
        return None in (source.kind, sink.kind) or source.kind == sink.kind
    return False


def needs_converter(source: Caps, sink: Caps) -> bool:
    """Whether fitting audio still differs in rate or channels, so that a converter must stand between."""
    if not (isinstance(source, Audio) and isinstance(sink, Audio)):
        return False
    pairs = ((source.rate, sink.rate), (source.channels, sink.channels))
    return any(a is not None and b is not None and a != b for a, b in pairs)


def fill(caps: Caps, other: Caps | None) -> Caps:
    """`caps` with its open fields taken from `other`; features of an open output pass through too."""
    if other is None:
        return caps
    if isinstance(caps, AnyCaps):
        return other
    if isinstance(caps, Audio) and isinstance(other, Audio):
        return Audio(
            other.rate if caps.rate is None else caps.rate,
            other.channels if caps.channels is None else caps.channels,
            caps.features or other.features,
        )
    if isinstance(caps, Text) and isinstance(other, Text) and caps.kind is None:
        return replace(caps, kind=other.kind)
    return caps
