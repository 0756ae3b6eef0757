"""The flushes handed to one thread that it has not applied yet (see docs/design/flush.md)."""

from __future__ import annotations

from collections import deque

from vflow.event import Pause
from vflow.flush import Flush
from vflow.runtime.flush_lock import FlushLock
from vflow.runtime.runner import Runner, Verdict

MAX_PENDING = 16
"""Most flushes that wait for one thread; beyond this, new ones are joined into the last."""


class PendingFlushes:
    """A bounded queue of flushes; it calls no node. `lock` is the pipeline's flush lock.

    The thread that flushes calls `hand`, any thread `concerns`, and the thread that applies the flushes all
    other methods.
    """

    def __init__(self, lock: FlushLock) -> None:
        self.queue: deque[Flush] = deque()
        """Oldest first. The thread checks before each item whether any is in it."""
        self.owed: list[Flush] = []
        """Flushes applied to all nodes but one, whose generator is suspended; that one is told once it is
        closed."""
        self._lock = lock
        self._judged = 0
        """How many flushes of the queue the last verdict covered."""

    def hand(self, flush: Flush) -> None:
        """Add a flush; the caller has the lock. If flushes pile up because the thread is held up, join it
        with the newest one."""
        joined = None
        judged = self._judged  # read first: from here on it can only get smaller
        if len(self.queue) - judged > MAX_PENDING:  # so the last flush is not judged, and may be joined
            joined = self.queue[-1].joined(flush)
        if joined is None:
            self.queue.append(flush)
        else:
            self.queue[-1] = joined

    def concerns(self, runner: Runner, turn: int | None) -> bool:
        """Return whether a flush ends what a runner does. A source goes on with newer items."""
        name = runner.name
        cancels = turn is not None and not runner.is_source
        return bool(self.queue or self.owed) and any(
            (name in flush.nodes and flush.concerns(turn or 0))
            or (cancels and name in flush.origins and flush.cancels(turn or 0) and _ends(flush, runner))
            for flush in (*self.owed, *self.queue)
        )

    def judge(self, runner: Runner, turn: int) -> Verdict:
        """Decide about an item that a runner made for `turn`, by all flushes that are here now."""
        with self._lock:  # a flush that raised a link's floor is in the queue before it frees the lock
            self._judged = len(self.queue)
            pending = (*self.owed, *self.queue)
        if not pending or any(runner.name in flush.nodes and flush.concerns(turn) for flush in pending):
            return Verdict.UNWIND
        return Verdict.DROP if any(flush.cancels(turn) for flush in pending) else Verdict.RETRY

    def judge_all(self) -> None:
        """Let `take_judged` return all flushes that are here now."""
        with self._lock:
            self._judged = len(self.queue)

    def judge_up_to(self, epoch: int) -> None:
        """Let `take_judged` return the flushes up to that number."""
        with self._lock:
            self._judged = sum(flush.number <= epoch for flush in self.queue)

    def take_judged(self) -> Flush | None:
        """Remove and return the oldest judged flush; None if none is left."""
        if not self._judged:
            return None
        self._judged -= 1
        return self.queue.popleft()

    def take_owed(self) -> list[Flush]:
        """Remove and return the flushes that are owed to a node."""
        owed, self.owed = self.owed, []
        return owed

    def spares(self, runner: Runner) -> bool:
        """Return whether all flushes let the rest of a runner's work on its item go on."""
        return not any(_ends(flush, runner) for flush in (*self.owed, *self.queue))


def _ends(flush: Flush, runner: Runner) -> bool:
    """Return whether a flush from a node's outputs ends its work on its item. A retraction ends only work at
    a pause; work on the user's own words was not in advance."""
    return not (flush.retracts and runner.name in flush.origins) or isinstance(runner.item, Pause)
