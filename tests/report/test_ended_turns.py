"""Which turns are open, and who has been given those that ended."""

from __future__ import annotations

from vflow.report.ended_turns import EndedTurns
from vflow.report.turn import TurnRecord


def ended(number: int) -> TurnRecord:
    return TurnRecord(number, at_ns={"decided": 1, "reply_end": 2})


def test_each_reader_gets_each_turn_once() -> None:
    turns = EndedTurns(kept=10)
    turns.settle(ended(1), had_ended=False)
    late = turns.new_reader()
    turns.settle(ended(3), had_ended=False)
    turns.settle(ended(2), had_ended=False)
    assert (turns.take(), turns.take(late)) == ([1, 2, 3], [2, 3])
    assert (turns.take(), turns.take(late)) == ([], [])


def test_turn_that_had_ended_already_is_not_given_again() -> None:
    turns = EndedTurns(kept=10)
    turns.settle(ended(1), had_ended=True)
    assert turns.take() == []


def test_turn_is_open_from_its_decision_or_first_word_until_its_end() -> None:
    turns = EndedTurns(kept=10)
    turns.settle(TurnRecord(1), had_ended=False)
    assert turns.open == {}
    turns.settle(TurnRecord(1, at_ns={"decided": 1}), had_ended=False)
    turns.settle(TurnRecord(2, words=["Hello."]), had_ended=False)
    assert list(turns.open) == [1, 2]
    turns.settle(ended(1), had_ended=False)
    assert list(turns.open) == [2]


def test_reader_who_never_reads_keeps_only_the_newest() -> None:
    turns = EndedTurns(kept=3)
    for number in range(10):
        turns.settle(ended(number), had_ended=False)
    assert turns.take() == [7, 8, 9]
