from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.stand_ins import PATIENCE_S, word
from vflow import MS, AudioPacket, Eos, QueueOptions, SpeechEnd, SystemClock
from vflow.clock import SystemWaiter, Waiter
from vflow.errors import Flushed, LinkFull, Stopped
from vflow.ports import Item
from vflow.runtime.link import Link


class End:
    """The thread at one end of a link."""

    def __init__(self, clock: SystemClock) -> None:
        self.epoch = 0
        self.waiter: Waiter = clock.waiter()
        self.stopping = False

    def check(self) -> None:
        if self.stopping:
            raise Stopped


def link(overflow: Callable[[], None] = lambda: None, **options: Any) -> Link:
    clock = SystemClock()
    clock.start()
    made = Link("a.out -> b.in", QueueOptions(**options), clock, overflow)
    made.writer, made.reader = End(clock), End(clock)
    return made


def block(ms: int, **values: Any) -> AudioPacket:
    return AudioPacket(data=np.zeros(ms * 16, np.float32), rate=16000, **values)


def drain(link: Link) -> list[Item]:
    items = []
    while (item := link.pop()) is not None:
        items.append(item)
    return items


class Putter:
    """A thread that puts items; `waits` is set whenever it is about to wait for room."""

    def __init__(self, link: Link, items: list[Item]) -> None:
        self.link, self.items = link, items
        self.raised: type[BaseException] | None = None
        self.waits = threading.Event()
        wait = link.writer.waiter.wait

        class Watched:
            parked = False

            def wait(_, deadline_ns: int | None = None) -> None:
                self.waits.set()
                wait(deadline_ns)

            wake = link.writer.waiter.wake

        link.writer.waiter = Watched()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            for item in self.items:
                self.link.put(item)
        except (Flushed, Stopped) as signal:
            self.raised = type(signal)

    def wait_blocked(self) -> None:
        assert self.waits.wait(PATIENCE_S)

    def join(self) -> None:
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()


def test_items_come_out_in_order_and_are_counted() -> None:
    queue = link()
    items: list[Item] = [word(0), SpeechEnd(), word(1)]
    for item in items:
        queue.put(item)
    assert drain(queue) == items
    stats = queue.stats()
    assert (stats.pushed, stats.dropped, stats.stale, stats.high_water) == (3, 0, 0, 3)


def test_a_link_knows_of_which_epoch_the_last_item_was_and_whether_it_was_the_eos() -> None:
    queue = link()
    queue.writer.epoch = 3
    queue.put(word(0))
    queue.put(Eos())
    assert queue.ready is True
    assert queue.pop() == word(0)
    assert (queue.got_epoch, queue.ended) == (3, False)
    assert queue.pop() == Eos()
    assert queue.ended


def test_put_blocks_at_the_bound_until_the_link_is_half_empty() -> None:
    queue = link(packets=4)
    putter = Putter(queue, [word(n) for n in range(6)])
    putter.wait_blocked()
    assert queue.pop() == word(0)
    assert putter.thread.is_alive()
    assert queue.pop() == word(1)
    putter.join()
    assert drain(queue) == [word(n) for n in range(2, 6)]


def test_under_load_a_blocking_link_loses_nothing() -> None:
    queue = link(packets=3)
    putter = Putter(queue, [word(n) for n in range(5000)])
    got: list[Item] = []
    while len(got) < 5000:
        queue.reader.waiter.parked = True
        if len(queue):
            queue.reader.waiter.parked = False
            got += drain(queue)
        else:
            queue.reader.waiter.wait()
    putter.join()
    assert got == [word(n) for n in range(5000)]
    assert queue.stats().high_water <= 3


def test_a_link_is_full_at_its_time_of_audio() -> None:
    queue = link(packets=100, time_ns=60 * MS)
    putter = Putter(queue, [block(20) for _ in range(4)])
    putter.wait_blocked()
    assert len(queue) == 3
    drain(queue)
    putter.join()


def test_a_writer_blocked_by_time_goes_on_when_half_of_the_audio_is_taken() -> None:
    queue = link(packets=100, time_ns=80 * MS)
    putter = Putter(queue, [block(20) for _ in range(5)])
    putter.wait_blocked()
    queue.pop()
    assert queue.blocked
    queue.pop()
    putter.join()
    assert len(queue) == 3


def test_audio_that_a_blocked_writer_put_is_not_counted_as_free_entries() -> None:
    queue = link(packets=4, time_ns=1000 * MS)
    putter = Putter(queue, [block(20) for _ in range(5)])
    putter.wait_blocked()
    queue.pop()
    assert queue.blocked
    queue.pop()
    putter.join()


