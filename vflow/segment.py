"""Segments: the nodes that one thread runs by direct calls, and the thread's loop.

The thread takes one entry at a time from its inbox and drives it through its nodes to the next links.
It parks only in `_park`, and is woken by an entry, a due timer, a flush or a stop. A flush is applied
between two items, or where a node yields (see docs/design/flush.md).
"""
from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Iterable, Iterator
from typing import Any, Protocol

from vflow.clock import Clock
from vflow.errors import Drained, Flushed, NodeError, Signal, Stopped
from vflow.event import Eos, Event
from vflow.flush import Flush
from vflow.link import Inbox
from vflow.node import Item, overrides
from vflow.runner import Runner, Verdict


class Owner(Protocol):
    """What a segment asks of its pipeline."""

    clock: Clock
    flush_lock: threading.Lock

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        """Post an item on the bus."""

    def failed(self, runner: Runner, error: Exception) -> bool:
        """Apply the node's `on_error`; whether it was restarted. Raises: Stopped where it is `fail`."""

    def ended(self, segment: Segment) -> None:
        """The segment's thread leaves."""


class Segment:
    """One thread and its nodes. `head` takes what the inbox gives, or is a source.

    `hand`, `stop`, `drain` and `notify` are for any thread; the rest belongs to the segment's own.
    """

    def __init__(self, name: str, owner: Owner) -> None:
        self.name, self.owner = name, owner
        self.epoch = 0
        self.waiter = owner.clock.waiter()
        self.runners: list[Runner] = []
        self.inbox = Inbox([], by_pts=False)
        self.timers: dict[Runner, int] = {}
        self.thread = threading.Thread(target=self._run, name=f"vflow:{name}", daemon=True)
        self._pending: deque[Flush] = deque()
        self._stopping = False
        self._draining = False
        self._notified = False
        self._restarted = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: tuple[asyncio.Task[Any], Runner, int] | None = None

    @property
    def head(self) -> Runner:
        return self.runners[0]

    def owns_this_thread(self) -> bool:
        return threading.current_thread() is self.thread

    # any thread

    def hand(self, flush: Flush) -> None:
        """Have a flush applied before the next item."""
        self._pending.append(flush)
        self._cancel_coroutine()
        self.waiter.wake()

    def stop(self) -> None:
        """Leave at the next look; whatever waits is woken."""
        self._stopping = True
        self._cancel_coroutine()
        self.waiter.wake()

    def drain(self) -> None:
        """A source ends its stream; other segments end with their inputs."""
        self._draining = True
        self.waiter.wake()

    def notify(self) -> None:
        """Wake `wait_until`."""
        self._notified = True
        self.waiter.wake()

    def _cancel_coroutine(self) -> None:
        waiting, loop = self._waiting, self._loop
        if waiting is None or loop is None:
            return
        task, runner, turn = waiting
        if self._stopping or self._concerns(runner, turn):
            loop.call_soon_threadsafe(task.cancel)

    # the segment's thread

    def _run(self) -> None:
        try:
            if self.inbox.links:
                self._serve()
            else:
                self._produce()
        except Signal:
            pass
        finally:
            if self._loop is not None:
                self._loop.close()
            self.owner.ended(self)

    def _serve(self) -> None:
        while True:
            if self._pending:
                self.apply()
            self.check()
            if self.timers and self._run_due_timer():
                continue
            taken = self.inbox.take()
            if taken is not None:
                link, item = taken
                self._deliver(link.event if isinstance(item, Event) else link.packet, item)
            elif self.inbox.ended:
                return
            else:
                self._park()

    def _deliver(self, target: Any, item: Item) -> None:
        while True:
            try:
                target(item)
                return
            except Flushed:
                self.apply()
                if not isinstance(item, Eos):
                    return
                self.head.open_inputs += 1  # an eos is never stale: deliver it again

    def _produce(self) -> None:
        source = self.head.node
        produce = source.produce
        source.produce = lambda: self._until_drained(produce())  # type: ignore[method-assign]
        try:
            self._restarted = True
            while self._restarted:
                self._restarted = False
                self.head.produce()
        except Drained:
            pass
        self._deliver(self.head.event, Eos(pts_ns=self.owner.clock.now_ns()))

    def _until_drained(self, emissions: Iterable[Any]) -> Iterator[Any]:
        for emitted in emissions:
            self.check()
            yield emitted
            if self._draining:
                return

    def _park(self) -> None:
        deadline_ns = min(self.timers.values()) if self.timers else None
        self.waiter.parked = True
        if self._pending or self._stopping or self.inbox.ready:
            self.waiter.parked = False
        else:
            self.waiter.wait(deadline_ns)

    def _run_due_timer(self) -> bool:
        runner, at_ns = min(self.timers.items(), key=lambda pair: pair[1])
        if at_ns > self.owner.clock.now_ns():
            return False
        del self.timers[runner]
        try:
            runner.timer()
        except Flushed:
            self.apply()
        return True

    def wait_until(self, runner: Runner, deadline_ns: int | None) -> None:
        """See `Context.wait_until`."""
        while True:
            self.waiter.parked = True
            try:
                self.check()
                if self._draining and not self.inbox.links:
                    raise Drained
                if any(runner.name in flush.nodes for flush in self._pending):
                    raise Flushed
                if self._notified:
                    self._notified = False
                    return
                if deadline_ns is not None and self.owner.clock.now_ns() >= deadline_ns:
                    return
            except Signal:
                self.waiter.parked = False
                raise
            self.waiter.wait(deadline_ns)

    def rest(self, until_ns: int) -> None:
        """Wait for that time, flushes notwithstanding. Raises: Stopped."""
        while self.owner.clock.now_ns() < until_ns:
            self.check()
            self.waiter.parked = True
            self.waiter.wait(until_ns)

    # vflow.link.Party and vflow.runner.Host

    def check(self) -> None:
        if self._stopping:
            raise Stopped

    def _concerns(self, runner: Runner, turn: int) -> bool:
        return any(
            runner.name in flush.nodes or (runner.name in flush.origins and turn <= flush.turn)
            for flush in self._pending
        )

    def look(self, runner: Runner, turn: int) -> None:
        self.check()
        if self._pending and self._concerns(runner, turn):
            raise Flushed
        if runner is self.head and overrides(runner.node, "on_event") and len(self.inbox.links) == 1:
            following = self.inbox.links[0].peek()
            if isinstance(following, Event) and not isinstance(following, Eos):
                self.inbox.links[0].pop()
                runner.event(following)

    def judge(self, runner: Runner, turn: int) -> Verdict:
        with self.owner.flush_lock:  # a flush that raised the floor hands itself over before it lets go
            pending = tuple(self._pending)
        if not pending or any(runner.name in flush.nodes for flush in pending):
            return Verdict.UNWIND
        return Verdict.RETRY if turn > max(flush.turn for flush in pending) else Verdict.DROP

    def apply(self) -> None:
        while self._pending:
            flush = self._pending.popleft()
            for runner in self.runners:
                try:
                    if runner.name in flush.origins:
                        runner.node.on_cancel(flush)
                    if runner.name in flush.nodes:
                        self.timers.pop(runner, None)
                        runner.node.on_flush(flush)
                except Exception as error:
                    self.failed(runner, error)
            self.epoch = flush.number

    def failed(self, runner: Runner, error: Exception) -> None:
        self._restarted = self.owner.failed(runner, error)

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        self.owner.announce(runner, item, port)

    def complete(self, runner: Runner, awaitable: Awaitable[Any], turn: int) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()

        async def finish() -> Any:
            return await awaitable

        task = self._loop.create_task(finish())
        self._waiting = (task, runner, turn)
        try:
            if self._stopping or self._concerns(runner, turn):
                task.cancel()
            return self._loop.run_until_complete(task)
        except asyncio.CancelledError:
            self.check()
            if self._concerns(runner, turn):
                raise Flushed from None
            raise NodeError(runner.name, "its coroutine was cancelled", runner.place) from None
        finally:
            self._waiting = None
