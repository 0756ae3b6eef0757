"""Segments: the nodes that one thread runs by direct calls, and the requests to that thread.

`ReaderSegment` takes entries from links, `SourceSegment` runs a source. A flush is applied between two
items, or where a node yields (see docs/design/flush.md).
"""

from __future__ import annotations

import asyncio
import os
import threading
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from vflow.clock import Clock
from vflow.errors import Drained, Flushed, NodeError, Signal, Stopped
from vflow.event import Eos, Event
from vflow.flush import Flush
from vflow.node import overrides
from vflow.ports import Item
from vflow.runtime import forks
from vflow.runtime.call_times import CallTimes
from vflow.runtime.coroutines import Coroutines
from vflow.runtime.flush_lock import FlushLock
from vflow.runtime.inbox import Inbox
from vflow.runtime.pending_flushes import PendingFlushes
from vflow.runtime.runner import Runner, Verdict


@dataclass(frozen=True, slots=True)
class SegmentOwner:
    """The parts of a pipeline that a segment needs. The functions are called in the segment's thread."""

    clock: Clock
    flush_lock: FlushLock
    is_open: Callable[[str], bool]
    """Whether the node of that name is open."""
    announce: Callable[[str, int, Item, str], None]
    """Post an item that a node emitted at a port, in a thread at that epoch."""
    failed: Callable[[Segment, Runner, BaseException], bool]
    """Apply the node's `on_error`. Return whether it was restarted. Raises: Stopped if it is `fail`."""
    crashed: Callable[[Segment, BaseException], None]
    """Fail the pipeline, since an error that no `on_error` handles ends the segment's thread."""
    ended: Callable[[Segment], None]
    """Note that the segment's thread ends."""