def test_an_event_taken_at_a_look_makes_room_for_a_blocked_writer() -> None:
    queue = link(packets=1)
    putter = Putter(queue, [SpeechEnd(), word(0)])
    putter.wait_blocked()
    assert queue.pop_event() == SpeechEnd()
    putter.join()
    assert drain(queue) == [word(0)]


def test_a_reader_that_waits_for_another_link_leaves_the_writer_of_a_full_one_blocked() -> None:
    queue = link(packets=1)
    putter = Putter(queue, [word(0), word(1)])
    putter.wait_blocked()
    queue.unblock()
    assert queue.blocked
    queue.pop()
    putter.join()


def test_a_packet_longer_than_the_bound_fits_an_empty_link() -> None:
    queue = link(time_ns=10 * MS)
    queue.put(block(500))
    assert len(queue) == 1


def test_a_stop_ends_a_blocked_put() -> None:
    queue = link(packets=1)
    putter = Putter(queue, [word(0), word(1)])
    putter.wait_blocked()
    assert isinstance(queue.writer, End)
    queue.writer.stopping = True
    queue.writer.waiter.wake()
    putter.join()
    assert putter.raised is Stopped


def test_a_purge_ends_a_blocked_put() -> None:
    queue = link(packets=1)
    putter = Putter(queue, [word(0), word(1)])
    putter.wait_blocked()
    queue.purge(1)
    putter.join()
    assert putter.raised is Flushed
    assert drain(queue) == []
    assert queue.stats().stale == 2


def test_a_put_below_the_floor_is_refused_but_never_an_eos() -> None:
    queue = link()
    queue.purge(3)
    with pytest.raises(Flushed):
        queue.put(word(0))
    queue.put(Eos())
    assert drain(queue) == [Eos()]


def test_a_purge_keeps_the_eos_and_drops_the_rest() -> None:
    queue = link()
    items: list[Item] = [word(0), SpeechEnd(), Eos()]
    for item in items:
        queue.put(item)
    queue.purge(1)
    assert drain(queue) == [Eos()]
    assert queue.stats().stale == 2


def test_what_was_put_by_an_old_epoch_behind_the_purge_is_skipped() -> None:
    queue = link()
    queue.put(word(0))
    queue.floor = 1  # as a purge does that came between the put's check and its append
    assert queue.pop() is None
    assert queue.stats().stale == 1


def test_an_event_behind_a_stale_packet_is_found_and_its_audio_counted_out() -> None:
    queue = link()
    queue.put(block(20))
    queue.floor = queue.writer.epoch = 1
    queue.put(SpeechEnd())
    assert queue.pop_event() == SpeechEnd()
    assert queue.queued_ns == 0
    assert queue.stats().stale == 1


def test_an_event_of_another_turn_is_found_after_a_retraction() -> None:
    queue = link()
    queue.put(SpeechEnd(turn=3))
    queue.retract(2, 1)
    assert queue.pop_event() == SpeechEnd(turn=3)
    assert queue.stats().stale == 0


def test_an_entry_that_a_purge_took_first_is_not_taken_again() -> None:
    queue = link()
    queue.put(word(0))
    entry = queue._entries[0]
    queue.purge(1)
    assert not queue._remove(entry)
    queue.writer.epoch = 1
    queue.put(word(1))
    assert not queue._remove(entry)
    assert drain(queue) == [word(1)]


def test_pop_event_leaves_a_packet_and_an_eos() -> None:
    queue = link()
    queue.put(word(0))
    assert queue.pop_event() is None
    assert queue.pop() == word(0)
    queue.put(Eos())
    assert queue.pop_event() is None
    assert queue.pop() == Eos()


def test_a_keep_link_is_not_refused() -> None:
    queue = link(keep=True)
    queue.put(word(0))
    queue.floor = 1
    queue.put(word(1))
    assert drain(queue) == [word(0), word(1)]


def test_a_second_eos_is_ignored() -> None:
    queue = link()
    queue.put(Eos())
    queue.put(Eos())
    assert drain(queue) == [Eos()]


def test_leaky_oldest_drops_the_oldest_packets_and_no_event() -> None:
    drops: list[int] = []
    queue = link(lambda: drops.append(1), packets=3, policy="leaky-oldest")
    items: list[Item] = [SpeechEnd(), word(0), word(1), word(2), word(3)]
    for item in items:
        queue.put(item)
    assert drain(queue) == [SpeechEnd(), word(2), word(3)]
    assert queue.stats().dropped == len(drops) == 2


def test_leaky_newest_drops_the_new_packet_and_no_event() -> None:
    queue = link(packets=2, policy="leaky-newest")
    items: list[Item] = [word(0), word(1), word(2), SpeechEnd()]
    for item in items:
        queue.put(item)
    assert drain(queue) == [word(0), word(1), SpeechEnd()]
    assert queue.stats().dropped == 1


