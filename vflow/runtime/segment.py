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
from contextlib import suppress
from typing import Any, Protocol

from vflow.clock import Clock
from vflow.errors import Drained, Flushed, NodeError, Signal, Stopped
from vflow.event import Eos, Event, Pause
from vflow.flush import Flush
from vflow.node import overrides
from vflow.packet import Packet
from vflow.ports import Item
from vflow.runtime.inbox import Inbox
from vflow.runtime.runner import Runner, Verdict

MAX_PENDING = 16
"""Flushes that a thread has not applied; more are made one."""


class SegmentOwner(Protocol):
    """What a segment asks of its pipeline."""

    clock: Clock
    flush_lock: threading.Lock

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        """Post an item on the bus."""

    def is_open(self, name: str) -> bool:
        """Whether a node is open."""

    def failed(self, runner: Runner, error: Exception) -> bool:
        """Apply the node's `on_error`; whether it was restarted. Raises: Stopped where it is `fail`."""

    def crashed(self, segment: Segment, error: BaseException) -> None:
        """Fail the pipeline: the segment's thread ends by what no `on_error` is for."""

    def ended(self, segment: Segment) -> None:
        """The segment's thread leaves."""


class Segment:
    """One thread and its nodes. `head` takes what the inbox gives, or is a source.

    `hand`, `stop`, `drain` and `notify` are for any thread; the rest belongs to the segment's own.
    """

    def __init__(self, name: str, owner: SegmentOwner) -> None:
        self.name, self.owner = name, owner
        self.epoch = 0
        self.waiter = owner.clock.waiter()
        self.runners: list[Runner] = []
        self.inbox = Inbox([], by_pts=False)
        self.timers: dict[Runner, int] = {}
        self.thread = threading.Thread(target=self._run, name=f"vflow:{name}", daemon=True)
        self._pending: deque[Flush] = deque()
        self._judged = 0
        """How many of the pending flushes the last verdict was about."""
        self._leaving = threading.Lock()
        """Held by whoever applies flushes behind the thread's end."""
        self._left = False
        self._looking: Runner | None = None
        """Whose generator is suspended while it takes an event."""
        self._owed: list[Flush] = []
        """What that runner's node is to be told once its generator is closed."""
        self._stopping = False
        self._draining = False
        self._notified = False
        self._again = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: tuple[asyncio.Task[Any], Runner, int] | None = None

    @property
    def head(self) -> Runner:
        return self.runners[0]

    @property
    def left(self) -> bool:
        """Whether its thread has come to its end; any thread."""
        return self._left

    # any thread

    def hand(self, flush: Flush) -> None:
        """Have a flush applied before the next item; under the flush lock. Where the thread is held up and
        flushes pile up, the newest two are made one."""
        joined = None
        judged = self._judged  # read first: meanwhile it only falls
        if len(self._pending) - judged > MAX_PENDING:  # then the last has not been judged
            joined = self._pending[-1].joined(flush)
        if joined is None:
            self._pending.append(flush)
        else:
            self._pending[-1] = joined
        self._cancel_coroutine()
        self.waiter.wake()

    def settle(self) -> None:
        """Where the thread has left, apply what was handed over since, in the caller's: what a reply's node
        knows of it has to become true, though its input has ended. Not under the flush lock."""
        # not blocking: a listener on the bus may flush from within; whoever holds it looks once more
        while self._left and self._pending and self._leaving.acquire(blocking=False):
            try:
                with suppress(Signal):
                    self._apply_all()
            finally:
                self._leaving.release()

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
            with suppress(RuntimeError):  # the thread was faster: its loop is closed
                loop.call_soon_threadsafe(task.cancel)

    # the segment's thread

    def _run(self) -> None:
        clock = self.owner.clock
        clock.enter(self.waiter)
        try:
            if self.inbox.links:
                self._serve()
            else:
                self._produce()
        except Signal:
            pass
        except BaseException as error:  # sys.exit in a node, or a fault of the runtime itself
            self.owner.crashed(self, error)
        finally:
            try:
                if self._loop is not None:
                    _close(self._loop)
            finally:
                self._left = True
                self.settle()
                self.owner.ended(self)
                clock.leave(self.waiter)

    def _serve(self) -> None:
        inbox = self.inbox
        take = inbox.take
        while True:
            if self._pending:
                self._apply_all()
            if self._stopping:
                raise Stopped
            if self.timers and self._run_due_timer():
                continue
            item = take()
            if self._pending and item is not None:
                self._catch_up(inbox.link.got_epoch)
            if item is None:
                self._park()
            elif isinstance(item, Packet):
                try:
                    inbox.link.packet(item)
                except Flushed:
                    self._apply_all()
            else:
                self._deliver(inbox.link.event, item)
                if isinstance(item, Eos) and inbox.ended:
                    return

    def _deliver(self, target: Any, event: Event) -> None:
        while True:
            try:
                target(event)
                return
            except Flushed:
                self._apply_all()
                if not isinstance(event, Eos):
                    return
                self.head.open_inputs += 1  # an eos is never stale: deliver it again

    def _produce(self) -> None:
        source = self.head.node
        try:
            self._again = True
            while self._again:
                self._again = False
                self.head.run(lambda _: self._until_drained(source.produce()), None, 0)
        except (Drained, Flushed):
            self._apply_all()
        self._deliver(self.head.event, Eos(pts_ns=self.owner.clock.now_ns()))

    def _until_drained(self, emissions: Iterable[Any]) -> Iterator[Any]:
        self.check()
        for emitted in emissions:
            if self._stopping:
                raise Stopped
            yield emitted
            if self._draining:
                break
            if self._pending:
                self._apply_all()
        self._again = False  # what failed before was not this stream

    def _park(self) -> None:
        self.inbox.unblock()
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
            self._apply_all()
        return True

    def wait_until(self, runner: Runner, deadline_ns: int | None) -> None:
        """See `Context.wait_until`."""
        while True:
            self.check()
            if self._draining and runner.is_source:
                raise Drained
            if self._concerns(runner, runner.turn):
                raise Flushed
            if self._notified:
                self._notified = False
                return
            if deadline_ns is not None and self.owner.clock.now_ns() >= deadline_ns:
                return
            self.waiter.wait(deadline_ns)

    def rest(self, until_ns: int) -> None:
        """Wait for that time, flushes notwithstanding. Raises: Stopped."""
        self.check()
        while self.owner.clock.now_ns() < until_ns:
            self.waiter.wait(until_ns)
            self.check()

    # vflow.runtime.link.Party and vflow.runtime.runner.Host

    def check(self) -> None:
        if self._stopping:
            raise Stopped

    def _concerns(self, runner: Runner, turn: int | None) -> bool:
        """Whether a flush ends what a runner does; a source goes on with what is newer."""
        if not self._pending and not self._owed:
            return False
        name = runner.name
        cancels = turn is not None and not runner.is_source
        return any(
            (name in flush.nodes and flush.concerns(turn or 0))
            or (cancels and name in flush.origins and flush.cancels(turn or 0) and _ends(flush, runner))
            for flush in (*self._owed, *self._pending)
        )

    def look(self, runner: Runner, turn: int) -> None:
        self.check()
        if self._concerns(runner, turn):
            raise Flushed
        if runner is self.head and overrides(runner.node, "on_event") and len(self.inbox.links) == 1:
            event = self.inbox.links[0].pop_event()
            if event is not None:
                self._take_event(runner, turn, event)

    def _take_event(self, runner: Runner, turn: int, event: Event) -> None:
        """Give an event to a node whose generator is suspended. Where that applies a flush, the node is
        told of it behind its generator's end, if the flush ends it, else at once."""
        outer, self._looking = self._looking, runner
        try:
            self._deliver(runner.event, event)
        finally:
            self._looking = outer
        if self._owed and outer is None:
            if self._concerns(runner, turn):
                raise Flushed
            self._pay()

    def judge(self, runner: Runner, turn: int) -> Verdict:
        with self.owner.flush_lock:  # a flush that raised the floor hands itself over before it lets go
            self._judged = len(self._pending)
            pending = (*self._owed, *self._pending)
        if not pending or any(runner.name in flush.nodes and flush.concerns(turn) for flush in pending):
            return Verdict.UNWIND
        return Verdict.DROP if any(flush.cancels(turn) for flush in pending) else Verdict.RETRY

    def spares(self, runner: Runner) -> bool:
        return not any(_ends(flush, runner) for flush in (*self._owed, *self._pending))

    def apply(self) -> None:
        """Apply the flushes that were judged. A newer one may concern a node that called the one which was
        refused, and whose generator is suspended: it is judged in its turn."""
        self._pay()
        while self._judged:
            self._judged -= 1
            self._apply(self._pending.popleft())

    def _catch_up(self, epoch: int) -> None:
        """Apply the flushes that an entry of this epoch is newer than: it must not be taken for stale."""
        with self.owner.flush_lock:
            self._judged = sum(flush.number <= epoch for flush in self._pending)
        self.apply()

    def _apply_all(self) -> None:
        with self.owner.flush_lock:
            self._judged = len(self._pending)
        self.apply()

    def _apply(self, flush: Flush) -> None:
        for runner in self.runners:
            if runner is self._looking:
                self._owed.append(flush)
            else:
                self._tell(runner, flush)
        self.epoch = flush.number

    def _pay(self) -> None:
        if self._looking is None:
            owed, self._owed = self._owed, []
            for flush in owed:
                self._tell(self.head, flush)

    def _tell(self, runner: Runner, flush: Flush) -> None:
        if self._left and not self.owner.is_open(runner.name):
            return
        try:
            if runner.name in flush.origins:
                runner.node.on_cancel(flush)
            if runner.name in flush.nodes:
                if not flush.retracts:
                    self.timers.pop(runner, None)
                runner.node.on_flush(flush)
        except Exception as error:
            self.failed(runner, error)

    def failed(self, runner: Runner, error: Exception) -> None:
        restarted = self.owner.failed(runner, error)
        self._again = self._again or (restarted and runner.is_source)

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        self.owner.announce(runner, item, port)

    def complete(self, runner: Runner, awaitable: Awaitable[Any], turn: int) -> Any:
        loop = self._loop = self._loop or asyncio.new_event_loop()
        task = loop.create_task(_result(awaitable))
        self._waiting = (task, runner, turn)
        try:
            if self._stopping or self._concerns(runner, turn):
                loop.call_soon(task.cancel)  # behind its first step: a coroutine is never left unawaited
            return loop.run_until_complete(task)
        except asyncio.CancelledError:
            self.check()
            if self._concerns(runner, turn):
                raise Flushed from None
            raise NodeError(runner.name, "its coroutine was cancelled", runner.place) from None
        finally:
            self._waiting = None

    def finish(self, awaitable: Awaitable[Any]) -> None:
        loop = self._loop = self._loop or asyncio.new_event_loop()
        loop.run_until_complete(_result(awaitable))


def _ends(flush: Flush, runner: Runner) -> bool:
    """Whether a flush from a node's outputs ends what it works on: a retraction only what it makes at a
    pause; what the user said is not made in advance."""
    return not (flush.retracts and runner.name in flush.origins) or isinstance(runner.item, Pause)


async def _result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """End what the nodes left behind in their loop, and the loop."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
