"""Flushes that one thread has still to apply: bounded, judged once, owed to a node that is suspended."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from vflow import Flush, Pause, TextPacket
from vflow.runtime.pending_flushes import MAX_PENDING, PendingFlushes
from vflow.runtime.runner import Verdict


def runner(name: str = "node", item: Any = None, is_source: bool = False) -> Any:
    return SimpleNamespace(name=name, item=item, is_source=is_source)


def flush(number: int, turn: int = 1, **values: Any) -> Flush:
    return Flush(number, turn, nodes=frozenset(["node"]), **values)


def pending(*flushes: Flush) -> PendingFlushes:
    made = PendingFlushes(threading.Lock())
    for one in flushes:
        made.hand(one)
    return made


def test_flushes_beyond_the_limit_are_joined_under_the_newest_number() -> None:
    made = pending(*(flush(n, turn=n) for n in range(1, 3 * MAX_PENDING)))
    assert len(made.queue) == MAX_PENDING + 1
    assert made.queue[-1].number == 3 * MAX_PENDING - 1
    assert made.queue[-1].turn == 3 * MAX_PENDING - 1


def test_joined_flushes_reach_everything_that_each_reached() -> None:
    made = pending(*(Flush(n, 1, nodes=frozenset([f"node {n}"])) for n in range(1, MAX_PENDING + 5)))
    reached = frozenset.union(*(one.nodes for one in made.queue))
    assert reached == {f"node {n}" for n in range(1, MAX_PENDING + 5)}


def test_retraction_is_never_joined_with_flushes() -> None:
    made = pending(*(flush(n, retracts=True) for n in range(1, MAX_PENDING + 5)))
    assert [one.number for one in made.queue] == list(range(1, MAX_PENDING + 5))


def test_a_full_queue_of_flushes_may_wait_after_a_judged_one() -> None:
    made = pending(flush(1), flush(2))
    made.judge_up_to(1)
    for number in range(3, 3 + MAX_PENDING):
        made.hand(flush(number))
    assert [one.number for one in made.queue] == list(range(1, 3 + MAX_PENDING))


def test_a_flush_that_was_judged_is_not_joined_with_a_newer_one() -> None:
    made = pending(*(flush(n) for n in range(1, MAX_PENDING + 2)))
    made.judge_all()
    made.hand(flush(100))
    taken = [one.number for one in iter(made.take_judged, None)]
    assert taken == list(range(1, MAX_PENDING + 2))
    assert [one.number for one in made.queue] == [100]


def test_only_flushes_up_to_an_epoch_are_taken() -> None:
    made = pending(flush(3), flush(5), flush(8))
    made.judge_up_to(5)
    assert [one.number for one in iter(made.take_judged, None)] == [3, 5]
    assert made.take_judged() is None


def test_a_generator_is_ended_for_a_cancelled_turn_and_goes_on_with_a_newer_one() -> None:
    made = pending(Flush(1, 2, origins=frozenset(["node"])))
    assert made.concerns(runner(), 2)
    assert not made.concerns(runner(), 3)
    assert not made.concerns(runner("other"), 2)
    assert not made.concerns(runner(), None)  # it works on nothing
    assert not made.concerns(runner(is_source=True), 2)


def test_all_work_downstream_of_a_flush_is_ended() -> None:
    made = pending(flush(1, turn=2))
    assert made.concerns(runner(), 3)
    assert made.concerns(runner(), None)


def test_a_verdict_without_a_flush_unwinds_to_the_sender() -> None:
    assert pending().judge(runner(), 1) is Verdict.UNWIND


def test_node_upstream_of_the_flush_drops_cancelled_packets_and_resends_newer_ones() -> None:
    made = pending(Flush(1, 2, origins=frozenset(["node"]), nodes=frozenset(["tts"])))
    assert made.judge(runner(), 2) is Verdict.DROP
    assert made.judge(runner(), 3) is Verdict.RETRY


def test_a_retraction_ends_work_at_a_pause_and_spares_work_on_a_transcript() -> None:
    made = pending(Flush(1, 1, origins=frozenset(["node"]), nodes=frozenset(["tts"]), retracts=True))
    assert not made.spares(runner(item=Pause(turn=1)))
    assert made.spares(runner(item=TextPacket(text="hello", turn=1)))


def test_a_retraction_ends_work_at_its_own_turns_pause_alone() -> None:
    made = pending(Flush(1, 2, origins=frozenset(["node"]), retracts=True))
    assert made.concerns(runner(item=Pause(turn=2)), 2)
    assert not made.concerns(runner(item=TextPacket(text="hello", turn=2)), 2)
    assert not made.concerns(runner(item=Pause(turn=1)), 1)
    assert not made.spares(runner("other", item=TextPacket(text="hello", turn=2)))


def test_a_retraction_ends_nothing_of_a_runner_that_works_on_no_turn() -> None:
    assert not pending(flush(1, turn=1, retracts=True)).concerns(runner(), None)


def test_a_flush_spares_no_generator_and_an_owed_one_neither() -> None:
    assert not pending(Flush(1, 1, origins=frozenset(["node"]))).spares(runner())
    made = pending()
    assert made.spares(runner())
    made.owed.append(Flush(1, 1, origins=frozenset(["node"])))
    assert not made.spares(runner())
    assert made.judge(runner("sender"), 1) is Verdict.DROP


def test_flushes_judged_by_a_verdict_are_taken_and_later_ones_stay() -> None:
    made = pending(flush(1), flush(2))
    made.judge(runner(), 1)
    made.hand(flush(3))
    assert [one.number for one in iter(made.take_judged, None)] == [1, 2]
    assert [one.number for one in made.queue] == [3]


def test_a_node_downstream_of_one_flush_of_several_is_unwound() -> None:
    made = pending(Flush(1, 2, nodes=frozenset(["tts"])), flush(2, turn=1))
    assert made.judge(runner(), 3) is Verdict.UNWIND
    assert made.judge(runner("other"), 2) is Verdict.DROP


def test_an_owed_flush_still_ends_work_until_it_is_taken() -> None:
    made = pending()
    made.owed.append(flush(1, turn=2))
    assert made.concerns(runner(), 2)
    assert [one.number for one in made.take_owed()] == [1]
    assert not made.concerns(runner(), 2)


def test_a_retraction_unwinds_work_on_its_own_turn_alone() -> None:
    made = pending(flush(1, turn=2, retracts=True))
    assert made.judge(runner(), 2) is Verdict.UNWIND
    assert made.judge(runner(), 1) is Verdict.RETRY
    assert made.judge(runner("other"), 2) is Verdict.DROP


def test_a_retraction_ends_work_downstream_on_its_own_turn_alone() -> None:
    made = pending(flush(1, turn=2, retracts=True))
    assert made.concerns(runner(), 2)
    assert not made.concerns(runner(), 1)
    assert made.concerns(runner(is_source=True), 2)


def test_work_in_no_turn_is_ended_by_any_flush_of_its_outputs() -> None:
    made = pending(Flush(1, 0, origins=frozenset(["node"])))
    assert made.concerns(runner(), 0) is True
    assert made.concerns(runner(), 1) is False
    assert made.judge(runner(), 0) is Verdict.DROP


def test_before_any_flush_nothing_is_taken_or_concerned() -> None:
    made = pending()
    assert made.concerns(runner(), 1) is False
    assert made.spares(runner()) is True
    assert (made.take_judged(), made.take_owed()) == (None, [])
    made.hand(flush(1))
    assert made.take_judged() is None, "it is not judged"


def test_one_flush_of_several_ends_work_though_the_others_do_not() -> None:
    made = pending(Flush(1, 2, origins=frozenset(["node"])), Flush(2, 9, nodes=frozenset(["tts"])))
    assert made.concerns(runner(), 2)
    assert not made.concerns(runner(), 5)
    assert made.judge(runner(), 5) is Verdict.DROP
    assert made.judge(runner(), 10) is Verdict.RETRY


def test_each_judged_flush_is_taken_once() -> None:
    made = pending(flush(1), flush(2), flush(3))
    made.judge_up_to(2)
    taken = [made.take_judged() for _ in range(4)]
    assert [one and one.number for one in taken] == [1, 2, None, None]
    made.judge_up_to(0)
    assert made.take_judged() is None
    made.judge_all()
    assert [one.number for one in iter(made.take_judged, None)] == [3]
