"""Links: bounded queues between two threads, with a policy for when they are full, and counters.

One thread writes a link and one reads it; a flush may come from any third. Each entry has the epoch of the
thread that put it. Entries below the link's floor are refused at both ends. A put and a pop of a blocking
link take no lock: each counter has one writer, and `deque` operations are atomic.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from vflow.clock import Clock, Waiter
from vflow.errors import Flushed, LinkFull
from vflow.event import SAID, Eos, Event
from vflow.packet import Packet
from vflow.ports import Item, QueueOptions


class LinkEnd(Protocol):
    """The thread at one end of a link."""

    epoch: int
    waiter: Waiter

    def check(self) -> None:
        """Raises: Stopped if the thread has to leave."""


TIMED, TIMED_OF = 4, 8
"""Behind so many entries one put in eight is timed, others always: two looks at the clock are a tenth of
what a link costs."""

Entry = tuple[int, Item, int | None, int]
"""The writer's epoch, the item, the time of the put (None if it was not timed), and the item's duration."""


@dataclass(frozen=True, slots=True)
class LinkStats:
    """Counters of a link since PLAYING; `high_water` in entries, `max_wait_ms` of those that were timed.
    `fill` (0 to 1) and `age_ms` are of now."""

    name: str
    pushed: int
    dropped: int
    stale: int
    high_water: int
    max_wait_ms: float
    dropped_ms: float = 0.0
    fill: float = 0.0
    age_ms: float = 0.0


class Link:
    """A bounded queue between two segments.

    The reader's thread calls `packet` and `event` with what it takes out. The writer's thread calls `put`.
    Any thread may call `purge` and `retract`, under the flush lock. All else is for the reader's thread.
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
        self._newest = 0  # the last flush that made entries stale: the floor, or a retraction
        self._retracted: dict[int, int] = {}  # turn: its retraction; replaced under the pipeline's flush lock
        self.writer: LinkEnd
        self.reader: LinkEnd
        self.packet: Callable[[Any], None]
        self.event: Callable[[Any], None]
        self.ended = False
        """Whether the reader has taken its eos out."""
        self.feedback = False
        """Whether it closes a cycle. Nobody waits for its eos, since that follows from the reader's own."""
        self.got_epoch: int
        """The epoch of the entry taken last; for the reader."""
        self._stamp_ns = clock.stamp_ns
        self._packets, self._time_ns = options.packets, options.time_ns
        self._max_age_ns = float("inf") if options.max_age_ns is None else options.max_age_ns
        self._timed = TIMED if options.max_age_ns is None else sys.maxsize
        self._overflow = overflow
        self._entries: deque[Entry] = deque()
        self._low_water = options.packets // 2
        self._leaky = options.policy.startswith("leaky")
        self._mutex = threading.Lock()  # for taking entries out; a blocking link's reader does without
        self._pushed = self._refused = self._high_water = 0  # written by the writer
        self._put_ns = self._leaked = self._leaked_ns = 0
        self._eos_put = self._blocked = False
        self._got_ns = self._skipped = self._max_wait_ns = 0  # written by the reader
        self._purged = 0  # written under the pipeline's flush lock
        self._dropped_ns = 0  # audio dropped by a purge or the policy; guarded by _mutex

    def time_all(self) -> None:
        """Time every put: a reader of several links orders their entries by it."""
        self._timed = sys.maxsize

    @property
    def floor(self) -> int:
        """The oldest epoch that is not stale."""
        return self._floor

    @floor.setter
    def floor(self, number: int) -> None:
        self._floor = self._newest = number

    @property
    def blocked(self) -> bool:
        """Whether its writer waits for room; any thread may ask."""
        return self._blocked

    @property
    def queued_ns(self) -> int:
        """Length of the audio in the link, in ns; any thread may ask."""
        return self._put_ns - self._got_ns - self._dropped_ns

    def peek(self, at: int) -> Entry:
        """An entry, as it waits; any thread. Raises: IndexError."""
        return self._entries[at]

    def __len__(self) -> int:
        return len(self._entries)

    def stats(self) -> LinkStats:
        stale = self._refused + self._skipped + self._purged
        wait_ms, leaked_ms = round(self._max_wait_ns / 1e6, 3), round(self._leaked_ns / 1e6, 1)
        counts = self._pushed, self._leaked, stale, self._high_water
        return LinkStats(self.name, *counts, wait_ms, leaked_ms)

    def put(self, item: Item) -> None:
        """Append an item; if the link is full, its policy decides. Ignore a second eos: a thread that was
        unwound while it delivered the first one sends it again.

        Raises: Flushed if the writer's epoch is stale (an eos is never stale); Stopped; LinkFull.
        """
        duration_ns = 0
        if isinstance(item, Packet):
            duration_ns = item.duration_ns
        elif isinstance(item, Eos):
            if self._eos_put:
                return
            self._eos_put = True
        epoch = self.writer.epoch
        if epoch < self._newest and self._stale(epoch, item):  # one comparison for nearly every packet
            self._refused += 1
            raise Flushed
        entries = self._entries
        count = len(entries)
        queued_ns = self._put_ns - self._got_ns - self._dropped_ns
        if count >= self._packets or (count > 0 and queued_ns >= self._time_ns):
            if not self._make_room(item):
                return
            count = len(entries)
        timed = count < self._timed or not self._pushed & 7
        self._put_ns += duration_ns
        entries.append((epoch, item, self._stamp_ns() if timed else None, duration_ns))
        self._pushed += 1
        if count >= self._high_water:
            self._high_water = count + 1
        waiter = self.reader.waiter
        if waiter.parked:  # a reader at work needs no wake: it finds the entry by itself
            waiter.wake()

    def _stale(self, epoch: int, item: Item) -> bool:
        """Return whether a flush made this item of a writer at `epoch` stale; an eos never is."""
        if epoch < self._retracted.get(item.turn, 0) and not isinstance(item, (*SAID, Eos)):
            return True
        return epoch < self._floor and not (self.options.keep or isinstance(item, Eos))

    def _full(self) -> bool:
        count = len(self._entries)
        return count >= self._packets or (count > 0 and self.queued_ns >= self._time_ns)

    def _make_room(self, item: Item) -> bool:
        """Apply the policy. Return False if it drops the new item. Events are never dropped."""
        if isinstance(item, Eos) or (self._leaky and isinstance(item, Event)):
            return True
        policy = self.options.policy
        if policy == "block":
            self._block(item)
        elif policy == "error":
            raise LinkFull(f"{self.name} is full ({len(self._entries)} packets) and its policy is error")
        elif policy == "leaky-oldest":
            self._drop_oldest()
        else:
            self._leaked += 1
            self._leaked_ns += getattr(item, "duration_ns", 0)
            self._overflow()
        return policy != "leaky-newest"

    def _block(self, item: Item) -> None:
        writer = self.writer
        try:
            while True:
                self._blocked = True  # before the look: a reader that makes room after it wakes the writer
                if self._stale(writer.epoch, item):
                    self._refused += 1
                    raise Flushed
                if not self._full():
                    return
                writer.check()
                writer.waiter.wait()
        finally:
            self._blocked = False

    def _drop_oldest(self) -> None:
        dropped = 0
        with self._mutex:
            while self._full() and self._drop_first_packet():
                dropped += 1
        self._leaked += dropped
        for _ in range(dropped):  # outside the mutex: a listener on the bus may flush
            self._overflow()

    def _drop_first_packet(self) -> bool:
        index = next((at for at, entry in enumerate(self._entries) if isinstance(entry[1], Packet)), None)
        if index is not None:
            self._dropped_ns += self._entries[index][3]
            self._leaked_ns += self._entries[index][3]
            del self._entries[index]
        return index is not None

    def pop(self) -> Item | None:
        """Return the next item that is not stale, or None."""
        entries = self._entries
        while entries:
            try:
                if self._leaky:  # the writer may drop the oldest at the same time
                    with self._mutex:
                        epoch, item, put_ns, duration_ns = entries.popleft()
                else:
                    epoch, item, put_ns, duration_ns = entries.popleft()
            except IndexError:  # a purge has just emptied the link
                return None
            self._got_ns += duration_ns
            self.got_epoch = epoch
            if self._blocked:
                self._ease()
            if epoch < self._newest and self._stale(epoch, item):
                self._skipped += 1
                continue
            if put_ns is not None and self._too_old(item, put_ns):
                continue
            if item.__class__ is Eos:
                self.ended = True
            return item
        return None

    def _too_old(self, item: Item, put_ns: int) -> bool:
        """Note how long an item has waited. Return True if it is a packet that `max_age` drops."""
        waited_ns = self._stamp_ns() - put_ns
        too_old = waited_ns > self._max_age_ns and isinstance(item, Packet)
        if too_old:
            self._skipped += 1
        else:
            self._max_wait_ns = max(waited_ns, self._max_wait_ns)
        return too_old

    @property
    def ready(self) -> bool:
        """Whether `pop` would find an entry, stale ones included."""
        return bool(self._entries)

    def _ease(self) -> None:
        """Wake a blocked writer once the link is down to low water: a wake for each packet would be slow."""
        if len(self._entries) <= self._low_water and self.queued_ns <= self._time_ns // 2:
            self._release()

    def _release(self) -> None:
        self._blocked = False
        self.writer.waiter.wake()

    def unblock(self) -> None:
        """Wake a writer that waits for low water although there is room. The reader waits for another link,
        which the same writer may have to feed."""
        if self._blocked and not self._full():
            self._release()

    def pop_event(self) -> Event | None:
        """Take the next item if it is an event other than eos; else leave it and return None."""
        head = self._head()
        event = head[1] if head is not None else None
        if head is None or not isinstance(event, Event) or isinstance(event, Eos):
            return None
        return event if self._remove(head) else None

    def head_ns(self, by_pts: bool) -> int | None:
        """When the next fresh entry was put, or its pts; None where there is none."""
        if (head := self._head()) is None:
            return None
        return head[1].pts_ns if by_pts else head[2]

    def _head(self) -> Entry | None:
        """Return the next fresh entry and leave it in the link; remove stale ones before it."""
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
        """Take this entry, the first one. Return False if a purge has just taken it."""
        with self._mutex:
            is_first = bool(self._entries) and self._entries[0] is entry
            if is_first:
                self._entries.popleft()
                self._got_ns += entry[3]
        if self._blocked:
            self._ease()
        return is_first

    def purge(self, floor: int) -> None:
        """Make entries of epochs below `floor` stale, and drop them; an eos stays."""
        self.floor = floor
        with self._mutex, suppress(IndexError):  # raised at the end, or when the reader takes the last entry
            while True:
                entry = self._entries.popleft()
                if isinstance(entry[1], Eos):  # it is the last entry
                    self._entries.append(entry)
                    break
                self._purged += 1
                self._dropped_ns += entry[3]
        self.writer.waiter.wake()
        self.reader.waiter.wake()

    def retract(self, turn: int, number: int) -> None:
        """Make entries of `turn` from epochs below `number` stale, on a `keep` link too. The reader skips
        them later, since the entries between them belong to other turns."""
        try:
            oldest = self._entries[0][0]
        except IndexError:
            oldest = self.writer.epoch
        current = {t: n for t, n in self._retracted.items() if n > min(oldest, self.writer.epoch)}
        self._retracted = {**current, turn: number}
        self._newest = number
        self.writer.waiter.wake()
        self.reader.waiter.wake()
