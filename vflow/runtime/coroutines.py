"""The event loop of one segment: run what its nodes await, and cancel it once it is stale."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from vflow.runtime.runner import Runner


class Coroutines:
    """Runs one coroutine at a time, in the segment's thread; any thread may call `cancel_stale`.

    `stale(runner, turn)` tells whether a node's work on an item of that turn has to end.
    """

    def __init__(self, stale: Callable[[Runner, int], bool]) -> None:
        self._stale = stale
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: tuple[asyncio.Task[Any], Runner, int] | None = None

    def run(self, runner: Runner, awaitable: Awaitable[Any], turn: int) -> Any:
        """Run a node's coroutine to its end and return its result.

        Raises: CancelledError if `cancel_stale` came first, or the node has cancelled itself.
        """
        loop = self._loop = self._loop or asyncio.new_event_loop()
        task = loop.create_task(_result(awaitable))
        self._waiting = (task, runner, turn)
        try:
            if self._stale(runner, turn):
                # the coroutine takes its first step before: Python warns of one never awaited
                loop.call_soon(task.cancel)
            return loop.run_until_complete(task)
        finally:
            self._waiting = None

    def finish(self, awaitable: Awaitable[Any]) -> None:
        """Run the closing of an asynchronous generator to its end; nothing cancels it."""
        loop = self._loop = self._loop or asyncio.new_event_loop()
        loop.run_until_complete(_result(awaitable))

    def cancel_stale(self) -> None:
        """Cancel the coroutine that is running, if its work is stale."""
        waiting = self._waiting
        if waiting is None:
            return
        task, runner, turn = waiting
        if self._stale(runner, turn):
            with suppress(RuntimeError):  # the thread has just closed its loop
                task.get_loop().call_soon_threadsafe(task.cancel)

    def close(self) -> None:
        """Cancel the tasks that the nodes left in the loop, then close it."""
        loop = self._loop
        if loop is None:
            return
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
