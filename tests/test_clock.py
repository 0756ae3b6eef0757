from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Pass, Words, pipeline, run
from vflow import MS, SECOND, ManualClock, SystemClock, TextPacket
from vflow.clock import Clock, Waiter

TWO_BRANCHES = """
nodes:
  words: {use: t.words, count: 30, every: 20ms}
  left:  {use: t.branch}
  right: {use: t.branch}
  join:  {use: t.collect}
links:
  - words -> left -> join
  - words -> right -> join
"""


def test_time_is_0_before_the_start() -> None:
    assert SystemClock().now_ns() == 0
    assert ManualClock().now_ns() == 0


@pytest.fixture(params=[SystemClock, ManualClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    clock: Clock = request.param()
    return clock


def test_a_wake_before_the_wait_is_not_lost(clock: Clock) -> None:
    waiter = clock.waiter()
    clock.start()
    clock.enter(waiter)
    waiter.wake()
    waiter.wait()
    assert not waiter.parked


def test_a_wait_ends_at_its_deadline(clock: Clock) -> None:
    waiter = clock.waiter()
    clock.start()
    clock.enter(waiter)
    while clock.now_ns() < 2 * MS:
        waiter.wait(2 * MS)


def test_a_wait_is_ended_by_a_wake_from_another_thread(clock: Clock) -> None:
    waiter = clock.waiter()
    clock.start()
    clock.enter(waiter)
    threading.Timer(0, waiter.wake).start()
    waiter.wait()


class Sleeper:
    """A thread under a clock that notes when it wakes."""

    def __init__(self, clock: ManualClock, name: str, log: list[tuple[str, int]], *deadlines: int) -> None:
        self.clock, self.name, self.log, self.deadlines = clock, name, log, deadlines
        self.waiter: Waiter = clock.waiter()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.clock.enter(self.waiter)
        for deadline_ns in self.deadlines:
            while self.clock.now_ns() < deadline_ns:
                self.waiter.wait(deadline_ns)
            self.log.append((self.name, self.clock.now_ns()))
        self.clock.leave(self.waiter)


def sleep_all(clock: ManualClock, *sleepers: Sleeper) -> None:
    clock.start()
    for sleeper in sleepers:
        sleeper.thread.start()
    for sleeper in sleepers:
        sleeper.thread.join(PATIENCE_S)
        assert not sleeper.thread.is_alive()


def test_a_wait_that_goes_on_counts_as_waited_already() -> None:
    waiter = SystemClock().waiter()
    thread = threading.Thread(target=waiter.wait, daemon=True)
    thread.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while waiter.waited_ns < 20 * MS:
        assert time.monotonic() < deadline_s
    waiter.wake()
    thread.join(PATIENCE_S)
    after_ns = waiter.waited_ns
    assert after_ns >= 20 * MS
    assert waiter.waited_ns == after_ns


def test_manual_time_jumps_to_the_earliest_deadline() -> None:
    clock = ManualClock()
    log: list[tuple[str, int]] = []
    sleep_all(clock, Sleeper(clock, "a", log, 10, 40), Sleeper(clock, "b", log, 20, 30))
    assert log == [("a", 10), ("b", 20), ("b", 30), ("a", 40)]


def test_manual_time_stands_still_while_something_is_busy() -> None:
    clock = ManualClock()
    log: list[tuple[str, int]] = []
    sleeper = Sleeper(clock, "a", log, SECOND)
    with clock.busy():
        clock.start()
        sleeper.thread.start()
        sleeper.thread.join(0.05)
        assert sleeper.thread.is_alive()
        assert clock.now_ns() == 0
    sleeper.thread.join(PATIENCE_S)
    assert log == [("a", SECOND)]


def test_a_manual_clock_serves_one_pipeline_after_another() -> None:
    clock = ManualClock()
    for _ in range(2):
        running = run(TWO_BRANCHES, clock, branch=Branch)
        assert isinstance(join := running.nodes["join"], Collect)
        assert len(join.got) == 60


class Branch(Pass):
    """A node with a thread that notes when it works."""

    heavy = True
    log: list[tuple[str, int]]

    def process(self, packet: TextPacket) -> Any:
        self.log.append((self.ctx.name, packet.index))
        return packet


Branch.log = []


def interleaving(seed: int) -> list[tuple[str, int]]:
    Branch.log = []
    run(TWO_BRANCHES, ManualClock(seed), branch=Branch)
    return Branch.log


def test_the_same_seed_gives_the_same_interleaving_and_others_give_others() -> None:
    orders = [interleaving(seed) for seed in range(6)]
    assert orders == [interleaving(seed) for seed in range(6)]
    assert len({tuple(order) for order in orders}) > 1
    for order in orders:
        for branch in ("left", "right"):
            assert [index for name, index in order if name == branch] == list(range(30))


def test_ten_minutes_of_pipeline_time_pass_without_waiting() -> None:
    text = """
    nodes:
      words: {use: t.words, count: 6001, every: 100ms}
      sink:  {use: t.collect}
    links: [words -> sink]
    """
    running = run(text, ManualClock())
    assert running.clock.now_ns() == 600 * SECOND
    assert isinstance(sink := running.nodes["sink"], Collect)
    assert sink.indices == list(range(6001))


class Hung(Pass):
    """Waits inside a call that looks at nothing."""

    heavy = True
    entered = threading.Event()
    released = threading.Event()

    def process(self, packet: TextPacket) -> Any:
        self.entered.set()
        assert self.released.wait(PATIENCE_S)
        return packet


def test_one_hung_thread_does_not_keep_the_others_from_stopping() -> None:
    Hung.entered, Hung.released = threading.Event(), threading.Event()
    text = """
    nodes:
      words: {use: t.words, every: 20ms}
      hung:  {use: t.hung}
      other: {use: t.collect}
      sink:  {use: t.collect}
    links: [words -> hung -> sink, words -> other]
    """
    running = pipeline(text, ManualClock(), hung=Hung)
    running.start()
    assert Hung.entered.wait(PATIENCE_S)
    assert running.stop(deadline_s=0.4) == ["hung"]
    Hung.released.set()


def test_a_manual_clock_rests_until_the_application_wakes_a_thread() -> None:
    given = threading.Event()

    class Given(Words):
        def produce(self) -> Any:
            self.ctx.wait_until()
            given.set()
            yield TextPacket(text="given")

    text = """
    nodes:
      words: {use: t.given}
      sink:  {use: t.collect}
    links: [words -> sink]
    """
    with pipeline(text, ManualClock(), given=Given) as running:
        assert not given.is_set()
        running.nodes["words"].ctx.notify()
        assert running.wait(PATIENCE_S)
        assert running.clock.now_ns() == 0
