"""A thread that reads links: its timers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.test_segment import CHAIN, sink
from tests.stand_ins import PATIENCE_S, Heavy, Pass, Words, pipeline, run, word
from vflow import (
    MS,
    Eos,
    Event,
    Flush,
    In,
    ManualClock,
    Node,
    Out,
    SpeechStart,
    SystemClock,
    Text,
    TextPacket,
)
from vflow.clock import SystemWaiter
from vflow.errors import Stopped


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


def test_timer_runs_on_time_without_input() -> None:
    text = CHAIN.replace("every: 20ms", "every: 100ms")
    running = run(text, ManualClock(), node=Late)
    assert [packet.pts_ns // MS for packet in sink(running).got] == [*(100 * n + 30 for n in range(9)), 900]


def test_flush_cancels_the_timers_of_nodes_it_reaches() -> None:
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


class Forks(Node):
    """Fills one of its two links while its reader is held up, then feeds the other."""

    out = Out(Text("word"))
    aside = Out(Text("word"))

    def produce(self) -> Iterator[Any]:
        for pts_ns in (0, 20):
            yield self.aside, word(pts_ns, pts_ns=pts_ns)
        for pts_ns in (10, 30, 31, 32, 33):  # the link holds four: the fifth waits for room
            yield self.out, word(pts_ns, pts_ns=pts_ns)
        yield self.aside, word(40, pts_ns=40)


class Joins(Node):
    """Takes two links in the order of their times; the first item waits until its writer is blocked."""

    heavy = True
    blocked: Any = None
    left = In(Text("word"))
    right = In(Text("word"))
    text = Out(Text("word"))

    def process(self, packet: TextPacket) -> Any:
        if packet.pts_ns == 0:
            assert self.blocked.wait(PATIENCE_S)
        return packet


class BlockedClock(SystemClock):
    """Its waiters say when a thread waits for the first time."""

    def waiter(self) -> SystemWaiter:
        return NotedWaiter(self)


class NotedWaiter(SystemWaiter):
    def __init__(self, clock: SystemClock) -> None:
        super().__init__(clock)
        self.waited = threading.Event()

    def wait(self, deadline_ns: int | None = None) -> None:
        self.waited.set()
        super().wait(deadline_ns)


FORKED = """
nodes: {forks: {use: t.forks}, joins: {use: t.joins, order: pts}, sink: {use: t.collect}}
links:
  - {from: forks.out, to: joins.left, queue: {packets: 4}}
  - {from: forks.aside, to: joins.right}
  - joins -> sink
