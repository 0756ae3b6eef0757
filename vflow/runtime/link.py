"""Links: where two threads meet. Bounded in packets and in time, with a policy, and counted.

A link has one writing and one reading thread, and a flush may come from any third. Entries carry the
epoch of the thread that put them; what lies below the link's floor is refused at both ends. A put and a
pop of a blocking link take no lock: each counter has one writer, and `deque` operations are atomic.
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
        """Raises: Stopped where the thread has to leave."""


TIMED, TIMED_OF = 4, 8
"""Behind so many entries one put in eight is timed, others always: two looks at the clock are a tenth of
what a link costs."""

Entry = tuple[int, Item, int | None, int]
"""The writer's epoch, the item, when it was put, where that was timed, and its duration."""


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

    `packet` and `event` take what comes out, in the reader's thread. `put` is for the writer's thread,
    `purge` and `retract` for any, under the flush lock; the rest is for the reader's.
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
        self.writer: LinkEnd
        self.reader: LinkEnd
        self.packet: Callable[[Any], None]
        self.event: Callable[[Any], None]
        self.ended = False
        """Whether its eos has been taken out."""
        self.feedback = False
        """Whether it closes a cycle: its eos is waited for by nobody, since it comes of the reader's own."""
        self.got_epoch: int
        """The epoch of the entry that was taken last; the reader's."""
        self._stamp_ns = clock.stamp_ns
        self._packets, self._time_ns = options.packets, options.time_ns
        self._max_age_ns = float("inf") if options.max_age_ns is None else options.max_age_ns
        self._timed = TIMED if options.max_age_ns is None else sys.maxsize
        self._overflow = overflow
        self._entries: deque[Entry] = deque()
        self._low_water = options.packets // 2
        self._leaky = options.policy.startswith("leaky")
        self._mutex = threading.Lock()  # held by all that take entries out, but the reader of a blocking link
        self._pushed = self._refused = self._high_water = 0  # written by the writer
        self._put_ns = self._leaked = self._leaked_ns = 0
        self._eos_put = self._blocked = False
        self._got_ns = self._skipped = self._max_wait_ns = 0  # written by the reader
        self._purged = 0  # written under the pipeline's flush lock
        self._dropped_ns = 0  # audio that a purge or the policy dropped; guarded by _mutex

    def time_all(self) -> None:
        """Time each put: the reader orders entries of several links by it."""
        self._timed = sys.maxsize

    @property
    def floor(self) -> int:
        """What was put by an older epoch is stale."""
        return self._floor

    @floor.setter
    def floor(self, number: int) -> None:
        self._floor = self._newest = number

    @property
    def blocked(self) -> bool:
        """Whether its writer waits for room; any thread."""
        return self._blocked

    @property
    def queued_ns(self) -> int:
        """Audio waiting in the link, in ns; any thread."""
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
        """Append an item; where the link is full, its policy decides. What comes behind an eos is another
        eos, of a thread that was unwound while it delivered the first: it is ignored.

        Raises: Flushed where the writer's epoch is stale (an eos never is), Stopped, LinkFull.
        """
        duration_ns = 0
        if isinstance(item, Packet):
            duration_ns = item.duration_ns
        elif isinstance(item, Eos):
            if self._eos_put:
                return
            self._eos_put = True
        epoch = self.writer.epoch
        if epoch < self._newest and self._stale(epoch, item):
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
        if waiter.parked:
            waiter.wake()

    def _stale(self, epoch: int, item: Item) -> bool:
        """Whether a flush has made this item of a writer at `epoch` stale; an eos never is."""
        if epoch < self._retracted.get(item.turn, 0) and not isinstance(item, (*SAID, Eos)):
            return True
        return epoch < self._floor and not (self.options.keep or isinstance(item, Eos))

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
        """The next item that is not stale, or None."""
        entries = self._entries
        while entries:
            try:
                if self._leaky:
                    with self._mutex:
                        epoch, item, put_ns, duration_ns = entries.popleft()
                else:
                    epoch, item, put_ns, duration_ns = entries.popleft()
            except IndexError:  # a purge was faster
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
        """Note how long an item has waited; True for a packet that `max_age` drops."""
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
        """Let a blocked writer go on at low water."""
        if len(self._entries) <= self._low_water and self.queued_ns <= self._time_ns // 2:
            self._release()

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
            is_first = bool(self._entries) and self._entries[0] is entry
            if is_first:
                self._entries.popleft()
                self._got_ns += entry[3]
        if self._blocked:
            self._ease()
        return is_first

    def purge(self, floor: int) -> None:
        """Make what was put by epochs below `floor` stale, and drop it; an eos stays."""
        self.floor = floor
        with self._mutex, suppress(IndexError):  # none is left, or the reader was faster
            while True:
                entry = self._entries.popleft()
                if isinstance(entry[1], Eos):  # the last one
                    self._entries.append(entry)
                    break
                self._purged += 1
                self._dropped_ns += entry[3]
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
