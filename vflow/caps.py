"""Caps: the kind of data that a port carries, and whether two ports fit.

An open field (`None`) of an input accepts anything. An open field of an output is filled from the node's
input, else from the first consumer's wish.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vflow.packet import AudioPacket, Packet, TextPacket


@dataclass(frozen=True, slots=True)
class AnyCaps:
    """Carries anything: the ports of `identity`, `tee` and `null`."""

    @property
    def packet_type(self) -> type[Packet]:
        return Packet

    def __str__(self) -> str:
        return "any"


@dataclass(frozen=True, slots=True, init=False)
class Audio:
    """Audio: `rate` in Hz, number of `channels`, and `features`, which the stream has beside its samples.

    Known features:
    - `speech`: each packet's `meta["speech"]` is the probability of speech, 0 to 1; its `meta["power"]`, if
      present, is the mean square of its audio after a high-pass.
    - `turns`: utterances lie between `SpeechStart` and `SpeechEnd`.
    An input that asks for a feature refuses audio without it. An input that does not ask accepts it.
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


SPOKEN = "spoken"


@dataclass(frozen=True, slots=True, init=False)
class Text:
    """Text of one `kind`; `None` takes any text.

    - `word`: one word of a reply. `chunk`: words to speak at once.
    - `final`: the whole of what the user said. `reply`: the whole of what the agent is to say.
    - `verdict`: "finished" or "goes on", about the pause with the packet's turn and pts; `meta["finished"]`
      is the probability. `backchannel`: the user's words over a reply, up to the packet's pts;
      `meta["backchannel"]` is true for mere assent ("mm-hmm"), which is not a turn.

    The known feature is `spoken`: each packet's `units` say how its words are said. If an input asks for it
    and its source lacks it, `load` inserts a node `spoken`. `features=None` is for an output that only
    regroups words; it has the features of the node's input.
    """

    kind: str | None
    features: frozenset[str] | None

    def __init__(self, kind: str | None = None, features: Iterable[str] | None = ()) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "features", None if features is None else frozenset(features))

    @property
    def packet_type(self) -> type[Packet]:
        return TextPacket

    def __str__(self) -> str:
        name = f"text/{self.kind}" if self.kind else "text"
        return f"{name}({', '.join(sorted(self.features))})" if self.features else name


Caps = AnyCaps | Audio | Text


def fits(source: Caps, sink: Caps) -> bool:
    """Return whether packets of `source` may enter `sink`, if need be through a node that `load` inserts."""
    if isinstance(source, AnyCaps) or isinstance(sink, AnyCaps):
        return True
    if isinstance(source, Audio) and isinstance(sink, Audio):
        return sink.features <= source.features
    if isinstance(source, Text) and isinstance(sink, Text):
        same = None in (source.kind, sink.kind) or source.kind == sink.kind
        asked = (sink.features or frozenset()) - {SPOKEN}
        return same and (source.features is None or asked <= source.features)
    return False


def needs_converter(source: Caps, sink: Caps) -> bool:
    """Return whether audio that fits still differs in rate or channels, so that it needs a converter."""
    if not (isinstance(source, Audio) and isinstance(sink, Audio)):
        return False
    pairs = ((source.rate, sink.rate), (source.channels, sink.channels))
    return any(a is not None and b is not None and a != b for a, b in pairs)


def fill(caps: Caps, other: Caps | None) -> Caps:
    """Return `caps` with its open fields from `other`. Audio without features takes those of `other`."""
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
    if isinstance(caps, Text) and isinstance(other, Text):
        features = other.features if caps.features is None else caps.features
        return Text(caps.kind or other.kind, features)
    return caps
