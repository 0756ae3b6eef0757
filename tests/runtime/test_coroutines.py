"""Nodes that are coroutines: cancelled, closed, and nothing of them left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

from tests.runtime.test_segment import sink
from tests.stand_ins import PATIENCE_S, Gate, Pass, pipeline, run
from vflow import TextPacket


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
