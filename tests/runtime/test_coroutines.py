"""Nodes that are coroutines: cancelled, closed, and nothing of them left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.runtime.test_segment import sink
from tests.stand_ins import PATIENCE_S, Gate, Pass, pipeline, run
from vflow import TextPacket
from vflow.runtime.coroutines import Coroutines


class Slow(Pass):
    """Awaits for ever, and notes how it is ended."""

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


def test_stop_cancels_a_nodes_coroutine() -> None:
    for cls in (Slow, SlowStream):
        with pipeline(ASYNC, node=cls) as running:
            node = running.nodes["node"]
            assert isinstance(node, Slow)
            assert node.begun.wait(PATIENCE_S)
            assert running.stop() == []
            assert node.ended.is_set()


def test_flush_cancels_a_nodes_coroutine_without_waiting() -> None:
    for cls in (Slow, SlowStream):
        with pipeline(ASYNC, node=cls) as running:
            node = running.nodes["node"]
            assert isinstance(node, Slow)
            assert node.begun.wait(PATIENCE_S)
            running.flush(origins=["gate"])
            assert node.ended.wait(PATIENCE_S)
            assert running.wait(PATIENCE_S)
        assert sink(running).names == ["eos"]


def test_asynchronous_generator_is_closed_if_its_emission_is_refused() -> None:
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


async def noted(log: list[str]) -> str:
    log.append("begun")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    log.append("ended")
    return "result"


def test_coroutine_for_stale_work_is_begun_then_cancelled() -> None:
    coroutines, log, asked = Coroutines(lambda runner, turn: turn <= 3), [], []  # type: ignore[var-annotated]
    with pytest.raises(asyncio.CancelledError):
        coroutines.run(asked, noted(log), 3)  # type: ignore[arg-type]
    assert log == ["begun"], "never awaited, it would warn"
    assert coroutines.run(asked, noted(log), 4) == "result"  # type: ignore[arg-type]
    coroutines.close()


def test_a_flush_of_other_work_cancels_nothing() -> None:
    coroutines = Coroutines(lambda runner, turn: False)
    coroutines.cancel_stale()

    async def looks() -> str:
        coroutines.cancel_stale()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "result"

    assert coroutines.run(None, looks(), 1) == "result"  # type: ignore[arg-type]
    coroutines.cancel_stale()
    coroutines.close()


def test_closing_waits_for_tasks_with_several_last_steps_and_for_open_generators() -> None:
    coroutines, log = Coroutines(lambda runner, turn: False), []  # type: ignore[var-annotated]

    async def lingers() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            for _ in range(50):
                await asyncio.sleep(0)
            log.append("task")

    async def stream() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            log.append("stream")

    left: list[Any] = []

    async def begin() -> None:
        left.append(asyncio.get_running_loop().create_task(lingers()))
        left.append(stream())
        await anext(left[1])

    coroutines.run(None, begin(), 1)  # type: ignore[arg-type]
    coroutines.close()
    assert sorted(log) == ["stream", "task"]


def test_closing_of_a_generator_may_be_the_first_work_of_a_loop() -> None:
    coroutines = Coroutines(lambda runner, turn: False)
    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    coroutines.finish(close())
    coroutines.close()
    assert closed == [True]


def test_thread_has_one_loop_which_closes_with_it() -> None:
    coroutines, loops = Coroutines(lambda runner, turn: False), []

    async def note() -> None:
        loops.append(asyncio.get_running_loop())

    for _ in range(2):
        coroutines.run(None, note(), 1)  # type: ignore[arg-type]
        coroutines.finish(note())
    assert len(set(loops)) == 1
    coroutines.close()
    assert loops[0].is_closed()


def test_a_thread_that_awaited_nothing_closes_no_loop() -> None:
    Coroutines(lambda runner, turn: False).close()


def test_task_that_fails_while_closing_does_not_stop_others_from_ending() -> None:
    coroutines, log = Coroutines(lambda runner, turn: False), []

    async def ends(steps: int) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            for _ in range(steps):
                await asyncio.sleep(0)
            log.append(steps)
            raise ValueError

    left: list[Any] = []

    async def begin() -> None:
        left.extend(asyncio.get_running_loop().create_task(ends(steps)) for steps in (1, 20))
        await asyncio.sleep(0)

    coroutines.run(None, begin(), 1)  # type: ignore[arg-type]
    coroutines.close()
    assert log == [1, 20]
    assert all(isinstance(task.exception(), ValueError) for task in left)


def test_stale_work_is_cancelled_at_its_await_and_later_work_is_not() -> None:
    stale = False
    coroutines = Coroutines(lambda runner, turn: stale)

    async def becomes_stale() -> None:
        nonlocal stale
        stale = True
        coroutines.cancel_stale()
        await asyncio.sleep(1000)

    with pytest.raises(asyncio.CancelledError):
        coroutines.run(None, becomes_stale(), 1)  # type: ignore[arg-type]
    stale = False
    assert coroutines.run(None, noted([]), 1) == "result"  # type: ignore[arg-type]
    coroutines.close()


def test_a_flush_after_the_work_has_ended_cancels_nothing() -> None:
    asked: list[int] = []

    def stale(runner: Any, turn: int) -> bool:
        asked.append(turn)
        return False

    coroutines = Coroutines(stale)
    coroutines.run(None, noted([]), 7)  # type: ignore[arg-type]
    assert asked == [7]
    coroutines.cancel_stale()
    assert asked == [7], "nothing runs"
    coroutines.close()


def test_a_flush_that_comes_as_the_loop_of_a_thread_closes_is_no_error() -> None:
    coroutines = Coroutines(lambda runner, turn: True)
    coroutines.finish(noted([]))
    loop = coroutines._loop
    assert loop is not None
    task = loop.create_task(noted([]))
    loop.run_until_complete(task)
    coroutines._waiting = task, None, 1  # type: ignore[assignment]
    coroutines.close()
    coroutines.cancel_stale()
