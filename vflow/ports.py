"""Ports: the typed ends of a node, and the bounds of the links between them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from vflow.caps import Caps
from vflow.event import Event
from vflow.packet import SECOND, Packet
from vflow.props import duration_text


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """Bounds and policy of a link that crosses threads.

    It is full at `packets` entries, or at `time_ns` of audio. `policy` says what a put to a full link does:
    `block` the producer, drop the oldest or the newest packet, or fail. Packets older than `max_age_ns` are
    dropped when they are taken out. A `keep` link is not flushed.
    """

    packets: int = 64
    time_ns: int = 2 * SECOND
    policy: Literal["block", "leaky-oldest", "leaky-newest", "error"] = "block"
    max_age_ns: int | None = None
    keep: bool = False


@dataclass(slots=True, eq=False)
class In:
    """An input port. `queue` has the bounds of links into it if the graph gives none. An `optional` port need
    not be linked.

    `several`: audio streams that sound at the same time may come into it; without it, `load` refuses them. If
    several links lead to such a port, every item says by which it came: `meta["link"]` of a packet or an
    event is the name of the node that sent it. When one stream ends, a `Gap` of a century
    (`event.FOREVER_NS`) comes; after the last one comes `Eos`, as always.

    `feedback`: it brings back what a node downstream made of this node's own output. No flush and no
    retraction passes it, and its end does not count as an end. If `queue` gives no bounds, it keeps the
    newest packets, so it never blocks.
    """

    caps: Caps
    doc: str = ""
    queue: QueueOptions | None = None
    optional: bool = False
    several: bool = False
    feedback: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        if self.feedback and self.queue is None:
            self.queue = QueueOptions(policy="leaky-oldest")

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


@dataclass(slots=True, eq=False)
class Out:
    """An output port. With `bus=True`, every packet that leaves it is also posted on the bus."""

    caps: Caps
    doc: str = ""
    bus: bool = False
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


Item = Packet | Event
Emission = Item | tuple[Out, Item] | None
"""Returned or yielded by a node: an item for its only output; `(self.port, item)` if it has several outputs;
or None, which lets the runtime check for a flush or stop."""
Output = Emission | Iterable[Emission] | Awaitable[Emission | Iterable[Emission]] | AsyncIterable[Emission]


def ports_of(cls: type[Any]) -> dict[str, Any]:
    """Return the ports of a node class by name, in order of declaration, those of its bases first."""
    found: dict[str, In | Out] = {}
    for base in reversed(cls.__mro__):
        found.update({n: p for n, p in vars(base).items() if isinstance(p, In | Out)})
    return found


def inputs_of(cls: type[Any]) -> dict[str, In]:
    return {n: p for n, p in ports_of(cls).items() if isinstance(p, In)}


def main_input(cls: type[Any]) -> str:
    """Return the first input that must be linked, or else the first of all."""
    inputs = inputs_of(cls)
    return next((name for name, port in inputs.items() if not port.optional), next(iter(inputs)))


def outputs_of(cls: type[Any]) -> dict[str, Out]:
    return {n: p for n, p in ports_of(cls).items() if isinstance(p, Out)}


def queue_text(queue: QueueOptions) -> str:
    """Return the bounds of a link in a few words."""
    parts = [f"{queue.packets} packets", duration_text(queue.time_ns), queue.policy]
    if queue.max_age_ns is not None:
        parts.append(f"at most {duration_text(queue.max_age_ns)} old")
    if queue.keep:
        parts.append("keep")
    return ", ".join(parts)
