from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Gate, Heavy, Pass, Words, pipeline, word
from vflow import ManualClock, Pipeline, TextPacket
from vflow.runtime.watchdog import LOAD_AFTER_S, Doing, Watchdog, current_frames, standing

CHAIN = """
nodes:
  words: {use: t.words}
  node:  {use: t.node}
  sink:  {use: t.collect}
links: [words -> node -> sink]
"""


class Dog:
    """A watchdog that looks when the test says so, twice a second."""

    def __init__(self, running: Pipeline) -> None:
        self.said: list[tuple[str, str]] = []
        loading = running._lifecycle.threads
        self._dog = Watchdog(
            running._wiring.segments.values(), running.clock, lambda *said: self.said.append(said), loading
        )
        self._now_s = 0.0

    def look(self, until_s: float) -> list[tuple[str, str]]:
        """Look up to a time; what has been said so far."""
        while self._now_s <= until_s:
            self._dog.look(self._now_s)
            self._now_s += 0.5
        return self.said

    def jump(self, to_s: float) -> None:
        self._now_s = to_s


def settle(running: Pipeline, **wanted: Doing | None) -> None:
    """Until each of these threads stands where it will stay; None: it has ended.

    A thread that is blocked may just have been let go by one that was looked at after it, so the link that
    it waits for is looked at last.
    """
    segments = {name: running._wiring.segments[name] for name in wanted}
    links = [link for segment in segments.values() for link in segment.inbox.links]
    blocked = [segments[name] for name, what in wanted.items() if what is Doing.BLOCKED]
    for _ in range(int(PATIENCE_S * 1000)):
        found = {name: standing(segment) for name, segment in segments.items()}
        held_up = {link.writer for link in links if link.blocked and link._full()}
        if found == wanted and held_up >= set(blocked):
            return
        assert not running.wait(0.001)
    raise AssertionError(f"{found}, not {wanted}")


def held(gate: Gate, base: type[Pass] = Heavy) -> type[Pass]:
    class Held(base):  # type: ignore[misc, valid-type]
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()
            return packet

    return Held


def test_a_node_that_stalls_is_named_once_with_its_place_and_its_own_stack() -> None:
    gate = Gate()
    with pipeline(CHAIN, node=held(gate)) as running:
        gate.wait_reached()
        settle(running, words=None, node=Doing.WORKING, sink=Doing.IDLE)
        dog = Dog(running)
        assert dog.look(1.5) == []
        ((node, text),) = dog.look(3.0)
        assert node == "node"
        assert text.startswith("stalls (test.yaml:4:3): in one call for 2.0 s, at\n  File ")
        assert 'test_watchdog.py", line' in text
        assert text.index("in process\n") < text.index("in pass_through\n")
        assert "runner.py" not in text
        gate.open()
        assert running.wait(PATIENCE_S)
        assert dog.look(3.5)[1:] == [("node", "went on after 3.5 s")]
        assert len(dog.look(9.0)) == 2


def test_the_innermost_of_several_nodes_of_a_thread_is_named() -> None:
    gate = Gate()
    text = """
    nodes:
      words: {use: t.words}
      head:  {use: t.heavy}
      node:  {use: t.node}
      sink:  {use: t.collect}
    links: [words -> head -> node -> sink]
    """
    with pipeline(text, node=held(gate, Pass)) as running:
        gate.wait_reached()
        settle(running, words=None, head=Doing.WORKING, sink=Doing.IDLE)
        assert [node for node, _ in Dog(running).look(4.0)] == ["node"]
        gate.open()


def test_stall_after_a_dropping_source_is_seen() -> None:
    gate = Gate()

    class Live(Words):
        live = True

        def produce(self) -> Any:
            for index in range(2000):
                yield word(index)

    text = CHAIN.replace("t.words", "t.live").replace(
        "[words -> node", "[{from: words, to: node, queue: {packets: 2, policy: leaky-oldest}}, node"
    )
    with pipeline(text, live=Live, node=held(gate)) as running:
        gate.wait_reached()
        settle(running, words=None, node=Doing.WORKING, sink=Doing.IDLE)
        assert [node for node, _ in Dog(running).look(4.0)] == ["node"]
        gate.open()


@pytest.mark.parametrize("collects", [True, False])
def test_no_garbage_is_collected_while_it_looks_at_the_threads(
    monkeypatch: pytest.MonkeyPatch, collects: bool
) -> None:
    seen: list[bool] = []
    frames = sys._current_frames
    monkeypatch.setattr(sys, "_current_frames", lambda: seen.append(gc.isenabled()) or frames())
    try:
        if not collects:
            gc.disable()
        assert threading.get_ident() in current_frames()
        assert gc.isenabled() == collects
    finally:
        gc.enable()
    assert seen == [False]


class Idle(Words):
    """A microphone that hears nothing."""

    def produce(self) -> Any:
        self.ctx.wait_until()
        yield word(0)


def test_idle_pipeline_gets_no_warning() -> None:
    with pipeline(CHAIN.replace("t.words", "t.idle"), idle=Idle, node=Heavy) as running:
        settle(running, words=Doing.WAITING, node=Doing.IDLE, sink=Doing.IDLE)
        assert Dog(running).look(60.0) == []


class Sleeps(Heavy):
    def process(self, packet: TextPacket) -> Any:
        self.ctx.wait_until()


def test_node_waiting_on_the_clock_is_neither_stall_nor_deadlock() -> None:
    text = CHAIN.replace("[words -> node", "[{from: words, to: node, queue: {packets: 1}}, node")
    with pipeline(text, node=Sleeps) as running:
        settle(running, words=Doing.BLOCKED, node=Doing.WAITING, sink=Doing.IDLE)
        assert Dog(running).look(60.0) == []


