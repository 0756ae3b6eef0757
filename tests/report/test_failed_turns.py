"""A run fails if every turn of it ended in an error."""

from __future__ import annotations

import pytest

from vflow import Message
from vflow.report.failed_turns import FailedTurns
from vflow.report.turn import TurnRecord


def turn(number: int, stop_reason: str | None = "eos", words: str = "", **more: object) -> TurnRecord:
    record = TurnRecord(number, user="Hello?", words=words.split(), stop_reason=stop_reason)
    for name, value in more.items():
        setattr(record, name, value)
    return record


def failed_in(*turns: object) -> FailedTurns:
    failed = FailedTurns()
    for number in turns:
        failed.listen(Message("warning", "stt", text=f"turn {number} is lost", data={"failed_turn": number}))
    return failed


def test_turns_that_all_ended_in_an_error_are_counted() -> None:
    turns = [turn(1, "error"), turn(2, "error", words="Well,", heard="Well,")]
    assert failed_in().verdict(turns) == "nothing was answered: each of 2 turns ended in an error"
    assert failed_in().verdict(turns[:1]) == "nothing was answered: the only turn ended in an error"


def test_the_last_reason_is_named() -> None:
    assert failed_in(2, 1, 2).verdict([turn(1), turn(2)]).endswith("; the last: stt: turn 2 is lost")


def test_a_turn_that_a_node_failed_in_is_failed_where_nothing_of_it_was_heard() -> None:
    assert failed_in(1).verdict([turn(1)])
    assert failed_in(1).verdict([turn(1, words="One two.")])  # its voice failed
    assert not failed_in(1).verdict([turn(1, words="One two.", heard="two.")])


@pytest.mark.parametrize("number", [True, 0, "1", None, 1.0])
def test_an_invalid_number_of_a_turn_is_left_out(number: object) -> None:
    assert not failed_in(number).verdict([turn(1)])


def test_a_run_with_one_answer_or_without_turns_has_not_failed() -> None:
    assert not failed_in().verdict([turn(1, "error"), turn(2, words="Yes.", heard="Yes.")])
    assert not failed_in().verdict([turn(1, "error"), turn(2)])  # an answer without words is no error
    assert not failed_in().verdict([])


def test_interrupted_and_empty_turns_do_not_count() -> None:
    others = [turn(2, "flush", interrupted=True), turn(3, user="")]
    assert failed_in().verdict([turn(1, "error"), *others])
    assert not failed_in().verdict(others)
