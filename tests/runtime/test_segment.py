from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Heavy, Pass, Words, pipeline, run, word
from vflow import (
    MS,
    Eos,
    Event,
    Flush,
    In,
    ManualClock,
    Node,
    Out,
    Pipeline,
    SpeechStart,
    SystemClock,
    Text,
    TextPacket,
)
from vflow.clock import SystemWaiter
from vflow.errors import Drained, Flushed, NodeError, Stopped

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


def test_next_event_is_taken_at_a_yield_of_none_and_packets_wait() -> None:
    running = run(CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.speech}"), ManualClock(),
                  node=Spells, speech=Speech)  # fmt: skip
    log = running.nodes["node"].log  # type: ignore[attr-defined]
    assert log == ["begin 0", "speech_start", "end 0", "begin 1", "end 1", "eos"]
    assert sink(running).names == ["speech_start", "eos"]


def test_event_does_not_overtake_output_of_a_node_without_on_event() -> None:
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


def test_notify_ends_a_wait_even_if_it_comes_first() -> None:
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


def test_incoming_items_do_not_wake_a_waiting_node() -> None:
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


def test_source_that_yields_none_and_never_waits_can_be_stopped() -> None:
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


def test_wake_up_can_be_cancelled() -> None:
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


def test_node_hears_of_a_flush_after_the_event_it_took_while_suspended() -> None:
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


def test_stop_ends_a_wait_inside_on_flush() -> None:
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


def test_forked_child_that_returns_by_an_exit_fails_no_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_new_thread_is_at_epoch_0_and_keeps_no_process_alive() -> None:
    segment = pipeline(CHAIN, node=Pass)._wiring.segments["node"]
    assert (segment.epoch, segment.left, segment.timers) == (0, False, {})
    assert (segment.thread.daemon, segment.thread.name) == (True, "vflow:words")


def unstarted(**classes: Any) -> tuple[Any, Any]:
    """The segment of `node` in a chain that does not run, and its runner; its node is heavy."""
    wiring = pipeline(CHAIN, **classes)._wiring
    return wiring.segments["node"], wiring.runners["node"]


