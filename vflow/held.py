"""The link in front of a node with an effect: what was made in advance waits in it."""

from __future__ import annotations

from collections.abc import Callable

from vflow.clock import Clock
from vflow.event import Eos
from vflow.link import Entry, Link
from vflow.node import Item, QueueOptions


class HeldLink(Link):
    """A link whose reader gets nothing of a turn for which `held` is true; `release` wakes it when that
    has changed. What stands behind a held entry waits too: order is kept. It is bounded as any link, so
    what makes more than fits is held by backpressure.
    """

    def __init__(
        self,
        name: str,
        options: QueueOptions,
        clock: Clock,
        overflow: Callable[[], None],
        held: Callable[[int], bool],
    ) -> None:
        super().__init__(name, options, clock, overflow)
        self._held = held

    def release(self) -> None:
        """Look at what was held; any thread."""
        self.reader.waiter.wake()

    @property
    def ready(self) -> bool:
        return self._head() is not None

    def pop(self) -> Item | None:
        while (head := self._head()) is not None:
            if not self._remove(head):  # a purge was faster
                continue
            _, item, put_ns, _ = head
            if put_ns is not None and self._too_old(item, put_ns):
                continue
            self.ended = self.ended or isinstance(item, Eos)
            return item
        return None

    def _head(self) -> Entry | None:
        head = super()._head()
        return None if head is None or self._held(head[1].turn) else head
