"""A bounded queue from the pipeline's threads to an application: blocking, asyncio, or a callback."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Outbox(Generic[T]):
    """Items in order. `put` never blocks: beyond `limit` unread items, the oldest is dropped and counted.

    Any thread and any event loop may read; each item goes to one reader. With a listener (`listen`), items go
    to it instead, in the thread that puts.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._ready = threading.Condition()
        self._unread: deque[T] = deque(maxlen=limit)  # guarded by _ready
        self._closed = False  # guarded by _ready
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []  # guarded by _ready
        self._listener: Callable[[T], None] | None = None
        self.dropped = 0

    def put(self, item: T) -> None:
        """Add an item. After `close`, readers that have not finished still get it."""
        if self._listener is not None:
            self._listener(item)
            return
        with self._ready:
            self.dropped += len(self._unread) == self._unread.maxlen
            self._unread.append(item)
            self._wake()

    def listen(self, listener: Callable[[T], None]) -> None:
        """Give each item to `listener` from now on. It must be quick and never block."""
        self._listener = listener

    def take_back(self, which: Callable[[T], bool]) -> list[T]:
        """Remove the unread items for which `which` is true, and return them."""
        with self._ready:
            taken = [item for item in self._unread if which(item)]
            if taken:
                left = [item for item in self._unread if not which(item)]
                self._unread.clear()
                self._unread.extend(left)
            return taken

    def close(self) -> None:
        """Let readers finish after they have read the remaining items."""
        with self._ready:
            self._closed = True
            self._wake()

    def get(self, timeout_s: float | None = None) -> T | None:
        """Return the next item; None after the timeout, or once it is closed and read to its end. Blocks."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._ready:
            while not self._unread and not self._closed:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._ready.wait(left)
            return self._unread.popleft() if self._unread else None

    def __iter__(self) -> Iterator[T]:
        """Yield items until it is closed and read to its end. Blocks."""
        while (item := self.get()) is not None:
            yield item

    async def next(self) -> T | None:
        """Return the next item; None once it is closed and read to its end. Suspends only the caller."""
        while True:
            loop = asyncio.get_running_loop()
            with self._ready:
                if self._unread:
                    return self._unread.popleft()
                if self._closed:
                    return None
                ready: asyncio.Future[None] = loop.create_future()
                self._waiting.append((loop, ready))
            try:
                await ready
            finally:  # if cancelled, as by a timeout, nobody waits here any more
                with self._ready, contextlib.suppress(ValueError):
                    self._waiting.remove((loop, ready))

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield items until it is closed and read to its end."""
        while (item := await self.next()) is not None:
            yield item

    def _wake(self) -> None:
        """Wake the waiting readers, of threads and of event loops; guarded by _ready."""
        self._ready.notify_all()
        for loop, ready in self._waiting:
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(_done, ready)
        self._waiting.clear()


def _done(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
