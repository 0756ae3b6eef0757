from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.stand_ins import PATIENCE_S, word
from vflow import MS, AudioPacket, Eos, Gap, QueueOptions, SpeechEnd, SystemClock
from vflow.clock import SystemWaiter, Waiter
from vflow.errors import Flushed, LinkFull, Stopped
from vflow.ports import Item
from vflow.runtime.link import TIMED_OF, Link, LinkStats

POLICIES = ["block", "leaky-oldest", "leaky-newest", "error"]


class End:
    """Stands in for the thread at one end of a link."""

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
        self.thread = threading.Thread(target=self._run, daemon=True)
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


class Noted(SystemWaiter):
    """Counts how often it is woken."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.wakes = 0

    def wake(self) -> None:
        self.wakes += 1
        super().wake()


def noted(queue: Link) -> tuple[Noted, Noted]:
    """Give a link counting waiters; return the writer's and the reader's."""
    queue.writer.waiter, queue.reader.waiter = writer, reader = Noted(), Noted()
    return writer, reader


def test_items_come_out_in_order_and_are_counted() -> None:
    queue = link()
    items: list[Item] = [word(0), SpeechEnd(), word(1)]
    for item in items:
        queue.put(item)
    assert drain(queue) == items
    stats = queue.stats()
    assert (stats.pushed, stats.dropped, stats.stale, stats.high_water) == (3, 0, 0, 3)


def test_link_knows_the_epoch_of_the_last_item_and_whether_it_was_the_eos() -> None:
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


def test_event_taken_by_pop_event_makes_room_for_a_blocked_writer() -> None:
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


def test_entry_of_an_old_epoch_put_after_the_purge_is_skipped() -> None:
    queue = link()
    queue.put(word(0))
    queue.floor = 1  # as a purge does that came between the put's check and its append
    assert queue.pop() is None
    assert queue.stats().stale == 1


def test_event_after_a_stale_packet_is_found_and_the_packets_audio_subtracted() -> None:
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


def test_packet_older_than_max_age_is_dropped_when_taken_out() -> None:
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


def test_above_a_few_entries_every_eighth_put_is_timed() -> None:
    queue = link()
    looks: list[int] = []
    queue._stamp_ns = lambda: looks.append(len(queue)) or 0
    for index in range(20):
        queue.put(word(index))
    assert looks == [0, 1, 2, 3, 8, 16]


def test_every_eighth_put_of_a_full_link_is_timed() -> None:
    queue = link(packets=10, policy="leaky-oldest")
    for index in range(50):
        queue.put(word(index))
        if index >= 20:
            assert any(queue.peek(at)[2] is not None for at in range(TIMED_OF))


def test_retraction_drops_one_turn_and_passes_others_and_newer_items() -> None:
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
    writer, reader = noted(queue)
    queue.retract(1, 1)
    assert (writer.wakes, reader.wakes) == (1, 1)
    queue.purge(2)
    assert (writer.wakes, reader.wakes) == (2, 2)


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


def test_link_forgets_a_retraction_once_both_ends_are_past_it() -> None:
    queue = link()
    for number in range(1, 50):
        queue.retract(number, number)
        queue.writer.epoch = number
    assert queue._retracted == {49: 49}


def test_a_new_link_is_empty_and_has_counted_nothing() -> None:
    queue = link()
    assert queue.stats() == LinkStats("a.out -> b.in", 0, 0, 0, 0, 0.0)
    assert (queue.floor, queue.queued_ns, len(queue)) == (0, 0, 0)
    assert (queue.blocked, queue.ended, queue.feedback, queue.ready) == (False, False, False, False)
    assert queue.pop() is queue.pop_event() is None
    assert queue.head_ns(by_pts=True) is queue.head_ns(by_pts=False) is None


def test_an_event_takes_no_time_of_a_link() -> None:
    queue = link(time_ns=1)
    for item in (SpeechEnd(), Gap(duration_ns=5 * MS)):
        queue.put(item)
    assert queue.queued_ns == 0
    assert len(drain(queue)) == 2


def test_a_put_wakes_a_reader_that_is_parked_and_no_other() -> None:
    queue = link()
    _, reader = noted(queue)
    queue.put(word(0))
    assert reader.wakes == 0
    reader.parked = True
    queue.put(word(1))
    assert reader.wakes == 1


def test_a_writer_that_does_not_wait_is_not_woken() -> None:
    queue = link(packets=4)
    writer, _ = noted(queue)
    for item in (word(0), SpeechEnd(), word(1)):
        queue.put(item)
    queue.unblock()
    assert queue.pop() == word(0)
    assert queue.pop_event() == SpeechEnd()
    assert queue.pop() == word(1)
    assert writer.wakes == 0


def test_reader_that_takes_everything_wakes_a_blocked_writer_once() -> None:
    queue = link(packets=4)
    writer, _ = noted(queue)
    putter = Putter(queue, [word(n) for n in range(5)])
    putter.wait_blocked()
    assert drain(queue)[:4] == [word(n) for n in range(4)]
    putter.join()
    assert writer.wakes == 1
    assert not queue.blocked


@pytest.mark.parametrize("how", ["flush", "retraction", "stop"])
def test_a_writer_whose_put_was_ended_is_not_blocked(how: str) -> None:
    queue = link(packets=1)
    putter = Putter(queue, [word(0), word(1, turn=2)])
    putter.wait_blocked()
    assert queue.blocked
    if how == "flush":
        queue.purge(1)
    elif how == "retraction":
        queue.retract(2, 1)
    else:
        assert isinstance(queue.writer, End)
        queue.writer.stopping = True
        queue.writer.waiter.wake()
    putter.join()
    assert not queue.blocked
    assert queue.stats().stale == {"flush": 2, "retraction": 1, "stop": 0}[how]


@pytest.mark.parametrize("policy", POLICIES)
def test_audio_that_a_flush_dropped_takes_no_room(policy: str) -> None:
    queue = link(time_ns=60 * MS, policy=policy)
    for number in (1, 2, 3):
        for _ in range(3):
            queue.put(block(20))
        queue.purge(number)
        queue.writer.epoch = number
    assert queue.queued_ns == 0
    queue.put(block(40))
    queue.put(block(20))
    assert (len(queue), queue.queued_ns) == (2, 60 * MS)
    assert (queue.stats().stale, queue.stats().dropped) == (9, 0)


@pytest.mark.parametrize("policy", ["leaky-oldest", "leaky-newest", "error"])
def test_one_packet_fills_a_link_that_it_is_longer_than(policy: str) -> None:
    queue = link(time_ns=10 * MS, policy=policy)
    first, second = block(20), block(30)
    queue.put(first)
    if policy == "error":
        with pytest.raises(LinkFull):
            queue.put(second)
    else:
        queue.put(second)
    (left,) = drain(queue)
    assert left is (second if policy == "leaky-oldest" else first)


def test_a_link_without_time_holds_one_packet_and_blocks_at_the_second() -> None:
    queue = link(time_ns=0)
    putter = Putter(queue, [word(0), word(1)])
    putter.wait_blocked()
    assert queue.pop() == word(0)
    putter.join()
    assert queue.pop() == word(1)


def test_a_bound_of_time_holds_beside_one_of_packets() -> None:
    queue = link(packets=4, time_ns=80 * MS, policy="leaky-newest")
    for _ in range(3):
        queue.put(block(20))
    queue.put(block(100))
    queue.put(block(20))  # refused by both
    assert [item.duration_ns // MS for item in drain(queue)] == [20, 20, 20, 100]  # type: ignore[union-attr]
    for _ in range(5):
        queue.put(block(1))  # refused by the number alone
    assert len(queue) == 4


@pytest.mark.parametrize("policy", POLICIES)
def test_an_eos_goes_into_a_full_link(policy: str) -> None:
    queue = link(packets=1, policy=policy)
    queue.put(word(0))
    queue.put(Eos())
    assert drain(queue) == [word(0), Eos()]
    assert queue.stats().dropped == 0


def test_an_event_waits_for_room_or_fails_where_nothing_is_dropped() -> None:
    queue = link(packets=1)
    putter = Putter(queue, [word(0), SpeechEnd()])
    putter.wait_blocked()
    drain(queue)
    putter.join()
    queue = link(packets=1, policy="error")
    queue.put(word(0))
    with pytest.raises(LinkFull):
        queue.put(SpeechEnd())


def test_a_leaky_link_full_of_events_takes_more() -> None:
    queue = link(packets=2, policy="leaky-oldest")
    items: list[Item] = [SpeechEnd(), SpeechEnd(), word(0)]
    for item in items:
        queue.put(item)
    assert drain(queue) == items
    assert queue.stats().dropped == 0
    assert queue.stats().high_water == 3


@pytest.mark.parametrize("policy", ["leaky-oldest", "leaky-newest"])
def test_each_dropped_packet_is_reported_and_counted_once(policy: str) -> None:
    drops: list[int] = []
    queue = link(lambda: drops.append(1), packets=2, policy=policy)
    for index in range(6):
        queue.put(word(index))
    stats = queue.stats()
    assert len(drops) == stats.dropped == 4
    assert (stats.high_water, stats.pushed) == (2, 6 if policy == "leaky-oldest" else 2)


def test_a_long_packet_makes_a_leaky_link_drop_as_many_as_fill_its_time() -> None:
    drops: list[int] = []
    queue = link(lambda: drops.append(1), packets=9, time_ns=60 * MS, policy="leaky-oldest")
    for ms in (20, 10, 10, 100, 5):  # the last finds 140 ms, and room only once the 100 are gone
        queue.put(block(ms))
    assert [item.duration_ns // MS for item in drain(queue)] == [5]  # type: ignore[union-attr]
    assert (len(drops), queue.queued_ns) == (4, 0)


def test_stale_and_old_audio_is_subtracted_when_it_is_skipped() -> None:
    queue = link()
    queue.put(block(20))
    queue.floor = queue.writer.epoch = 1
    queue.put(block(30))
    assert queue.queued_ns == 50 * MS
    assert isinstance(queue.pop(), type(block(1)))
    assert (queue.queued_ns, queue.stats().stale) == (0, 1)
    queue = link(max_age_ns=-1)
    queue.put(block(20))
    queue.put(block(30))
    assert queue.pop() is None
    assert (queue.queued_ns, queue.stats().stale) == (0, 2)


def test_each_refused_packet_is_counted() -> None:
    queue = link()
    queue.purge(1)
    for _ in range(3):
        with pytest.raises(Flushed):
            queue.put(word(0))
    assert (queue.stats().stale, queue.stats().pushed, len(queue)) == (3, 0, 0)


def test_longest_wait_is_reported_in_ms_to_the_microsecond() -> None:
    queue = link()
    now = [0]
    queue._stamp_ns = lambda: now[0]
    queue.put(word(0))
    now[0] = 1_234_567_890
    queue.pop()
    assert queue.stats().max_wait_ms == 1234.568


def test_an_event_is_never_too_old() -> None:
    queue = link(max_age_ns=-1)
    queue.put(SpeechEnd())
    assert queue.pop() == SpeechEnd()
    assert queue.stats().stale == 0


def test_next_entry_is_ordered_by_its_put_or_by_its_pts() -> None:
    queue = link()
    queue.time_all()
    queue._stamp_ns = iter(range(7, 100)).__next__
    queue.put(word(0, pts_ns=30))
    queue.put(Gap(pts_ns=50))
    assert (queue.head_ns(by_pts=True), queue.head_ns(by_pts=False)) == (30, 7)
    queue.floor = queue.writer.epoch = 1  # the stale ones decide nothing
    queue.put(word(1, pts_ns=90))
    assert (queue.head_ns(by_pts=True), queue.head_ns(by_pts=False)) == (90, 9)
    assert queue.stats().stale == 2


def test_an_event_that_a_flush_took_while_it_was_looked_at_is_not_delivered() -> None:
    queue = link()
    queue.put(SpeechEnd())
    head = queue._head

    def then_flushed() -> Any:
        found = head()
        queue.purge(1)
        return found

    queue._head = then_flushed  # type: ignore[method-assign]
    assert queue.pop_event() is None
    assert queue.stats().stale == 1


def test_a_stale_entry_that_a_flush_takes_while_it_is_skipped_is_counted_once() -> None:
    queue = link()
    queue.put(block(20))
    queue.floor = 1

    def flushed_meanwhile(*_: object) -> bool:
        queue.purge(2)
        return True

    queue._stale = flushed_meanwhile  # type: ignore[assignment, method-assign]
    assert queue.pop_event() is None
    assert (queue.stats().stale, queue.queued_ns) == (1, 0)


def test_a_link_remembers_a_retraction_while_its_writer_is_not_past_it() -> None:
    queue = link()
    queue.retract(1, 3)
    queue.retract(2, 4)
    assert queue._retracted == {1: 3, 2: 4}
    with pytest.raises(Flushed):
        queue.put(word(0, turn=1))
    queue.writer.epoch = 3
    queue.put(word(1, turn=1))
    with pytest.raises(Flushed):
        queue.put(word(2, turn=2))
    queue.retract(5, 5)
    assert queue._retracted == {2: 4, 5: 5}


def test_an_eos_is_neither_retracted_nor_refused_whatever_its_turn() -> None:
    queue = link()
    queue.put(Eos(turn=2))
    queue.retract(2, 1)
    assert drain(queue) == [Eos(turn=2)]
    queue = link()
    queue.retract(2, 1)
    queue.put(Eos(turn=2))
    assert drain(queue) == [Eos(turn=2)]


def test_an_eos_that_a_flush_came_after_is_taken_out() -> None:
    queue = link()
    queue.put(Eos())
    queue.floor = 1
    assert queue.pop() == Eos()
    assert queue.ended
