"""Small nodes for graphs in tests, and a way to build them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

from vflow import Duration, Event, In, Node, Out, Packet, Played, Sink, Text, TextPacket, prop
from vflow.clock import Clock
from vflow.errors import Flushed
from vflow.graph.graph import Graph
from vflow.graph.loader import load_text
from vflow.runtime.pipeline import Pipeline

PATIENCE_S = 20.0
"""How long a test waits for something that must happen: long, since a busy machine is not a failure."""


class Gives(Node):
    """A node for tests that only look at its outputs: it emits nothing."""

    def produce(self) -> Iterator[Packet | None]:
        yield None


class Takes(Node):
    """A node for tests that only look at its ports: it ignores all packets."""

    def process(self, packet: Any) -> Any:
        return None


class Words(Node):
    """A source of `count` numbered words: one per `every` by the clock, else as fast as they are taken."""

    count: int = prop(10, doc="words")
    every: Duration = prop("0ms", doc="between two words")
    out = Out(Text("word"))

    def produce(self) -> Iterator[Packet | None]:
        for index in range(self.count):
            if self.every:
                self.ctx.wait_until(index * self.every)
            yield word(index, pts_ns=index * self.every)


class Pass(Node):
    """Passes on each packet, in the thread of the node before it."""

    text = In(Text("word"))
    out = Out(Text("word"))

    def process(self, packet: TextPacket) -> Any:
        return packet


class Heavy(Pass):
    """Passes on each packet, in a thread of its own."""

    heavy = True


class Collect(Node):
    """Keeps packets in `got`, and events in `events`."""

    heavy = True
    text = In(Text("word"))

    def open(self) -> None:
        self.got: list[TextPacket] = []
        self.events: list[Event] = []

    def process(self, packet: TextPacket) -> Any:
        self.got.append(packet)

    def on_event(self, event: Event) -> Any:
        self.events.append(event)

    @property
    def indices(self) -> list[int]:
        return [packet.index for packet in self.got]

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]


class Speaker(Sink):
    """A sink that plays at once, and refuses what is stale."""

    text = In(Text("word"))

    def open(self) -> None:
        self.lock = threading.Lock()
        self.floor = 0
        self.got: list[TextPacket] = []

    def process(self, packet: TextPacket) -> None:
        with self.lock:
            if self.ctx.epoch < self.floor:
                raise Flushed
            self.play(packet)

    def play(self, packet: TextPacket) -> None:
        self.got.append(packet)

    def drop(self, epoch: int) -> tuple[Played, ...]:
        with self.lock:
            self.floor = epoch
        return ()

    def lead_ns(self) -> int:
        return 0

    @property
    def indices(self) -> list[int]:
        return [packet.index for packet in self.got]


class Gate:
    """A place where a node blocks until the test opens it, as inside a library that cannot be interrupted."""

    def __init__(self) -> None:
        self._reached, self._open = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        self._reached.set()
        assert self._open.wait(PATIENCE_S)

    def wait_reached(self) -> None:
        assert self._reached.wait(PATIENCE_S)

    def open(self) -> None:
        self._open.set()


def unplaced(text: str) -> str:
    """Return a message without the place in the node's code, such as "test_it.py:31 in process: "."""
    return re.sub(r"\b\w+\.py:\d+ in [\w<>]+: ", "", text)


def word(index: int, **values: Any) -> TextPacket:
    return TextPacket(text=str(index), index=index, **values)


CLASSES: dict[str, type[Node]] = {
    "words": Words,
    "pass": Pass,
    "heavy": Heavy,
    "collect": Collect,
    "speaker": Speaker,
}


def graph(text: str, **classes: type[Node]) -> Graph:
    """Load a graph of this module's nodes and the given ones; `text` holds its `nodes:` and `links:`."""
    return load_text(text, file="test.yaml", nodes={f"t.{n}": c for n, c in {**CLASSES, **classes}.items()})


def pipeline(text: str, clock: Clock | None = None, **classes: type[Node]) -> Pipeline:
    """Return a pipeline of such a graph, not started."""
    return Pipeline(graph(text, **classes), clock=clock)


def run(text: str, clock: Clock | None = None, **classes: type[Node]) -> Pipeline:
    """Run such a graph to its end."""
    with pipeline(text, clock, **classes) as running:
        assert running.wait(PATIENCE_S)
    return running
