"""The inbox of a segment: all links that its thread reads, and which of them is next."""

from __future__ import annotations

from collections.abc import Callable

from vflow.event import Eos, Gap
from vflow.ports import Item
from vflow.runtime.link import Link


class Inbox:
    """All links that one thread reads.

    By arrival, the next entry is the oldest of all links. By pts, it is the earliest, once every link that
    has not ended has an entry. In a fan-in by pts a Gap ends here: it only moves the time on.
    """

    link: Link
    """The link of the last item taken."""
    take: Callable[[], Item | None]
    """Returns the next item; None if there is none yet."""

    def __init__(self, links: list[Link], by_pts: bool) -> None:
        self.links = links
        self._by_pts = by_pts and len(links) > 1
        self.take = self._take
        if len(links) == 1:
            self.link = links[0]
            self.take = self.link.pop  # one link needs no choice: one call less for each packet
        else:
            for link in links:
                link.time_all()

    @property
    def ended(self) -> bool:
        """Whether every link has ended; those that close a cycle do not count."""
        return all(link.ended or link.feedback for link in self.links)

    @property
    def ready(self) -> bool:
        """Whether `take` would find an entry, stale ones included."""
        return self._next() is not None

    def _take(self) -> Item | None:
        while (link := self._next()) is not None:
            item = link.pop()
            if item is None or (link.feedback and isinstance(item, Eos)):
                continue
            if not (self._by_pts and isinstance(item, Gap)):
                self.link = link
                return item
        return None

    def unblock(self) -> None:
        """Wake every writer that waits although its link has room, since the reader is about to wait."""
        for link in self.links:
            link.unblock()

    def _next(self) -> Link | None:
        if len(self.links) == 1:
            return self.link if self.link.ready else None
        first: Link | None = None
        first_ns = 0
        for link in self.links:
            if link.ended:
                continue
            at_ns = link.head_ns(self._by_pts)
            if at_ns is None:
                if self._by_pts and not link.feedback:  # its next entry may be the earliest: wait for it
                    return None
            elif first is None or at_ns < first_ns:
                first, first_ns = link, at_ns
        return first
