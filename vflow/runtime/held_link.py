"""The link before a node with an effect. Work done in advance waits in it; with `after_grace`, so does work
for a turn whose end may be false."""

from __future__ import annotations

from collections.abc import Callable

from vflow.clock import Clock
from vflow.event import SAID, Eos
from vflow.ports import Item, QueueOptions
from vflow.runtime.link import Entry, Link
from vflow.runtime.speculation import Speculation


class HeldLink(Link):
    """A link whose reader gets nothing of a speculative turn; `look_again` wakes the reader once that has
    changed.

    Entries after a held one wait too, so their order is kept. The link is bounded like any other: a writer
    that makes more than fits waits for room.
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
        """Wake the reader, since held items may go; any thread. The age of items counts from now."""
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
            if not self._remove(head):  # a purge has just taken it
                continue
            self.got_epoch, item, put_ns, _ = head
            # a reply to a turn that was taken back would have an effect for nothing
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