def test_leaky_links_count_their_audio_exactly() -> None:
    queue = link(packets=100, time_ns=60 * MS, policy="leaky-oldest")
    for _ in range(10):
        queue.put(block(20))
    assert queue.queued_ns == 60 * MS
    drain(queue)
    assert queue.queued_ns == 0


@pytest.mark.parametrize("policy", ["leaky-oldest", "leaky-newest"])
def test_a_leaky_link_gives_an_entry_out_only_while_its_writer_cannot_drop_one(policy: str) -> None:
    queue = link(policy=policy)

    class Guarded(deque[Any]):
        def popleft(self) -> Any:
            assert queue._mutex.locked()
            return super().popleft()

    queue._entries = Guarded()
    queue.put(word(0))
    assert drain(queue) == [word(0)]


def test_an_overflow_may_flush() -> None:
    queue = link(packets=1, policy="leaky-oldest")
    queue._overflow = lambda: queue.purge(1)
    queue.put(word(0))
    putter = threading.Thread(target=queue.put, args=[word(1)], daemon=True)
    putter.start()
    putter.join(PATIENCE_S)
    assert not putter.is_alive()


def test_a_full_link_with_the_policy_error_raises() -> None:
    queue = link(packets=1, policy="error")
    queue.put(word(0))
    with pytest.raises(LinkFull, match=r"a\.out -> b\.in is full"):
        queue.put(word(1))


def test_what_waited_longer_than_max_age_is_dropped_when_taken_out() -> None:
    queue = link(max_age_ns=-1)
    queue.put(word(0))
    queue.put(SpeechEnd())
    assert drain(queue) == [SpeechEnd()]


def test_the_longest_wait_is_reported_and_a_packet_exactly_as_old_as_max_age_passes() -> None:
    queue = link(max_age_ns=50 * MS)
    now = [0]
    queue._stamp_ns = lambda: now[0]
    waits = (20, 50, 10, 51)
    for index, wait_ms in enumerate(waits):
        queue.put(word(index))
        now[0] += wait_ms * MS
        assert drain(queue) == ([] if wait_ms > 50 else [word(index)])
    stats = queue.stats()
    assert (stats.max_wait_ms, stats.stale) == (50.0, 1)


def test_max_age_holds_for_every_packet_however_many_wait() -> None:
    queue = link(max_age_ns=-1)
    for index in range(20):
        queue.put(word(index))
    assert drain(queue) == []


def test_behind_the_first_entries_one_put_in_eight_is_timed() -> None:
    queue = link()
    looks: list[int] = []
    queue._stamp_ns = lambda: looks.append(len(queue)) or 0
    for index in range(20):
        queue.put(word(index))
    assert looks == [0, 1, 2, 3, 8, 16]


def test_a_retraction_takes_back_one_turn_and_lets_the_others_and_what_is_newer_through() -> None:
    queue = link(keep=True)
    said = SpeechEnd(turn=2)
    for item in (word(0, turn=1), word(1, turn=2), said, word(2, turn=3)):
        queue.put(item)
    queue.retract(2, 5)
    with pytest.raises(Flushed):
        queue.put(word(3, turn=2))
    queue.writer.epoch = 5
    queue.put(word(4, turn=2))
    assert [item if item is said else item.index for item in drain(queue)] == [0, said, 2, 4]  # type: ignore[union-attr]
    assert queue.stats().stale == 2


def test_a_retraction_wakes_both_ends_of_the_link() -> None:
    queue = link()
    woken: list[str] = []

    class Noted(SystemWaiter):
        name = ""

        def wake(self) -> None:
            woken.append(self.name)

    for name, end in (("writer", queue.writer), ("reader", queue.reader)):
        end.waiter = waiter = Noted(SystemClock())
        waiter.name = name
    queue.retract(1, 1)
    assert sorted(woken) == ["reader", "writer"]
    queue.purge(2)
    assert sorted(woken) == ["reader", "reader", "writer", "writer"]


def test_an_older_retraction_holds_while_entries_from_before_it_are_queued() -> None:
    queue = link(keep=True)
    queue.put(word(0, turn=1))
    queue.retract(1, 1)
    queue.writer.epoch = 1
    queue.put(word(1, turn=2))
    queue.retract(2, 2)
    assert drain(queue) == []


def test_a_put_that_waits_for_room_is_refused_when_its_turn_is_retracted() -> None:
    queue = link(packets=1)
    putter = Putter(queue, [word(0, turn=1), word(1, turn=2)])
    putter.wait_blocked()
    queue.retract(2, 1)
    putter.join()
    assert putter.raised is Flushed
    assert drain(queue) == [word(0, turn=1)]


def test_a_link_remembers_no_retraction_that_both_its_ends_are_past() -> None:
    queue = link()
    for number in range(1, 50):
        queue.retract(number, number)
        queue.writer.epoch = number
    assert len(queue._retracted) <= 2