class Yields(Heavy):
    """A slow model: a step for each entry of `steps`, a look behind each."""

    def open(self) -> None:
        self.steps: SimpleQueue[bool] = SimpleQueue()
        self.begun = threading.Semaphore(0)

    def process(self, packet: TextPacket) -> Iterator[Any]:
        while True:
            self.begun.release()
            if not self.steps.get(timeout=PATIENCE_S):
                return
            yield None


def test_a_slow_model_that_yields_is_no_stall() -> None:
    with pipeline(CHAIN.replace("t.words", "t.words, count: 1"), node=Yields) as running:
        settle(running, words=None, node=Doing.WORKING, sink=Doing.IDLE)
        node, dog = running.nodes["node"], Dog(running)
        assert isinstance(node, Yields)
        for step in range(1, 9):
            assert node.begun.acquire(timeout=PATIENCE_S)
            assert dog.look(step * 1.5) == []
            node.steps.put(True)
        assert node.begun.acquire(timeout=PATIENCE_S)
        assert [name for name, _ in dog.look(20.0)] == ["node"]
        node.steps.put(False)


def test_a_coroutine_that_waits_is_no_stall_and_one_that_blocks_is() -> None:
    gate, waits = Gate(), threading.Event()

    class Remote(Pass):
        async def process(self, packet: TextPacket) -> Any:
            if packet.index == 0:
                gate.pass_through()
                return packet
            asyncio.get_running_loop().call_soon(waits.set)
            await asyncio.Event().wait()
            return packet

    with pipeline(CHAIN, node=Remote) as running:
        gate.wait_reached()
        settle(running, words=None, node=Doing.WORKING, sink=Doing.IDLE)
        dog = Dog(running)
        assert [node for node, _ in dog.look(4.0)] == ["node"]
        gate.open()
        assert waits.wait(PATIENCE_S)
        settle(running, node=Doing.WAITING)
        assert [text for _, text in dog.look(60.0)[1:]] == ["went on after 4.5 s"]


def test_no_warning_while_the_clock_is_held() -> None:
    gate = Gate()
    with pipeline(CHAIN, ManualClock(), node=held(gate)) as running:
        gate.wait_reached()
        dog = Dog(running)
        with running.clock.busy():
            assert dog.look(60.0) == []
        gate.open()


def test_time_in_which_the_watchdog_itself_slept_does_not_count() -> None:
    gate = Gate()
    with pipeline(CHAIN, node=held(gate)) as running:
        gate.wait_reached()
        settle(running, words=None, node=Doing.WORKING, sink=Doing.IDLE)
        dog = Dog(running)
        dog.look(1.0)
        dog.jump(3600.0)
        assert dog.look(3601.5) == []
        assert len(dog.look(3602.0)) == 1
        gate.open()


class Late(Heavy):
    """Is one packet behind."""

    before: TextPacket | None = None

    def process(self, packet: TextPacket) -> Any:
        late, self.before = self.before, packet
        return late


def test_a_deadlock_is_reported_as_who_waits_for_whom() -> None:
    text = """
    nodes:
      words: {use: t.words}
      node:  {use: t.node}
      join:  {use: t.collect, order: pts}
    links:
      - words -> node -> join
      - {from: words, to: join, queue: {packets: 1}}
    """
    with pipeline(text, ManualClock(), node=Late) as running:
        while [len(link) for _, link in running._wiring.links] != [0, 0, 1]:
            settle(running, words=Doing.BLOCKED, node=Doing.IDLE, join=Doing.IDLE)
        ((_, said),) = Dog(running).look(60.0)
    assert said == (
        "deadlock: words waits for room in words.out -> join.text, which join reads; "
        "node waits for an entry of words.out -> node.text; "
        "join waits for an entry of node.out -> join.text"
    )


def test_an_open_that_hangs_is_named() -> None:
    gate = Gate()

    class Loads(Collect):
        def open(self) -> None:
            super().open()
            gate.pass_through()

    running = pipeline(CHAIN.replace("t.collect", "t.loads"), node=Heavy, loads=Loads)
    thread = threading.Thread(target=running.start)
    thread.start()
    gate.wait_reached()
    dog = Dog(running)
    assert dog.look(LOAD_AFTER_S - 0.5) == []
    ((node, said),) = dog.look(LOAD_AFTER_S + 30)
    assert node == "sink"
    assert said.startswith("open() has taken 20 s, and is at\n")
    assert "in pass_through" in said
    gate.open()
    thread.join(PATIENCE_S)
    running.stop()


def test_a_pipeline_watches_itself_and_its_monitor_ends_with_it() -> None:
    gate = Gate()
    running = pipeline(CHAIN, node=held(gate))
    running._watchdog._stall_after_s = 0.04
    warned = threading.Event()
    running.bus.listen(lambda message: warned.set() if message.text.startswith("stalls") else None)
    with running:
        assert warned.wait(PATIENCE_S)
        gate.open()
        assert running.wait(PATIENCE_S)
    assert "vflow:watchdog" not in [thread.name for thread in threading.enumerate()]


LOOKS = """
import gc, threading, time
from vflow.runtime.watchdog import current_frames

class Knot:
    "Garbage that gives the interpreter to another thread while it is collected."
    def __init__(self):
        self.itself = self
    def __del__(self):
        time.sleep(0.001)

def look():
    for _ in range(300):
        Knot()
        current_frames()

gc.set_threshold(1, 1, 1)
threads = [threading.Thread(target=look, daemon=True) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("looked")
"""


def test_many_watchdogs_look_at_the_threads_while_garbage_is_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOKS], capture_output=True, text=True, timeout=4 * PATIENCE_S, check=True
    )
    assert done.stdout == "looked\n"
