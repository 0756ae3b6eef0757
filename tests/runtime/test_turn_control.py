"""Turns: their numbers, and what one node may ask for those of others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Gate, Heavy, Speaker, Words, pipeline, word
from vflow import MS, ManualClock, NodeError, Pipeline, VflowError

TEXT = """
nodes:
  source: {use: t.source}
  reply:  {use: t.reply}
  other:  {use: t.heavy}
  first:  {use: t.speaker}
  second: {use: t.speaker}
links: [source -> reply -> first, source -> other -> second]
"""


class Reply(Heavy):
    generates = True


class Once(Words):
    def produce(self) -> Iterator[Any]:
        yield word(0, turn=self.ctx.new_turn())


class Endless(Words):
    def produce(self) -> Iterator[Any]:
        while True:
            self.ctx.wait_until(self.ctx.now_ns() + MS)
            yield word(0, turn=1)


class Loud(Speaker):
    """Notes at which gains it was asked to play."""

    def open(self) -> None:
        super().open()
        self.gains: list[float] = []

    def duck(self, gain: float) -> None:
        self.gains.append(gain)

    def hold(self, held: bool) -> None:
        """Plays on."""


@pytest.fixture
def running() -> Iterator[Pipeline]:
    made = pipeline(TEXT, ManualClock(), source=Once, reply=Reply, speaker=Loud)
    with made:
        assert made.wait(PATIENCE_S)
        yield made


def test_turns_minted_by_many_threads_are_each_there_once(running: Pipeline) -> None:
    context = running.nodes["source"].ctx
    minted: list[int] = []

    def mint() -> None:
        minted.extend([context.new_turn() for _ in range(200)])

    threads = [threading.Thread(target=mint) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(minted) == list(range(2, 802))


def test_a_flush_cancels_the_newest_turn_unless_told_otherwise(running: Pipeline) -> None:
    context = running.nodes["source"].ctx
    newest = context.new_turn()
    assert running.flush(turn=1).turn == 1
    assert context.cancelled(1)
    assert not context.cancelled(newest)
    assert running.flush().turn == newest
    assert context.cancelled(newest)
    running.flush(turn=1)
    assert context.cancelled(newest)


def test_a_flush_of_a_node_that_is_not_there_names_the_nearest(running: Pipeline) -> None:
    with pytest.raises(VflowError, match="did you mean 'reply'"):
        running.flush(origins=["replay"])


def test_a_node_interrupts_the_generators_below_it_and_no_others(running: Pipeline) -> None:
    flushes = []
    running.bus.listen(
        lambda message: flushes.append(message.data["flush"]) if message.kind == "flush" else None
    )
    running.nodes["source"].ctx.interrupt(1)
    running.nodes["other"].ctx.interrupt(1)
    running.nodes["source"].ctx.take_back(1)
    assert [flush.origins for flush in flushes] == [frozenset(["reply"]), frozenset(), frozenset(["reply"])]
    assert [flush.takes_back for flush in flushes] == [False, False, True]


def test_a_turn_that_is_not_speculative_is_neither_committed_nor_retracted(running: Pipeline) -> None:
    told = []
    running.bus.listen(told.append)
    context = running.nodes["source"].ctx
    context.commit(1)
    context.retract(1, 0)
    assert told == []


@pytest.mark.parametrize("method", ["lead_ns", "duck", "hold"])
@pytest.mark.parametrize("error", [OSError, SystemExit])
def test_sink_that_raises_when_called_fails_the_pipeline_in_its_own_name(
    method: str, error: type[BaseException]
) -> None:
    class Broken(Loud):
        def fail(self, *args: Any) -> Any:
            raise error("gone")

    setattr(Broken, method, Broken.fail)
    running = pipeline(TEXT, source=Endless, reply=Reply, speaker=Broken)
    running.start()
    context = running.nodes["source"].ctx
    assert context.lead_ns() >= 0
    context.duck(0.5)
    context.hold(True)
    with pytest.raises(NodeError, match=f"{error.__name__}: gone") as raised:
        running.wait(PATIENCE_S)
    assert raised.value.node in ("first", "second")


def test_a_lead_that_is_no_number_is_the_sinks_fault() -> None:
    class Silent(Loud):
        def lead_ns(self) -> int:
            return None  # type: ignore[return-value]

    running = pipeline(TEXT, source=Endless, reply=Reply, speaker=Silent).start()
    assert running.nodes["source"].ctx.lead_ns() == 0
    with pytest.raises(NodeError, match="TypeError"):
        running.wait(PATIENCE_S)


@pytest.mark.parametrize("asked", ["lead_ns", "duck", "hold"])
def test_stop_names_a_hanging_sink_before_the_node_that_called_it(asked: str) -> None:
    gate = Gate()

    class Hangs(Speaker):
        def lead_ns(self) -> int:
            gate.pass_through()
            return 0

        def duck(self, gain: float) -> None:
            gate.pass_through()

        def hold(self, held: bool) -> None:
            gate.pass_through()

    class Asks(Reply):
        def process(self, packet: Any) -> Any:
            {
                "lead_ns": self.ctx.lead_ns,
                "duck": partial(self.ctx.duck, 0.5),
                "hold": partial(self.ctx.hold, True),
            }[asked]()

    text = """
nodes:
  source: {use: t.source}
  asks:   {use: t.asks}
  reply:  {use: t.reply}
  sink:   {use: t.speaker}
links: [source -> asks -> reply -> sink]
"""
    running = pipeline(text, source=Once, reply=Reply, asks=Asks, speaker=Hangs).start()
    gate.wait_reached()
    try:
        assert running.stop(0.2)[:2] == ["sink", "asks"]
    finally:
        gate.open()