class Noted(Heavy):
    """Notes what it is told."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.log: list[str] = []

    def on_event(self, event: Event) -> Any:
        self.log.append(event.name)

    def on_flush(self, flush: Flush) -> None:
        self.log.append(f"flush {flush.number}")

    def on_cancel(self, flush: Flush) -> None:
        self.log.append(f"cancel {flush.number}")


def flush_of(number: int, **values: Any) -> Flush:
    return Flush(number, 1, nodes=frozenset(["node"]), **values)


def test_a_thread_that_left_tells_a_node_of_a_flush_while_that_is_open_and_not_later() -> None:
    segment, runner = unstarted(node=Noted)
    is_open = True
    segment.owner = replace(segment.owner, is_open=lambda name: is_open)
    segment.hand(flush_of(1))
    segment.settle()
    assert runner.node.log == [], "the thread has not left: it does that itself"
    segment._left = True
    segment.settle()
    assert runner.node.log == ["flush 1"]
    is_open = False
    segment.hand(flush_of(2))
    segment.settle()
    assert (runner.node.log, segment.epoch) == (["flush 1"], 2)


def test_a_thread_that_runs_tells_its_nodes_whether_or_not_the_others_are_open() -> None:
    segment, runner = unstarted(node=Noted)
    segment.owner = replace(segment.owner, is_open=lambda name: False)
    segment.hand(flush_of(1))
    segment.apply_all()
    assert runner.node.log == ["flush 1"]


def test_a_node_that_fails_while_it_is_told_of_a_flush_is_failed_by_name_and_the_next_is_told() -> None:
    class Fails(Noted):
        def on_flush(self, flush: Flush) -> None:
            super().on_flush(flush)
            raise SystemExit("enough")

    segment, runner = unstarted(node=Fails)
    failed: list[tuple[str, str]] = []
    segment.owner = replace(
        segment.owner, failed=lambda _, runner, error: bool(failed.append((runner.name, str(error))))
    )
    segment.hand(flush_of(1))
    segment.hand(flush_of(2))
    segment.apply_all()
    assert failed == [("node", "enough")] * 2
    assert (runner.node.log, segment.epoch) == (["flush 1", "flush 2"], 2)


def test_a_flush_that_comes_with_an_event_ends_the_generator_that_looked() -> None:
    class Interrupted(Noted):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            try:
                yield None
                self.log.append("went on")
            finally:
                self.log.append("closed")

        def on_event(self, event: Event) -> Any:
            segment.hand(flush_of(1))

    segment, runner = unstarted(node=Interrupted)
    segment.inbox.link.put(SpeechStart())
    with pytest.raises(Flushed):
        segment.inbox.link.packet(word(0, turn=1))
    assert runner.node.log == ["closed"]


def test_an_event_within_an_event_is_told_of_a_flush_after_both() -> None:
    class Nested(Noted):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            yield None
            self.log.append("went on")

        def on_event(self, event: Event) -> Iterator[Any]:
            self.log.append(f"begin {event.pts_ns}")
            if event.pts_ns == 1:
                yield None
            else:
                segment.hand(flush_of(1, retracts=True))
                segment.apply_all()
            self.log.append(f"end {event.pts_ns}")

    segment, runner = unstarted(node=Nested)
    for pts_ns in (1, 2):
        segment.inbox.link.put(SpeechStart(turn=2, pts_ns=pts_ns))
    segment.inbox.link.packet(word(0, turn=2))
    assert runner.node.log == ["begin 1", "begin 2", "end 2", "end 1", "flush 1", "went on"]


def test_an_event_passes_the_first_node_of_a_thread_before_a_generator_further_on_that_looks() -> None:
    log: list[str] = []

    class First(Heavy):
        def on_event(self, event: Event) -> Any:
            log.append(f"first {event.name}")

    class Looks(Pass):
        def process(self, packet: TextPacket) -> Iterator[Any]:
            yield None
            log.append("end")
            yield packet

        def on_event(self, event: Event) -> Any:
            log.append(f"second {event.name}")

    text = """
    nodes: {words: {use: t.speech}, first: {use: t.first}, looks: {use: t.looks}, sink: {use: t.collect}}
    links: [words -> first -> looks -> sink]
    """
    run(text, ManualClock(), speech=Speech, first=First, looks=Looks)
    assert log == ["end", "first speech_start", "second speech_start", "end", "first eos", "second eos"]


def test_node_with_two_inputs_takes_no_event_while_suspended() -> None:
    log: list[str] = []

    class Both(Node):
        heavy = True
        left = In(Text("word"))
        right = In(Text("word"))
        out = Out(Text("word"))

        def process(self, packet: TextPacket) -> Iterator[Any]:
            log.append(f"begin {packet.index}")
            yield None
            log.append(f"end {packet.index}")

        def on_event(self, event: Event) -> Any:
            log.append(event.name)

    text = """
    nodes: {a: {use: t.speech}, b: {use: t.words, count: 1}, both: {use: t.both}, sink: {use: t.collect}}
    links: [a -> both.left, b -> both.right, both -> sink]
    """
    wiring = pipeline(text, ManualClock(), speech=Speech, both=Both)._wiring
    segment = wiring.segments["both"]
    left, right = segment.inbox.links
    for item in (word(0), SpeechStart(), word(1)):
        left.put(item)
    left.put(Eos())
    right.put(Eos())
    segment._work()
    assert log == ["begin 0", "end 0", "speech_start", "begin 1", "end 1", "eos"]


def test_source_with_on_event_may_yield_none() -> None:
    class Looks(Words):
        def produce(self) -> Iterator[Any]:
            yield None
            yield word(0)

        def on_event(self, event: Event) -> Any:
            assert event.name == "eos"

    text = CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.looks}")
    assert sink(run(text, ManualClock(), looks=Looks, node=Pass)).indices == [0]


def test_cancelled_coroutine_ends_with_the_signal_that_cancelled_it() -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    segment, runner = unstarted(node=Noted)
    with pytest.raises(NodeError, match="node: its coroutine was cancelled") as raised:
        segment.complete(runner, cancelled(), 1)
    assert str(runner.place) in str(raised.value)
    segment.hand(flush_of(1))
    with pytest.raises(Flushed):
        segment.complete(runner, cancelled(), 1)
    segment.stop()
    with pytest.raises(Stopped):
        segment.complete(runner, cancelled(), 1)
    segment._coroutines.close()


def test_wait_ends_on_time_and_at_once_if_the_time_has_passed() -> None:
    segment, runner = unstarted(node=Noted)
    waits: list[int | None] = []
    now = 0

    class Advances(SystemWaiter):
        def wait(self, deadline_ns: int | None = None) -> None:
            nonlocal now
            waits.append(deadline_ns)
            now += 5 * MS

    segment.waiter = Advances(SystemClock())
    segment.owner.clock.now_ns = lambda: now
    segment.wait_until(runner, 10 * MS)
    assert (waits, now) == ([10 * MS] * 2, 10 * MS)
    segment.wait_until(runner, 10 * MS)
    segment.rest(10 * MS)
    assert (waits, now) == ([*[10 * MS] * 2, *[20 * MS] * 2], 20 * MS)


def test_a_wait_ends_with_a_drain_for_a_source_alone_and_with_a_flush_or_a_stop_for_all() -> None:
    wiring = pipeline(CHAIN, ManualClock(), node=Noted)._wiring
    segment, runner = wiring.segments["node"], wiring.runners["node"]
    source = wiring.segments["words"]
    source.drain()
    with pytest.raises(Drained):
        source.wait_until(wiring.runners["words"], None)
    segment.drain()
    segment.wait_until(runner, 0)
    segment.hand(flush_of(1))
    with pytest.raises(Flushed):
        segment.wait_until(runner, 0)
    segment.stop()
    with pytest.raises(Stopped):
        segment.wait_until(runner, 0)


@pytest.mark.parametrize("tells", ["failed", "announce", "work"])
def test_forked_child_posts_nothing(tells: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(BaseException):
        """Stands for the end of the process."""

    def end(code: int) -> None:
        raise Gone

    segment, runner = unstarted(node=Noted)
    told: list[str] = []
    segment.owner = replace(
        segment.owner,
        failed=lambda *_: bool(told.append("failed")),
        announce=lambda *_: told.append("announce"),
        ended=lambda _: told.append("ended"),
    )
    segment._work = segment.forked
    if tells != "work":
        segment.forked()
    monkeypatch.setattr(os, "_exit", end)
    tell = {
        "failed": lambda: segment.failed(runner, OSError("in the child")),
        "announce": lambda: segment.announce(runner, word(0), "out"),
        "work": segment._run,
    }
    with pytest.raises(Gone):
        tell[tells]()
    assert told == []
    with pytest.raises(Stopped):
        segment.check()


@pytest.mark.parametrize("error", [SystemExit("enough"), RuntimeError("a fault")])
def test_thread_that_ends_by_an_error_reports_the_error_and_its_end(error: BaseException) -> None:
    def fails() -> None:
        raise error

    segment, _ = unstarted(node=Noted)
    told: list[Any] = []
    segment.owner = replace(
        segment.owner,
        crashed=lambda *values: told.append(values),
        ended=lambda left: told.append((left, left.left)),
    )
    segment._work = fails
    segment._run()
    assert told == [(segment, error), (segment, True)]


def test_a_thread_that_is_stopped_ends_without_an_error() -> None:
    segment, _ = unstarted(node=Noted)
    crashed: list[BaseException] = []
    segment.owner = replace(segment.owner, crashed=lambda _, error: crashed.append(error))
    segment.stop()
    segment._run()
    assert (crashed, segment.left) == ([], True)
