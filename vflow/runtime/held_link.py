"""The link in front of a node with an effect: what was made in advance waits in it, and with `after_grace`
what came of a turn whose end may be false."""

from __future__ import annotations

from collections.abc import Callable

from vflow.clock import Clock
from vflow.event import SAID, Eos
from vflow.ports import Item, QueueOptions
from vflow.runtime.link import Entry, Link
from vflow.runtime.speculation import Speculation


class HeldLink(Link):
    """A link whose reader gets nothing of a turn that is speculative; `look_again` wakes it when that has
    changed. What stands behind a held entry waits too: order is kept. It is bounded as any link, so
    what makes more than fits is held by backpressure.
    """

    def __init__(
        self,
        name: str,
        options: QueueOptions,
        clock: Clock,
        overflow: Callable[[], None],
        speculation: Speculation,
        after_grace: bool = False,
    ) -> None:
        super().__init__(name, options, clock, overflow)
        self._speculation = speculation
        self._after_grace = after_grace
        self._held = speculation.doubts if after_grace else speculation.holds
        self._released_ns = 0

    def look_again(self) -> None:
        """What was held may go; any thread. Its age counts from now."""
        self._released_ns = self._stamp_ns()
        self.reader.waiter.wake()

    def put(self, item: Item) -> None:
        super().put(item)
        self._speculation.touch(item.turn)

    @property
    def ready(self) -> bool:
        return self._head() is not None

    def pop(self) -> Item | None:
        while (head := self._head()) is not None:
            if not self._remove(head):  # a purge was faster
                continue
            self.got_epoch, item, put_ns, _ = head
            if self._after_grace and self._speculation.was_taken_back(item.turn) and not _is_said(item):
                continue
            if put_ns is not None and self._too_old(item, max(put_ns, self._released_ns)):
                continue
            if isinstance(item, Eos):
                self.ended = True
            return item
        return None

    def _head(self) -> Entry | None:
        head = super()._head()
        if head is None or (self._held(head[1].turn) and not isinstance(head[1], SAID)):
            return None
        return head


def _is_said(item: Item) -> bool:
    return isinstance(item, (*SAID, Eos))
