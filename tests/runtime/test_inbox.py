from __future__ import annotations

from tests.runtime.test_link import Putter, link
from tests.stand_ins import word
from vflow import Eos, Gap
from vflow.ports import Item
from vflow.runtime.inbox import Inbox


def take_all(inbox: Inbox) -> list[Item]:
    items = []
    while (item := inbox.take()) is not None:
        items.append(item)
    return items


def test_by_arrival_the_oldest_entry_comes_first_and_no_link_is_waited_for() -> None:
    one, two = link(), link()
    one._stamp_ns = two._stamp_ns = iter(range(100)).__next__
    inbox = Inbox([one, two], by_pts=False)
    for index in range(40):
        (two, one, one)[index % 3].put(word(index))
    assert take_all(inbox) == [word(n) for n in range(40)]


def test_by_pts_the_earliest_comes_first_once_each_link_has_an_entry() -> None:
    one, two = link(), link()
    inbox = Inbox([one, two], by_pts=True)
    one.put(word(0, pts_ns=10))
    assert not inbox.ready
    two.put(word(1, pts_ns=5))
    assert take_all(inbox) == [word(1, pts_ns=5)]


def test_by_pts_a_gap_moves_time_on_and_goes_no_further() -> None:
    one, two = link(), link()
    inbox = Inbox([one, two], by_pts=True)
    one.put(word(0, pts_ns=10))
    two.put(Gap(pts_ns=0, duration_ns=20))
    two.put(word(1, pts_ns=20))
    assert take_all(inbox) == [word(0, pts_ns=10)]


def test_by_pts_an_ended_link_is_not_waited_for() -> None:
    one, two = link(), link()
    inbox = Inbox([one, two], by_pts=True)
    two.put(Eos())
    one.put(word(0, pts_ns=10))
    assert take_all(inbox) == [Eos(), word(0, pts_ns=10)]
    assert not inbox.ended


def test_by_pts_a_stale_entry_does_not_decide_which_link_is_next() -> None:
    one, two = link(), link()
    inbox = Inbox([one, two], by_pts=True)
    one.put(word(0, pts_ns=0))
    one.floor = one.writer.epoch = 1
    one.put(word(1, pts_ns=20))
    two.put(word(2, pts_ns=10))
    assert take_all(inbox) == [word(2, pts_ns=10)]


def test_a_writer_is_woken_below_its_bound_when_the_reader_waits_for_another_link() -> None:
    full, other = link(packets=4), link()
    inbox = Inbox([full, other], by_pts=True)
    putter = Putter(full, [word(n, pts_ns=n) for n in range(5)])
    putter.wait_blocked()
    other.put(word(0, pts_ns=0))
    assert len(take_all(inbox)) == 2  # of `full` one: there is room, but it is not half empty
    inbox.unblock()
    putter.join()


def test_eos_of_a_link_that_closes_a_cycle_is_not_waited_for() -> None:
    forth, back = link(), link()
    back.feedback = True
    inbox = Inbox([forth, back], by_pts=False)
    forth.put(Eos())
    back.put(Eos())
    assert take_all(inbox) == [Eos()]
    assert inbox.ended
