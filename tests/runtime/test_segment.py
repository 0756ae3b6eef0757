from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Heavy, Pass, Words, pipeline, run, word
from vflow import MS, Event, Flush, ManualClock, Pipeline, SpeechStart, SystemClock, TextPacket
from vflow.clock import SystemWaiter
from vflow.errors import Stopped

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


def test_an_event_does_not_overtake_what_a_node_that_takes_no_events_still_makes() -> None:
    class Plain(Heavy):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            for _ in range(3):
                yield None
            yield packet

    order: list[Any] = []

    class Ordered(Collect):
        def process(self, packet: TextPacket) -> Any:
            order.append(packet.index)

        def on_event(self, event: Event) -> Any:
            order.append(event.name)

    text = CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.speech}")
    run(text, ManualClock(), node=Plain, speech=Speech, collect=Ordered)
    assert order == [0, "speech_start", 1, "eos"]


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

    def __init__(self, clock: SystemClock) -> None:
        super().__init__(clock)
        self.waited = threading.Event()

    def wait(self, deadline_ns: int | None = None) -> None:
        self.waits += 1
        self.waited.set()
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


# flushes


class Told(Pass):
    """Notes the flushes that it is told of."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.flushes: list[int] = []
        self.cancels: list[int] = []
        self.told = threading.Event()

    def on_flush(self, flush: Flush) -> None:
        self.flushes.append(flush.number)
        self.told.set()

    def on_cancel(self, flush: Flush) -> None:
        self.cancels.append(flush.number)


def test_a_timer_outlives_a_retraction_and_no_flush() -> None:
    running = pipeline(CHAIN, node=Told)
    node: Any = running.nodes["node"]
    segment, runner = running._wiring.segments["node"], running._wiring.runners["node"]
    reached = frozenset(["node"])
    segment.wake_at(runner, 10 * MS)
    segment.hand(Flush(1, 1, nodes=reached, retracts=True))
    segment.hand(Flush(2, 1, nodes=frozenset(["sink"])))
    segment.apply_all()
    assert segment.timers == {runner: 10 * MS}
    segment.hand(Flush(3, 1, nodes=reached))
    segment.apply_all()
    assert segment.timers == {}
    assert (node.flushes, segment.epoch) == ([1, 3], 3)


def test_only_a_flush_from_a_nodes_own_outputs_tells_it_that_its_work_is_cancelled() -> None:
    running = pipeline(CHAIN, node=Told)
    node: Any = running.nodes["node"]
    segment = running._wiring.segments["node"]
    segment.hand(Flush(1, 1, origins=frozenset(["words"]), nodes=frozenset(["node"])))
    segment.hand(Flush(2, 1, origins=frozenset(["node"]), nodes=frozenset(["sink"])))
    segment.apply_all()
    assert (node.flushes, node.cancels) == ([1], [2])


def test_a_thread_that_waits_for_input_is_woken_to_apply_a_flush() -> None:
    class Silent(Words):
        def produce(self) -> Iterator[Any]:
            self.ctx.wait_until()
            yield word(0)

    class Idle(Told):
        heavy = True

    text = CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.silent}")
    with pipeline(text, CountingClock(), node=Idle, silent=Silent) as running:
        node: Any = running.nodes["node"]
        waiter: Any = running._wiring.segments["node"].waiter
        assert waiter.waited.wait(PATIENCE_S)
        segment = running._wiring.segments["node"]
        with segment.owner.flush_lock:
            segment.hand(Flush(1, 0, nodes=frozenset(["node"])))
        assert node.told.wait(PATIENCE_S)
        running.drain()
        assert running.wait(PATIENCE_S)


def test_a_notification_ends_one_wait_and_no_second_one() -> None:
    class Waits(Heavy):
        def process(self, packet: TextPacket) -> Any:
            self.ctx.notify()
            self.ctx.wait_until(packet.pts_ns + 10 * MS)
            first_ns = self.ctx.now_ns()
            self.ctx.wait_until(packet.pts_ns + 10 * MS)
            return packet if first_ns < packet.pts_ns + 10 * MS <= self.ctx.now_ns() else None

    assert sink(run(CHAIN, ManualClock(), node=Waits)).indices == list(range(10))


def test_a_wake_up_may_be_taken_back() -> None:
    running = pipeline(CHAIN, node=Told)
    segment, runner = running._wiring.segments["node"], running._wiring.runners["node"]
    segment.wake_at(runner, 10)
    segment.wake_at(runner, 20)
    assert segment.timers == {runner: 20}
    segment.wake_at(runner, None)
    segment.wake_at(runner, None)
    assert segment.timers == {}


def test_a_retraction_spares_the_rest_of_its_own_nodes_work_and_a_flush_does_not() -> None:
    running = pipeline(CHAIN, node=Told)
    segment, runner = running._wiring.segments["node"], running._wiring.runners["node"]
    segment.hand(Flush(1, 1, origins=frozenset(["node"]), nodes=frozenset(["sink"]), retracts=True))
    assert segment.spares(runner) is True
    segment.hand(Flush(2, 1, origins=frozenset(["node"]), nodes=frozenset(["sink"])))
    assert segment.spares(runner) is False


def test_a_node_that_takes_an_event_at_a_look_is_told_of_a_flush_after_it() -> None:
    log: list[str] = []

    class Looks(Heavy):
        def on_event(self, event: Event) -> Any:
            segment.hand(Flush(1, 1, nodes=frozenset(["node"]), retracts=True))
            segment.apply_all()
            segment.apply_all()
            log.append("event")

        def on_flush(self, flush: Flush) -> None:
            log.append("flush")

    running = pipeline(CHAIN, node=Looks)
    segment, runner = running._wiring.segments["node"], running._wiring.runners["node"]
    segment._take_event(runner, 2, SpeechStart(turn=2))
    assert log == ["event", "flush"]


def test_a_stop_leaves_a_node_that_waits_while_it_is_told_of_a_flush() -> None:
    class Waits(Pass):
        def on_flush(self, flush: Flush) -> None:
            self.ctx.wait_until()

    running = pipeline(CHAIN, node=Waits)
    segment = running._wiring.segments["node"]
    segment.hand(Flush(1, 1, nodes=frozenset(["node"])))
    segment.stop()
    with pytest.raises(Stopped):
        segment.apply_all()


def test_a_flush_from_within_the_last_one_of_a_thread_that_left_does_not_wait_for_itself() -> None:
    told: list[int] = []

    class Flushes(Pass):
        def on_flush(self, flush: Flush) -> None:
            told.append(flush.number)
            if flush.number == 1:
                segment.hand(Flush(2, 1, nodes=frozenset(["node"])))
                segment.settle()

    segment = pipeline(CHAIN, node=Flushes)._wiring.segments["node"]
    segment.owner = replace(segment.owner, is_open=lambda name: True)
    segment._left = True
    segment.hand(Flush(1, 1, nodes=frozenset(["node"])))
    settling = threading.Thread(target=segment.settle, daemon=True)
    settling.start()
    settling.join(PATIENCE_S)
    assert not settling.is_alive()
    assert told == [1, 2]


def test_a_rest_ends_with_a_stop_before_it_and_within_it() -> None:
    segment = pipeline(CHAIN, ManualClock(), node=Pass)._wiring.segments["node"]
    waits: list[int | None] = []

    class Stops(SystemWaiter):
        def wait(self, deadline_ns: int | None = None) -> None:
            assert not waits, "stopped"
            waits.append(deadline_ns)
            segment.stop()

    segment.waiter = Stops(SystemClock())
    with pytest.raises(Stopped):
        segment.rest(10 * MS)
    assert waits == [10 * MS]
    with pytest.raises(Stopped):
        segment.rest(0)


def test_a_forked_child_that_comes_back_by_an_exit_fails_no_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        """Stands for the end of the process."""

    def end(code: int) -> None:
        raise Ended

    def leave() -> None:
        segment.forked()
        raise SystemExit

    crashed: list[BaseException] = []
    segment = pipeline(CHAIN, node=Pass)._wiring.segments["node"]
    segment.owner = replace(segment.owner, crashed=lambda segment, error: crashed.append(error))
    segment._work = leave  # type: ignore[method-assign]
    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(Ended):
        segment._run()
    assert crashed == []
