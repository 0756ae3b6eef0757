"""Turns in words: what a remark says to anybody, and a sentence to who wants every figure."""

from __future__ import annotations

import pytest

from vflow import MS
from vflow.cli.turn_texts import remark, sentence, slow_answers, table
from vflow.errors import Place
from vflow.graph.graph import Budget
from vflow.report.turn import Speculated, TurnRecord


def turn(number: int = 1, **at_ms: int) -> TurnRecord:
    return TurnRecord(number, at_ns={moment: ms * MS for moment, ms in at_ms.items()})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "heard after 0.8 s"),
        ({"interrupted": True, "heard": "Once"}, 'heard after 0.8 s; interrupted, you heard "Once"'),
        ({"interrupted": True, "heard": ""}, "heard after 0.8 s; interrupted before it was heard"),
        ({"interrupted": True, "taken_back": True}, "heard after 0.8 s; taken back, you spoke on"),
    ],
)
def test_a_remark_has_no_word_that_needs_explaining(changes: dict[str, object], said: str) -> None:
    found = turn(voice_off=1000, decided=1500, audible=1800)
    found.heard = "Once upon a time."
    for name, value in changes.items():
        setattr(found, name, value)
    assert remark(found) == said


def test_a_remark_on_a_typed_turn_counts_from_the_line() -> None:
    found = turn(decided=1000, audible=1250)
    found.heard = "Hi."
    assert remark(found) == "heard after 0.2 s"


def test_a_remark_says_why_nothing_was_heard() -> None:
    assert remark(turn(decided=1000)) == "no answer"
    assert remark(TurnRecord(1, words=["Hi."])) == "nothing was played"


def test_a_remark_is_empty_where_all_is_said() -> None:
    assert remark(TurnRecord(1, words=["Hi."], heard="Hi.")) == ""


@pytest.mark.parametrize(("audible", "said"), [(1900, ""), (2950, "slow: 1 of 2 answers were heard later")])
def test_answers_that_are_slower_than_the_budget_are_told_of(audible: int, said: str) -> None:
    budget = Budget("voice_off", 900 * MS, Place("g.yaml"))
    turns = [turn(1, voice_off=1000, audible=1100), turn(2, voice_off=1000, audible=audible)]
    text = slow_answers(budget, turns)
    assert text.startswith(said)
    assert bool(text) == bool(said)
    assert not said or "than 0.9 s after your last sound (the slowest after 1.9 s)" in text


def test_a_table_without_latencies_has_no_line() -> None:
    assert list(table([turn(decided=5000)])) == []


def test_sentence_marks_figures_without_a_recording() -> None:
    found = turn(voice_off=1000, decided=1500, first_word=1600, audible=1800)
    found.heard = "Hello."
    told = (
        "turn 1: end of speech seen after ~500 ms, first word after 100 ms, first sound after ~300 ms,"
        " from your last sound to the reply's first ~800 ms"
    )
    assert sentence(found) == told
    found.measured = True
    assert sentence(found) == told.replace("~", "")


@pytest.mark.parametrize(("heard", "told"), [("Once", 'heard: "Once"'), ("", "before it was heard")])
def test_sentence_quotes_the_heard_part_of_an_interrupted_reply(heard: str, told: str) -> None:
    found = turn(flushed=2000, silent=2040)
    found.interrupted, found.heard = True, heard
    text = sentence(found)
    assert text.startswith("turn 1: silent after an interruption in ~40 ms, interrupted")
    assert text.endswith(told)


@pytest.mark.parametrize(
    ("withheld", "told"),
    [
        ({"thought_tokens": 40}, "a thought of 40 tokens left unsaid"),
        ({"tool_calls": 1}, "1 tool call left unsaid"),
        ({"tool_calls": 2}, "2 tool calls left unsaid"),
        ({"made_up_turns": 1}, "cut where the model went on with your turn"),
    ],
)
def test_sentence_reports_withheld_thoughts_and_calls(withheld: dict[str, int], told: str) -> None:
    assert sentence(TurnRecord(1, heard="Hi.", withheld=withheld)) == f"turn 1: {told}"


def test_a_sentence_says_that_a_reply_was_taken_back_or_held() -> None:
    found = TurnRecord(1, heard="Hi.", interrupted=True, taken_back=True)
    assert sentence(found) == 'turn 1: interrupted, heard: "Hi.", taken back since you spoke on'
    assert sentence(TurnRecord(1, heard="Hi.", held_ns=400 * MS)) == "turn 1: held in vain for 400 ms"


def test_a_sentence_says_that_a_reply_was_prepared() -> None:
    found = TurnRecord(1, heard="Hi.", speculation=Speculated(result="hit"))
    assert sentence(found) == "turn 1: prepared in the pause"


def test_a_reply_without_a_question_is_said_to_be_played() -> None:
    assert sentence(TurnRecord(1, heard="Hi.")) == "turn 1: played"
