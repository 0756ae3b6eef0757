"""The segment that reads links: its thread takes one entry at a time and drives it through its nodes.

It sleeps only in `_park`. An entry, a timer, a flush or a stop wakes it.
"""

from __future__ import annotations

from vflow.errors import Flushed, Stopped
from vflow.packet import Packet
from vflow.runtime.segment import Segment


class ReaderSegment(Segment):
    """One thread, the links that it reads, and the nodes that it drives."""

    def _work(self) -> None:
        """Take entries until all inputs have ended."""
        inbox, pending = self.inbox, self._flushes.queue
        take, timed = inbox.take, self.calls.timed
        skip = skipped = 0  # how many calls need no timing, and how many of them have been made
        self.calls.begin()
        while True:
            if pending:
                self.apply_all()
            if self._stopping:
                raise Stopped
            if self.timers and self._run_due_timer():
                continue
            item = take()
            if pending and item is not None:
                # the item is newer than the flushes up to its epoch: applied after it, they would hit it too
                self._flushes.judge_up_to(inbox.link.got_epoch)
                self.apply()
            if item is None:
                self._park()
            elif isinstance(item, Packet):
                try:
                    if skipped < skip:
                        skipped += 1
                        inbox.link.packet(item)
                    else:  # a timed call stands for those before it that were not timed
                        weight, skipped = skipped + 1, 0
                        skip = timed(inbox.link.packet, item, weight=weight)
                except Flushed:
                    self.apply_all()
            else:
                timed(self._deliver, inbox.link.event, item)
                if inbox.ended:
                    return

    def _park(self) -> None:
        self.inbox.unblock()  # a writer that waits for low water here may be the one that feeds another link
        deadline_ns = min(self.timers.values()) if self.timers else None
        self.waiter.parked = True  # before the last check: whoever puts after it sees that it must wake us
        if self._flushes.queue or self.inbox.ready:  # a stop needs no check: it always wakes
            self.waiter.parked = False
        else:
            self.waiter.wait(deadline_ns)

    def _run_due_timer(self) -> bool:
        runner, at_ns = min(self.timers.items(), key=lambda pair: pair[1])
        if at_ns > self.owner.clock.now_ns():
            return False
        del self.timers[runner]
        try:
            self.calls.timed(runner.timer)
        except Flushed:
            self.apply_all()
        return True
