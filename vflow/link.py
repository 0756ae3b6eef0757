"""Links: where two threads meet. Bounded in packets and in time, with a policy, and counted.

A link has one writing and one reading thread, and a flush may come from any third. Entries carry the
epoch of the thread that put them; what lies below the link's floor is refused at both ends. A put and a
pop of a blocking link take no lock: each counter has one writer, and `deque` operations are atomic.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from vflow.clock import Clock, Waiter
from vflow.errors import Flushed, VflowError
from vflow.event import Eos, Event, Gap
from vflow.node import Item, QueueOptions
from vflow.packet import Packet


class Party(Protocol):
    """The thread at one end of a link."""

    epoch: int
    waiter: Waiter

    def check(self) -> None:
        """Raises: Stopped where the thread has to leave."""


class LinkFull(VflowError):
    """A link with the policy `error` has no room."""


Entry = tuple[int, Item, int]
"""The writer's epoch, the item, and when it was put."""


@dataclass(frozen=True, slots=True)
class LinkStats:
    """Counters of a link since PLAYING; `high_water` in entries."""

    name: str
    pushed: int
    dropped: int
    stale: int
    high_water: int
    max_wait_ms: float


class Link:
    """A bounded queue between two segments.

    `packet` and `event` take what comes out, in the reader's thread. `put` is for the writer's thread,
    `purge` for any, the rest for the reader's.
    """

    def __init__(
        self,
        name: str,
        options: QueueOptions,
        clock: Clock,
        overflow: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self.options = name, options
        self._floor = 0
        self._newest = 0  # the last flush that made anything stale: the floor, or a retraction
        self._retracted: dict[int, int] = {}  # turn: its retraction; replaced under the pipeline's flush lock
        self.writer: Party
        self.reader: Party
        self.packet: Callable[[Any], None]
        self.event: Callable[[Any], None]
        self.ended = False
        """Whether its eos has been taken out."""
        self.feedback = False
        """Whether it closes a cycle: its eos is waited for by nobody, since it comes of the reader's own."""
        self._stamp_ns = clock.stamp_ns
        self._packets, self._time_ns = options.packets, options.time_ns
        self._max_age_ns = float("inf") if options.max_age_ns is None else options.max_age_ns
        self._overflow = overflow
        self._entries: deque[Entry] = deque()
        self._low_water = options.packets // 2
        self._blocked = False
        self._leaky = options.policy.startswith("leaky")
        self._mutex = threading.Lock()  # held by all that take entries out, but the reader of a blocking link
        self._pushed = self._refused = self._high_water = 0  # written by the writer
        self._put_ns = self._leaked = self._leaked_ns = 0
        self._eos_put = False
        self._got_ns = self._skipped = self._max_wait_ns = 0  # written by the reader
        self._purged = self._purged_ns = 0  # written under the pipeline's flush lock

    @property
    def floor(self) -> int:
        """What was put by an older epoch is stale."""
        return self._floor

    @floor.setter
    def floor(self, number: int) -> None:
        self._floor = self._newest = number

    @property
    def queued_ns(self) -> int:
        """Audio waiting in the link, in ns; any thread."""
        return self._put_ns - self._got_ns - self._purged_ns - self._leaked_ns

    def __len__(self) -> int:
        return len(self._entries)

    def stats(self) -> LinkStats:
        stale = self._refused + self._skipped + self._purged
        wait_ms = self._max_wait_ns / 1e6
        return LinkStats(self.name, self._pushed, self._leaked, stale, self._high_water, round(wait_ms, 3))

    def put(self, item: Item) -> None:
        """Append an item; where the link is full, its policy decides. What comes behind an eos is another
        eos, of a thread that was unwound while it delivered the first: it is ignored.

        Raises: Flushed where the writer's epoch is stale (an eos never is), Stopped, LinkFull.
        """
        epoch = self.writer.epoch
        if epoch < self._newest and self._stale(epoch, item):
            self._refused += 1
            raise Flushed
        entries = self._entries
        count = len(entries)
        if count >= self._packets or (self._put_ns - self._got_ns >= self._time_ns and self._full()):
            if not self._make_room(item):
                return
            count = len(entries)
        if isinstance(item, Packet):
            self._put_ns += item.duration_ns
        elif isinstance(item, Eos):
            if self._eos_put:
                return
            self._eos_put = True
        entries.append((epoch, item, self._stamp_ns()))
        self._pushed += 1
        if count >= self._high_water:
            self._high_water = count + 1
        waiter = self.reader.waiter
        if waiter.parked:
            waiter.wake()

    def _stale(self, epoch: int, item: Item) -> bool:
        """Whether a flush has made this item of a writer at `epoch` stale; an eos never is."""
        if isinstance(item, Eos):
            return False
        return (epoch < self._floor and not self.options.keep) or epoch < self._retracted.get(item.turn, 0)

    def _full(self) -> bool:
        count = len(self._entries)
        return count >= self._packets or (count > 0 and self.queued_ns >= self._time_ns)

    def _make_room(self, item: Item) -> bool:
        """Apply the policy; False where the new item is what is dropped. Events are never dropped."""
        if isinstance(item, Eos) or (self._leaky and isinstance(item, Event)):
            return True
        policy = self.options.policy
        if policy == "block":
            self._block(item)
        elif policy == "error":
            raise LinkFull(f"{self.name} is full ({len(self._entries)} packets) and its policy is error")
        elif policy == "leaky-newest":
            self._leaked += 1
            self._overflow()
            return False
        else:
            self._drop_oldest()
        return True

    def _block(self, item: Item) -> None:
        writer = self.writer
        while True:
            self._blocked = True
            if writer.epoch < self._newest and self._stale(writer.epoch, item):
                self._blocked = False
                self._refused += 1
                raise Flushed
            if not self._full():
                self._blocked = False
                return
            writer.check()
            writer.waiter.wait()

    def _drop_oldest(self) -> None:
        dropped = 0
        with self._mutex:
            while self._full() and self._drop_first_packet():
                dropped += 1
        self._leaked += dropped
        for _ in range(dropped):  # outside the mutex: a listener on the bus may flush
            self._overflow()

    def _drop_first_packet(self) -> bool:
        for index, (_, item, _) in enumerate(self._entries):
            if isinstance(item, Packet):
                self._leaked_ns += item.duration_ns
                del self._entries[index]
                return True
        return False

    def pop(self) -> Item | None:
        """The next item that is not stale, or None."""
        entries = self._entries
        while entries:
            try:
                if self._leaky:
                    with self._mutex:
                        entry = entries.popleft()
                else:
                    entry = entries.popleft()
            except IndexError:  # a purge was faster
                return None
            epoch, item, put_ns = entry
            self._took(item)
            if isinstance(item, Eos):
                self.ended = True
            elif epoch < self._newest and self._stale(epoch, item):
                self._skipped += 1
                continue
            elif self._too_old(item, put_ns):
                continue
            return item
        return None

    def _too_old(self, item: Item, put_ns: int) -> bool:
        """Note how long an item has waited; True for a packet that `max_age` drops."""
        waited_ns = self._stamp_ns() - put_ns
        if waited_ns > self._max_age_ns and isinstance(item, Packet):
            self._skipped += 1
            return True
        if waited_ns > self._max_wait_ns:
            self._max_wait_ns = waited_ns
        return False

    @property
    def ready(self) -> bool:
        """Whether `pop` would find an entry, stale ones included."""
        return bool(self._entries)

    def _took(self, item: Item) -> None:
        if isinstance(item, Packet):
            self._got_ns += item.duration_ns
        if self._blocked and not self._above_low_water():
            self._release()

    def _above_low_water(self) -> bool:
        count = len(self._entries)
        return count > self._low_water or (count > 0 and self.queued_ns > self._time_ns // 2)

    def _release(self) -> None:
        self._blocked = False
        self.writer.waiter.wake()

    def unblock(self) -> None:
        """Wake a writer that waits for low water though there is room: the reader waits for another link,
        which the same writer may feed."""
        if self._blocked and not self._full():
            self._release()

    def pop_event(self) -> Event | None:
        """The next item, if it is an event other than eos; else it stays."""
        head = self._head()
        if head is None or not isinstance(head[1], Event) or isinstance(head[1], Eos):
            return None
        return head[1] if self._remove(head) else None

    def head_ns(self, by_pts: bool) -> int | None:
        """When the next fresh entry was put, or its pts; None where there is none."""
        head = self._head()
        if head is None:
            return None
        return head[1].pts_ns if by_pts else head[2]

    def _head(self) -> Entry | None:
        """The next entry, left where it is; those in front of it that are stale are skipped."""
        while True:
            try:
                entry = self._entries[0]
            except IndexError:
                return None
            if entry[0] >= self._newest or not self._stale(entry[0], entry[1]):
                return entry
            if self._remove(entry):
                self._skipped += 1

    def _remove(self, entry: Entry) -> bool:
        """Take this entry, the first one; False where a purge was faster."""
        with self._mutex:
            if not self._entries or self._entries[0] is not entry:
                return False
            self._entries.popleft()
        self._took(entry[1])
        return True

    def purge(self, floor: int) -> None:
        """Make what was put by epochs below `floor` stale, and drop it; an eos stays."""
        self.floor = floor
        end: Entry | None = None
        with self._mutex:
            while self._entries:
                try:
                    entry = self._entries.popleft()
                except IndexError:  # the reader was faster
                    break
                if isinstance(entry[1], Eos):
                    end = entry
                    break
                self._purged += 1
                if isinstance(entry[1], Packet):
                    self._purged_ns += entry[1].duration_ns
            if end is not None:
                self._entries.append(end)
        self.writer.waiter.wake()
        self.reader.waiter.wake()

    def retract(self, turn: int, number: int) -> None:
        """Make what epochs below `number` put of `turn` stale, here on a `keep` link too. The reader skips
        it: what stands between belongs to other turns."""
        try:
            oldest = self._entries[0][0]
        except IndexError:
            oldest = self.writer.epoch
        current = {t: n for t, n in self._retracted.items() if n > min(oldest, self.writer.epoch)}
        self._retracted = {**current, turn: number}
        self._newest = number
        self.writer.waiter.wake()
        self.reader.waiter.wake()


class Inbox:
    """All links that one thread reads. By arrival: the oldest entry of all; by pts: the earliest, once
    every link that has not ended has one. Gaps end here in a fan-in by pts: they only move time on."""

    def __init__(self, links: list[Link], by_pts: bool) -> None:
        self.links = links
        self._by_pts = by_pts and len(links) > 1
        self._single = links[0] if len(links) == 1 else None

    @property
    def ended(self) -> bool:
        """Whether every link has, those that close a cycle aside."""
        return all(link.ended or link.feedback for link in self.links)

    @property
    def ready(self) -> bool:
        """Whether `take` would find an entry, stale ones included."""
        return self._next() is not None

    def take(self) -> tuple[Link, Item] | None:
        """The next item and its link; None where there is nothing to do yet."""
        if self._single is not None:
            item = self._single.pop()
            return None if item is None else (self._single, item)
        while (link := self._next()) is not None:
            item = link.pop()
            if item is None or (link.feedback and isinstance(item, Eos)):
                continue
            if not (self._by_pts and isinstance(item, Gap)):
                return link, item
        return None

    def unblock(self) -> None:
        """Let every writer go on that has room: the reader is about to wait."""
        for link in self.links:
            link.unblock()

    def _next(self) -> Link | None:
        if self._single is not None:
            return self._single if self._single.ready else None
        first: Link | None = None
        first_ns = 0
        for link in self.links:
            if link.ended:
                continue
            at_ns = link.head_ns(self._by_pts)
            if at_ns is None:
                if self._by_pts and not link.feedback:
                    return None
            elif first is None or at_ns < first_ns:
                first, first_ns = link, at_ns
        return first
