from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tests.stand_ins import PATIENCE_S, Collect, Gate, Heavy, Pass, Words, pipeline, run, word
from vflow import MS, Event, Flush, ManualClock, Pipeline, SpeechStart, SystemClock, TextPacket
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


class Late(Pass):
    """Emits each word 30 ms after it came, unless a flush came first."""

    delay_ns = 30 * MS

    def open(self) -> None:
        self.held: list[TextPacket] = []

    def process(self, packet: TextPacket) -> Any:
        self.held.append(packet)
        if len(self.held) == 1:
            self.ctx.wake_at(self.ctx.now_ns() + self.delay_ns)

    def on_timer(self) -> Any:
        held, self.held = self.held, []
        return [packet.replace(pts_ns=self.ctx.now_ns()) for packet in held]

    def on_event(self, event: Event) -> Any:
        return self.on_timer()


def test_a_timer_runs_at_its_time_while_nothing_comes() -> None:
    text = CHAIN.replace("every: 20ms", "every: 100ms")
    running = run(text, ManualClock(), node=Late)
    assert [packet.pts_ns // MS for packet in sink(running).got] == [*(100 * n + 30 for n in range(9)), 900]


def test_a_flush_cancels_the_timers_of_what_it_reaches() -> None:
    fired = []

    class Timed(Late):
        def on_timer(self) -> Any:
            fired.append(self.ctx.now_ns())
            return super().on_timer()

        def on_flush(self, flush: Flush) -> None:
            self.held.clear()

    class Flushes(Words):
        generates = True
        flush: Any = None

        def produce(self) -> Iterator[Any]:
            yield word(0, turn=1)
            self.ctx.wait_until(10 * MS)
            self.flush(turn=1)
            self.ctx.wait_until(500 * MS)
            yield word(1, turn=2)
            self.ctx.wait_until(600 * MS)

    running = pipeline(CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.source}"), ManualClock(),
                       node=Timed, source=Flushes)  # fmt: skip
    running.nodes["words"].flush = running.flush  # type: ignore[attr-defined]
    with running:
        assert running.wait(PATIENCE_S)
    assert fired[0] == 530 * MS
    assert sink(running).indices == [1]


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


class Slow(Pass):
    """Awaits what never comes, and notes how it ends."""

    def open(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    async def process(self, packet: TextPacket) -> Any:
        try:
            self.begun.set()
            await asyncio.sleep(1000)
        finally:
            self.ended.set()


class SlowStream(Slow):
    async def process(self, packet: TextPacket) -> AsyncIterator[Any]:  # type: ignore[override]  # a stream
        try:
            yield packet
            self.begun.set()
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(0)
            self.ended.set()


ASYNC = """
nodes:
  words: {use: t.words, count: 1}
  gate:  {use: t.heavy}
  node:  {use: t.node}
  sink:  {use: t.collect}
links: [words -> gate -> node -> sink]
"""


def test_a_stop_cancels_what_a_node_awaits() -> None:
    for cls in (Slow, SlowStream):
        with pipeline(ASYNC, node=cls) as running:
            node = running.nodes["node"]
            assert isinstance(node, Slow)
            assert node.begun.wait(PATIENCE_S)
            assert running.stop() == []
            assert node.ended.is_set()


def test_a_flush_cancels_what_a_node_awaits_and_waits_for_nothing() -> None:
    for cls in (Slow, SlowStream):
        with pipeline(ASYNC, node=cls) as running:
            node = running.nodes["node"]
            assert isinstance(node, Slow)
            assert node.begun.wait(PATIENCE_S)
            running.flush(origins=["gate"])
            assert node.ended.wait(PATIENCE_S)
            assert running.wait(PATIENCE_S)
        assert sink(running).names == ["eos"]


def test_an_asynchronous_generator_is_closed_when_what_it_emits_is_refused() -> None:
    gate = Gate()

    class Emits(Slow):
        async def process(self, packet: TextPacket) -> AsyncIterator[Any]:  # type: ignore[override]  # a stream
            try:
                gate.pass_through()
                yield packet
                yield packet
            finally:
                await asyncio.sleep(0)
                self.ended.set()

    with pipeline(ASYNC, node=Emits) as running:
        gate.wait_reached()
        running.flush(origins=["gate"])
        gate.open()
        assert running.wait(PATIENCE_S)
        assert running.nodes["node"].ended.is_set()  # type: ignore[attr-defined]
    assert sink(running).indices == []


def test_tasks_that_a_node_leaves_behind_end_with_its_thread() -> None:
    cancelled = threading.Event()

    class Leaves(Pass):
        async def process(self, packet: TextPacket) -> Any:
            async def wait() -> None:
                try:
                    await asyncio.sleep(1000)
                finally:
                    cancelled.set()

            self.task = asyncio.get_running_loop().create_task(wait())
            await asyncio.sleep(0)
            return packet

    running = run(ASYNC, node=Leaves)
    assert sink(running).indices == [0]
    assert cancelled.is_set()


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
