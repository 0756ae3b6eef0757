from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from tests.stand_ins import PATIENCE_S, Collect, Heavy, Pass, Words, pipeline, run, word
from vflow import MS, Event, ManualClock, Pipeline, SpeechStart, SystemClock, TextPacket
from vflow.clock import SystemWaiter

CHAIN = """
nodes:
  words: {use: t.words, every: 20ms}
  node:  {use: t.node}
  sink:  {use: t.collect}
links: [words -> node -> sink]
"""


def sink(running: Pipeline) -> Collect:
    node = running.nodes["sink"]
    assert isinstance(node, Collect)
    return node


# looks


class Spells(Heavy):
    """A generator that looks between words, and notes the events that come meanwhile."""

    def open(self) -> None:
        self.log: list[str] = []

    def process(self, packet: TextPacket) -> Iterator[Any]:
        self.log.append(f"begin {packet.index}")
        for _ in range(3):
            yield None
        self.log.append(f"end {packet.index}")
        yield packet

    def on_event(self, event: Event) -> Any:
        self.log.append(event.name)


class Speech(Words):
    def produce(self) -> Iterator[Any]:
        yield word(0)
        yield SpeechStart()
        yield word(1)


def test_an_event_that_comes_next_is_seen_at_a_look_and_packets_wait() -> None:
    running = run(CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.speech}"), ManualClock(),
                  node=Spells, speech=Speech)  # fmt: skip
    log = running.nodes["node"].log  # type: ignore[attr-defined]
    assert log == ["begin 0", "speech_start", "end 0", "begin 1", "end 1", "eos"]
    assert sink(running).names == ["speech_start", "eos"]


# asynchronous nodes


# waits


def test_notify_ends_a_wait_and_is_not_lost_when_it_comes_first() -> None:
    class Notified(Heavy):
        def process(self, packet: TextPacket) -> Any:
            self.ctx.notify()
            self.ctx.wait_until()
            threading.Timer(0, self.ctx.notify).start()
            self.ctx.wait_until()
            return packet

    assert sink(run(CHAIN, node=Notified)).indices == list(range(10))


class CountingWaiter(SystemWaiter):
    waits = 0

    def wait(self, deadline_ns: int | None = None) -> None:
        self.waits += 1
        super().wait(deadline_ns)


class CountingClock(SystemClock):
    def waiter(self) -> CountingWaiter:
        return CountingWaiter(self)


def test_a_node_that_waits_is_not_woken_by_what_comes_in() -> None:
    class Waits(Heavy):
        waiter: Any = None

        def process(self, packet: TextPacket) -> Any:
            if packet.index == 0:
                before = self.waiter.waits
                self.ctx.wait_until(150 * MS)
                self.waits = self.waiter.waits - before
            return packet

    running = pipeline(CHAIN, CountingClock(), node=Waits)
    running.nodes["node"].waiter = running._wiring.segments["node"].waiter  # type: ignore[attr-defined]
    with running:
        assert running.wait(PATIENCE_S)
    assert sink(running).indices == list(range(10))
    assert running.nodes["node"].waits == 1  # type: ignore[attr-defined]


def test_a_source_that_looks_and_never_waits_is_stopped() -> None:
    begun = threading.Event()

    class Endless(Words):
        def produce(self) -> Iterator[Any]:
            while True:
                begun.set()
                yield None

    with pipeline(CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.endless}"), node=Pass,
                  endless=Endless) as running:  # fmt: skip
        assert begun.wait(PATIENCE_S)
        assert running.stop() == []