"""


def test_a_reader_that_waits_for_one_link_lets_the_writer_of_both_fill_the_other() -> None:
    running = pipeline(FORKED, BlockedClock(), forks=Forks, joins=Joins)
    running.nodes["joins"].blocked = running._wiring.segments["forks"].waiter.waited  # type: ignore[attr-defined]
    with running:
        assert running.wait(PATIENCE_S)
    assert sink(running).indices == [0, 10, 20, 30, 31, 32, 33, 40]


def test_a_flush_that_comes_just_before_a_newer_item_is_applied_before_it() -> None:
    seen: list[int] = []

    class Sees(Heavy):
        def process(self, packet: TextPacket) -> Any:
            seen.append(segment.epoch)

    running = pipeline(CHAIN, node=Sees)
    segment = running._wiring.segments["node"]
    link, take = segment.inbox.link, segment.inbox.take
    link.writer.epoch = 2
    link.put(word(0))
    link.put(Eos())

    def flush_first() -> Any:
        if not seen:
            segment.hand(Flush(2, 1, nodes=frozenset(["node"])))
            segment.hand(Flush(7, 1, nodes=frozenset(["sink"])))
        return take()

    segment.inbox.take = flush_first
    segment._work()
    assert seen == [2], "the first flush, and not yet the one that is newer than the item"


def test_a_flush_that_comes_while_nothing_was_taken_yet_is_applied() -> None:
    segment = pipeline(FORKED, forks=Forks, joins=Joins)._wiring.segments["joins"]
    take = segment.inbox.take
    flush = Flush(3, 1, nodes=frozenset(["joins"]))

    def flush_first() -> Any:
        if segment.epoch < 3:
            segment.hand(flush)
            return None
        for link in segment.inbox.links:
            link.put(Eos())
        return take()

    segment.inbox.take = flush_first
    segment._work()
    assert segment.epoch == 3


def test_an_entry_that_comes_while_a_reader_is_about_to_wait_is_taken() -> None:
    running = pipeline(CHAIN, node=Heavy)
    segment = running._wiring.segments["node"]
    segment.inbox.unblock = lambda: segment.inbox.link.put(Eos())  # type: ignore[method-assign]
    thread = threading.Thread(target=segment._work, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert not segment.waiter.parked, "nobody need wake it"


def test_a_timer_is_not_delayed_by_a_later_one_of_the_same_thread() -> None:
    fired: list[int] = []

    class Fused(Pass):
        delay_ns = 70 * MS

        def process(self, packet: TextPacket) -> Any:
            self.ctx.wake_at(self.ctx.now_ns() + self.delay_ns)
            return packet

    class Timed(Fused):
        delay_ns = 20 * MS

        def on_timer(self) -> Any:
            fired.append(self.ctx.now_ns())

    class Waits(Words):
        def produce(self) -> Iterator[Any]:
            yield word(0)
            self.ctx.wait_until(100 * MS)

    text = """
    nodes: {waits: {use: t.waits}, timed: {use: t.timed}, fused: {use: t.fused}, sink: {use: t.collect}}
    links: [waits -> timed -> fused -> sink]
    """
    run(text, ManualClock(), waits=Waits, timed=Timed, fused=Fused)
    assert fired == [20 * MS]


def test_flush_caused_by_an_event_taken_while_suspended_is_applied_before_the_next_item() -> None:
    log: list[str] = []

    class Looks(Heavy):
        flush: Any = None

        def process(self, packet: TextPacket) -> Iterator[Any]:
            log.append(f"begin {packet.index}")
            assert put.wait(PATIENCE_S)
            yield None
            yield packet

        def on_event(self, event: Event) -> Any:
            log.append(event.name)
            if isinstance(event, SpeechStart):
                self.flush(origins=["words"], turn=1)
                return word(9, turn=2)  # refused: the flush is applied here, within the look
            return None

        def on_flush(self, flush: Flush) -> None:
            log.append("flush")

    class Says(Words):
        def produce(self) -> Iterator[Any]:
            yield word(0, turn=1)
            yield SpeechStart(turn=2)
            put.set()
            assert flushed.wait(PATIENCE_S)
            yield word(1, turn=2)

    put, flushed = threading.Event(), threading.Event()
    running = pipeline(CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.says}"), node=Looks, says=Says)
    node: Any = running.nodes["node"]

    def flush(**values: Any) -> None:
        running.flush(**values)
        flushed.set()

    node.flush = flush
    with running:
        assert running.wait(PATIENCE_S)
    assert log == ["begin 0", "speech_start", "flush", "begin 1", "eos"]
    assert sink(running).indices == [1]


def test_a_thread_that_is_stopped_at_a_timer_takes_no_further_item() -> None:
    begun: list[int] = []

    class Timed(Pass):
        def process(self, packet: TextPacket) -> Any:
            begun.append(packet.index)

        def on_timer(self) -> Any:
            segment.stop()

    wiring = pipeline(CHAIN, ManualClock(), node=Timed)._wiring
    segment = wiring.segments["node"]
    segment.inbox.link.put(word(0))
    segment.wake_at(wiring.runners["node"], 0)
    with pytest.raises(Stopped):
        segment._work()
    assert begun == []


def test_flush_that_ends_a_timers_generator_is_applied_after_its_close() -> None:
    log: list[str] = []

    class Timed(Heavy):
        def on_timer(self) -> Iterator[Any]:
            try:
                yield None
                log.append("went on")
            finally:
                log.append("closed")

        def on_event(self, event: Event) -> Any:
            log.append(event.name)
            segment.hand(Flush(1, 0, nodes=frozenset(["node"])))
            segment.apply_all()

        def on_flush(self, flush: Flush) -> None:
            log.append("flush")

    wiring = pipeline(CHAIN, ManualClock(), node=Timed)._wiring
    segment: Any = wiring.segments["node"]
    segment.inbox.link.put(SpeechStart())
    segment.wake_at(wiring.runners["node"], 0)
    assert segment._run_due_timer() is True
    assert log == ["speech_start", "closed", "flush"]
    assert segment.timers == {}


def test_a_timer_runs_once_and_not_before_its_time() -> None:
    fired: list[bool] = []

    class Timed(Heavy):
        def on_timer(self) -> Any:
            fired.append(True)

    wiring = pipeline(CHAIN, ManualClock(), node=Timed)._wiring
    segment: Any = wiring.segments["node"]
    segment.wake_at(wiring.runners["node"], 1)
    assert (segment._run_due_timer(), fired) == (False, [])
    segment.wake_at(wiring.runners["node"], 0)
    assert (segment._run_due_timer(), fired, segment.timers) == (True, [True], {})


def test_flush_during_on_flush_is_applied_without_further_input() -> None:
    told: list[int] = []

    class Told(Heavy):
        def on_flush(self, flush: Flush) -> None:
            told.append(flush.number)
            if flush.number == 1:
                segment.hand(Flush(2, 1, nodes=frozenset(["node"])))
                segment.waiter.wait()  # the token of that is gone
            else:
                segment.inbox.link.put(Eos())

    segment: Any = pipeline(CHAIN, node=Told)._wiring.segments["node"]
    segment.hand(Flush(1, 1, nodes=frozenset(["node"])))
    segment.inbox.link.writer.epoch = 2
    thread = threading.Thread(target=segment._work, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert told == [1, 2]


def test_a_thread_that_is_stopped_as_it_is_about_to_wait_leaves() -> None:
    segment: Any = pipeline(CHAIN, node=Heavy)._wiring.segments["node"]
    left: list[bool] = []
    segment.inbox.unblock = segment.stop

    def work() -> None:
        with pytest.raises(Stopped):
            segment._work()
        left.append(True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert left == [True]
