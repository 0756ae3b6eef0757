"""Pipelines that are run again and again, and under load: nothing is left behind, nothing is lost."""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Heavy, Pass, graph, pipeline
from vflow import ManualClock, NodeError, Pipeline, TextPacket

EVERYTHING = """
nodes:
  words: {use: t.words, count: 30}
  one:   {use: t.heavy}
  two:   {use: t.waits}
  left:  {use: t.collect}
  right: {use: t.speaker}
links:
  - {from: words, to: one, queue: {packets: 2}}
  - {from: one, to: two, queue: {packets: 2}}
  - two -> left
  - two -> right
"""


class Waits(Pass):
    """A node with an event loop."""

    async def process(self, packet: TextPacket) -> Any:
        return packet


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vflow")]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not list descriptors")
def test_200_pipelines_leave_no_thread_and_no_descriptor() -> None:
    made = graph(EVERYTHING, waits=Waits)
    before = descriptors()
    for number in range(200):
        with Pipeline(made) as running:
            if number % 2:
                assert running.wait(PATIENCE_S)
    assert threads() == []
    assert descriptors() == before


def test_a_pipeline_that_ended_leaves_next_to_no_memory() -> None:
    made = graph(EVERYTHING, waits=Waits)

    def run(count: int) -> None:
        for _ in range(count):
            with Pipeline(made) as running:
                assert running.wait(PATIENCE_S)
        del running
        gc.collect()

    run(5)
    tracemalloc.start()
    try:
        run(5)
        before = tracemalloc.get_traced_memory()[0]
        run(20)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20 * 2000


def test_a_pipeline_that_fails_to_open_leaves_no_thread() -> None:
    class Fails(Collect):
        def open(self) -> None:
            raise OSError("no device")

    for _ in range(20):
        with pytest.raises(NodeError, match="no device"):
            pipeline(EVERYTHING.replace("t.collect", "t.fails"), waits=Waits, fails=Fails).start()
    assert threads() == []


def test_under_load_nothing_is_lost_for_any_seed() -> None:
    for seed in range(10):
        with pipeline(EVERYTHING, ManualClock(seed), waits=Waits) as running:
            assert running.wait(PATIENCE_S)
        left = running.nodes["left"]
        assert isinstance(left, Collect)
        assert left.indices == running.nodes["right"].indices == list(range(30))  # type: ignore[attr-defined]


def test_bounded_link_limits_the_queue_before_a_slow_node() -> None:
    seen: list[int] = []

    class Slow(Heavy):
        link: Any = None

        def process(self, packet: TextPacket) -> Any:
            seen.append(len(self.link))

    text = """
    nodes:
      words: {use: t.words, count: 2000}
      slow:  {use: t.slow}
      sink:  {use: t.collect}
    links:
      - {from: words, to: slow, queue: {packets: 5}}
      - slow -> sink
    """
    running = pipeline(text, slow=Slow)
    running.nodes["slow"].link = running._wiring.links[0][1]  # type: ignore[attr-defined]
    with running:
        assert running.wait(PATIENCE_S)
    assert len(seen) == 2000
    assert max(seen) <= 6  # the eos finds room always