class Segment:
    """One thread and its nodes; the first, `head`, calls the others.

    Any thread may call `hand`, `stop`, `drain`, `notify`, `settle` and `left`. The rest is for its own
    thread.
    """

    def __init__(self, name: str, owner: SegmentOwner) -> None:
        self.name, self.owner = name, owner
        self.epoch = 0
        self.waiter = owner.clock.waiter()
        self.calls = CallTimes(self.waiter)
        self.runners: list[Runner] = []
        self.inbox = Inbox([], by_pts=False)
        self.timers: dict[Runner, int] = {}
        self.thread = threading.Thread(target=self._run, name=f"vflow:{name}", daemon=True)
        self._flushes = PendingFlushes(owner.flush_lock)
        self._coroutines = Coroutines(self._stale)
        self._leaving = threading.Lock()
        """Held by a thread that applies flushes after the segment's own has ended."""
        self._left = False
        self._looking: Runner | None = None
        """The runner whose generator is suspended while its node takes an event."""
        self._stopping = False
        self._draining = False
        self._notified = False
        self._in_child = False
        forks.watch(self)

    @property
    def head(self) -> Runner:
        return self.runners[0]

    @property
    def left(self) -> bool:
        """Whether its thread has come to its end; any thread may ask."""
        return self._left

    # any thread

    def hand(self, flush: Flush) -> None:
        """Have a flush applied before the next item. The caller has the flush lock."""
        self._flushes.hand(flush)
        self._coroutines.cancel_stale()
        self.waiter.wake()

    def settle(self) -> None:
        """If the thread has ended, apply the flushes handed to it since then, in the caller's thread: a
        generator's history must be right although its input has ended. Not under the flush lock."""
        # does not block: a listener on the bus may flush from within; the lock's owner looks once more
        while self._left and self._flushes.queue and self._leaving.acquire(blocking=False):
            try:
                with suppress(Signal):
                    self.apply_all()
            finally:
                self._leaving.release()

    def stop(self) -> None:
        """Leave at the next check; any wait is woken."""
        self._stopping = True
        self._coroutines.cancel_stale()
        self.waiter.wake()

    def drain(self) -> None:
        """End a source's stream. Other segments end with their inputs."""
        self._draining = True
        self.waiter.wake()

    def notify(self) -> None:
        """Wake a node's `wait_until`."""
        self._notified = True
        self.waiter.wake()

    # the segment's thread

    def _run(self) -> None:
        clock = self.owner.clock
        clock.enter(self.waiter)
        try:
            self._work()
        except Signal:
            pass
        except BaseException as error:  # sys.exit in a node, or a fault in the runtime itself
            self._leave_child()
            self.owner.crashed(self, error)
        finally:
            self._leave_child()
            self.calls.end()
            try:
                self._coroutines.close()
            finally:
                self._left = True
                self.settle()  # a flush may have been handed over just before
                self.owner.ended(self)
                clock.leave(self.waiter)

    def forked(self) -> None:
        """Note that this process is a child that a node forked (see `vflow.runtime.forks`)."""
        self._in_child = self._stopping = True

    def _leave_child(self) -> None:
        """End this process if it is a child that a node forked and that returned from the node's code."""
        if self._in_child:
            os._exit(forks.CHILD_CAME_BACK)

    @abstractmethod
    def _work(self) -> None:
        """Do the thread's work; the thread ends when this returns. Raises: Signal to leave at once."""

    def _deliver(self, target: Any, event: Event) -> None:
        while True:
            try:
                target(event)
                return
            except Flushed:
                self.apply_all()
                if not isinstance(event, Eos):  # an eos is never stale: deliver it again
                    return

    def wake_at(self, runner: Runner, time_ns: int | None) -> None:
        """Set a node's timer (see `Context.wake_at`)."""
        if time_ns is None:
            self.timers.pop(runner, None)
        else:
            self.timers[runner] = time_ns

    def wait_until(self, runner: Runner, deadline_ns: int | None) -> None:
        """Block a node's own code (see `Context.wait_until`)."""
        while True:
            self.check()
            if self._draining and runner.is_source:
                raise Drained
            if self._flushes.concerns(runner, runner.turn):
                raise Flushed
            if self._notified:
                self._notified = False
                return
            if deadline_ns is not None and self.owner.clock.now_ns() >= deadline_ns:
                return
            self.waiter.wait(deadline_ns)

    def rest(self, duration_ns: int) -> None:
        """Wait this long, even if flushes come. Raises: Stopped."""
        self.check()
        until_ns = self.owner.clock.now_ns() + duration_ns
        while self.owner.clock.now_ns() < until_ns:
            self.waiter.wait(until_ns)
            self.check()

    # what links and runners ask: LinkEnd and RunnerHost

    def check(self) -> None:
        if self._stopping:
            raise Stopped

    def _stale(self, runner: Runner, turn: int) -> bool:
        return self._stopping or self._flushes.concerns(runner, turn)

    def look(self, runner: Runner, turn: int) -> None:
        self.check()
        if self._flushes.concerns(runner, turn):
            raise Flushed
        # a node that yields between steps hears events (a pause, an interruption) before its item is done
        if runner is self.head and overrides(runner.node, "on_event") and len(self.inbox.links) == 1:
            event = self.inbox.links[0].pop_event()
            if event is not None:
                self._take_event(runner, turn, event)

    def _take_event(self, runner: Runner, turn: int, event: Event) -> None:
        """Give an event to a node whose generator is suspended. If that applies a flush, tell the node after
        the generator has ended if the flush ends it, else at once."""
        outer, self._looking = self._looking, runner
        try:
            self._deliver(runner.event, event)
        finally:
            self._looking = outer
        if outer is None:
            if self._flushes.concerns(runner, turn):
                raise Flushed
            self._pay()

    def judge(self, runner: Runner, turn: int) -> Verdict:
        return self._flushes.judge(runner, turn)

    def spares(self, runner: Runner) -> bool:
        return self._flushes.spares(runner)

    def apply(self) -> None:
        """Apply the flushes that were judged. A newer one may concern a node further up, which called the
        refused one and whose generator is suspended. That node judges it later."""
        self._pay()
        while (flush := self._flushes.take_judged()) is not None:
            self._apply(flush)

    def apply_all(self) -> None:
        """Apply all flushes that are here now."""
        self._flushes.judge_all()
        self.apply()

    def _apply(self, flush: Flush) -> None:
        for runner in self.runners:
            if runner is self._looking:
                self._flushes.owed.append(flush)
            else:
                self._tell(runner, flush)
        self.epoch = flush.number  # last: what nodes emit from here on is newer than the flush

    def _pay(self) -> None:
        if self._looking is None:
            for flush in self._flushes.take_owed():
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
        except Signal:
            raise
        except BaseException as error:  # the node's own code may raise anything, sys.exit included
            self.failed(runner, error)

    def failed(self, runner: Runner, error: BaseException) -> None:
        self._leave_child()
        self.owner.failed(self, runner, error)

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        self._leave_child()
        self.owner.announce(runner.name, self.epoch, item, port)

    def complete(self, runner: Runner, awaitable: Awaitable[Any], turn: int) -> Any:
        try:
            return self._coroutines.run(runner, awaitable, turn)
        except asyncio.CancelledError:
            self.check()
            if self._flushes.concerns(runner, turn):
                raise Flushed from None
            raise NodeError(runner.name, "its coroutine was cancelled", runner.place) from None

    def finish(self, awaitable: Awaitable[Any]) -> None:
        self._coroutines.finish(awaitable)
