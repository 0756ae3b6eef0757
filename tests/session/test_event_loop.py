"""Calls that block, made without holding the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.stand_ins import PATIENCE_S
from vflow.session.event_loop import in_thread


def test_the_loop_goes_on_while_a_call_blocks() -> None:
    async def both() -> list[str]:
        done, order = threading.Event(), []

        async def go_on() -> None:
            order.append("the loop went on")
            done.set()

        waiting = asyncio.create_task(in_thread(lambda: done.wait(PATIENCE_S)))
        await go_on()
        await waiting
        return order

    assert asyncio.run(both()) == ["the loop went on"]


def test_an_error_of_the_call_is_raised_in_the_coroutine() -> None:
    def broken() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(in_thread(broken))


def test_a_caller_that_gives_up_does_not_disturb_the_call() -> None:
    ended = threading.Event()

    async def give_up() -> None:
        go = threading.Event()

        def work() -> None:
            go.wait(PATIENCE_S)
            ended.set()

        task = asyncio.create_task(in_thread(work))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()

    asyncio.run(give_up())
    assert ended.wait(PATIENCE_S)
