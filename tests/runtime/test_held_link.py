from __future__ import annotations

from tests.runtime.test_link import End, drain
from tests.stand_ins import word
from vflow import MS, Eos, Pause, QueueOptions, TurnEnd
from vflow.clock import SystemClock, SystemWaiter
from vflow.runtime.held_link import HeldLink
from vflow.runtime.link import Entry


class Turns:
    """A held link, and the turns that it holds."""

    def __init__(self, after_grace: bool = False, **options: object) -> None:
        clock = SystemClock()
        clock.start()
        self.held = {2}
        self.doubted = {3}
        self.taken_back: set[int] = set()
        self.touched: list[int] = []
        self.dropped: list[int] = []
        self.link = HeldLink(
            "a.out -> b.in",
            QueueOptions(**options),  # type: ignore[arg-type]
            clock,
            lambda: self.dropped.append(1),
            self,  # type: ignore[arg-type]
            after_grace,
        )
        self.link.writer, self.link.reader = End(clock), End(clock)

    def touch(self, turn: int) -> None:
        self.touched.append(turn)

    def holds(self, turn: int) -> bool:
        return turn in self.held

    def doubts(self, turn: int) -> bool:
        return turn in self.held | self.doubted

    def was_taken_back(self, turn: int) -> bool:
        return turn in self.taken_back


def test_held_entry_and_all_after_it_wait_for_the_commit_in_order() -> None:
    turns = Turns()
    items = [word(0, turn=1), word(1, turn=2), TurnEnd(turn=2), word(2, turn=3), Eos()]
    for item in items:
        turns.link.put(item)
    assert drain(turns.link) == items[:1]
    assert not turns.link.ready
    turns.held.clear()
    turns.link.look_again()
    assert turns.link.ready
    assert drain(turns.link) == items[1:]
    assert turns.link.ended


def test_events_of_the_user_s_acts_are_not_held() -> None:
    turns = Turns()
    turns.link.put(Pause(turn=2))
    assert drain(turns.link) == [Pause(turn=2)]


def test_retracted_entries_hold_nothing_up() -> None:
    turns = Turns()
    turns.link.put(word(0, turn=2))
    turns.link.put(word(1, turn=3))
    turns.link.retract(2, 1)
    assert drain(turns.link) == [word(1, turn=3)]


def test_a_held_packet_is_as_old_as_its_commit() -> None:
    turns = Turns(max_age_ns=50 * MS)
    now = [0]
    turns.link._stamp_ns = lambda: now[0]  # type: ignore[method-assign]
    turns.link.put(word(0, turn=2))
    now[0] = 400 * MS
    turns.held.clear()
    turns.link.look_again()
    assert drain(turns.link) == [word(0, turn=2)]
    turns.link.put(word(1, turn=1))
    now[0] = 500 * MS
    assert drain(turns.link) == []


def test_each_item_that_is_put_counts_as_work_on_its_turn() -> None:
    turns = Turns()
    turns.link.put(word(0, turn=2))
    turns.link.put(TurnEnd(turn=3))
    assert turns.touched == [2, 3]


def test_a_commit_wakes_the_reader() -> None:
    turns = Turns()
    woken: list[bool] = []

    class Noted(SystemWaiter):
        def wake(self) -> None:
            woken.append(True)

    turns.link.reader.waiter = Noted(SystemClock())
    turns.link.look_again()
    assert woken == [True]


def test_an_item_that_a_flush_takes_while_it_is_taken_out_is_not_delivered() -> None:
    turns = Turns()
    link = turns.link
    link.put(word(0, turn=1))
    head, looks = link._head, 0

    def flushed_meanwhile() -> Entry | None:
        nonlocal looks
        found = head()
        looks += 1
        if looks == 1:
            link.purge(1)
            link.writer.epoch = 1
            link.put(word(1, turn=1))
        return found

    link._head = flushed_meanwhile  # type: ignore[method-assign]
    assert link.pop() == word(1, turn=1)
    assert (link.got_epoch, link.stats().stale) == (1, 1)


def test_a_link_has_ended_once_its_eos_is_taken_and_not_before() -> None:
    turns = Turns()
    turns.link.put(word(0, turn=1))
    turns.link.put(Eos())
    assert turns.link.pop() == word(0, turn=1)
    assert not turns.link.ended
    assert turns.link.pop() == Eos()
    assert turns.link.ended


def test_old_event_and_items_after_an_old_packet_are_delivered() -> None:
    turns = Turns(max_age_ns=-1)
    for item in (word(0, turn=1), TurnEnd(turn=1)):
        turns.link.put(item)
    assert drain(turns.link) == [TurnEnd(turn=1)]
    assert turns.link.stats().stale == 1


def test_drops_of_a_held_leaky_link_are_reported() -> None:
    turns = Turns(packets=2, policy="leaky-oldest")
    for index in range(5):
        turns.link.put(word(index, turn=2))
    assert len(turns.dropped) == turns.link.stats().dropped == 3
    assert turns.touched == [2] * 5


def test_only_a_link_after_the_grace_holds_doubtful_turns() -> None:
    for after_grace in (False, True):
        turns = Turns(after_grace)
        turns.link.put(word(0, turn=3))
        assert turns.link.ready != after_grace
        turns.doubted.clear()
        turns.link.look_again()
        assert drain(turns.link) == [word(0, turn=3)]


def test_link_after_the_grace_delivers_nothing_of_a_taken_back_turn() -> None:
    items = [word(0, turn=3), Pause(turn=3), TurnEnd(turn=3), word(1, turn=4), Eos(turn=3)]
    for after_grace in (False, True):
        turns = Turns(after_grace)
        for item in items:
            turns.link.put(item)
        turns.taken_back.add(3)
        turns.doubted.clear()
        assert drain(turns.link) == ([items[1], *items[3:]] if after_grace else items)
        assert turns.link.ended
