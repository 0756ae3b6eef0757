"""The flushes that were handed to one thread and that it has not applied yet (see docs/design/flush.md)."""

from __future__ import annotations

from collections import deque

from vflow.event import Pause
from vflow.flush import Flush
from vflow.runtime.flush_lock import FlushLock
from vflow.runtime.runner import Runner, Verdict

MAX_PENDING = 16
"""Flushes that a thread has not applied; more are made one."""


class PendingFlushes:
    """A bounded queue of flushes; it calls no node. `lock` is the pipeline's flush lock.

    `hand` is for whoever flushes, `concerns` for any thread, the rest for the thread that applies them.
    """

    def __init__(self, lock: FlushLock) -> None:
        self.queue: deque[Flush] = deque()
        """Oldest first. The thread looks once an item whether anything is in it."""
        self.owed: list[Flush] = []
        """Applied, but for the node whose generator is suspended: it is told once that is closed."""
        self._lock = lock
        self._judged = 0
        """How many of the queue the last verdict was about."""

    def hand(self, flush: Flush) -> None:
        """Add a flush; under the lock. Where the thread is held up and flushes pile up, make the newest two
        one."""
        joined = None
        judged = self._judged  # read first: meanwhile it only falls
        if len(self.queue) - judged > MAX_PENDING:  # then the last has not been judged
            joined = self.queue[-1].joined(flush)
        if joined is None:
            self.queue.append(flush)
        else:
            self.queue[-1] = joined

    def concerns(self, runner: Runner, turn: int | None) -> bool:
        """Whether a flush ends what a runner does; a source goes on with what is newer."""
        name = runner.name
        cancels = turn is not None and not runner.is_source
        return bool(self.queue or self.owed) and any(
            (name in flush.nodes and flush.concerns(turn or 0))
            or (cancels and name in flush.origins and flush.cancels(turn or 0) and _ends(flush, runner))
            for flush in (*self.owed, *self.queue)
        )

    def judge(self, runner: Runner, turn: int) -> Verdict:
        """Decide on what a runner made for an item of `turn`, by all flushes that are here now."""
        with self._lock:  # a flush that raised the floor hands itself over before it lets go
            self._judged = len(self.queue)
            pending = (*self.owed, *self.queue)
        if not pending or any(runner.name in flush.nodes and flush.concerns(turn) for flush in pending):
            return Verdict.UNWIND
        return Verdict.DROP if any(flush.cancels(turn) for flush in pending) else Verdict.RETRY

    def judge_all(self) -> None:
        """Have `take_judged` return all flushes that are here now."""
        with self._lock:
            self._judged = len(self.queue)

    def judge_up_to(self, epoch: int) -> None:
        """Have `take_judged` return the flushes up to that number."""
        with self._lock:
            self._judged = sum(flush.number <= epoch for flush in self.queue)

    def take_judged(self) -> Flush | None:
        """Remove the oldest flush that was judged; None where none is left."""
        if not self._judged:
            return None
        self._judged -= 1
        return self.queue.popleft()

    def take_owed(self) -> list[Flush]:
        """Remove the flushes that are owed to a node."""
        owed, self.owed = self.owed, []
        return owed

    def spares(self, runner: Runner) -> bool:
        """Whether all flushes let the rest of a runner's work on its item go on."""
        return not any(_ends(flush, runner) for flush in (*self.owed, *self.queue))


def _ends(flush: Flush, runner: Runner) -> bool:
    """Whether a flush from a node's outputs ends its work on its item. A retraction ends only what the node
    makes at a pause: what the user said is not made in advance."""
    return not (flush.retracts and runner.name in flush.origins) or isinstance(runner.item, Pause)
