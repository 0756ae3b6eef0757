"""Utterances and replies are matched to evidence."""

from __future__ import annotations

import pytest

from tests.scripted_agent import utterance
from vflow import MS
from vflow.bench.evidence import Interruption, Ledger, gather
from vflow.bench.microphone import SpokenStep
from vflow.bench.scenario import ScenarioStep
from vflow.graph.graph import Graph
from vflow.report.turn import TurnRecord


def turn(number: int, start_ms: int, decided_ms: int, **at_ms: int) -> TurnRecord:
    moments = {"speech_start": start_ms, "decided": decided_ms, **at_ms}
    return TurnRecord(number, at_ns={name: ms * MS for name, ms in moments.items()})


def uttered(at_ms: int, settled: bool = True) -> SpokenStep:
    """Make an utterance that sounds from 50 to 650 ms after its start."""
    return SpokenStep(ScenarioStep(utterance()), at_ms * MS, settled)


def found(utterances: list[SpokenStep], turns: list[TurnRecord]) -> tuple[Interruption, ...]:
    return gather(utterances, turns, Ledger(Graph("g.yaml")), Graph("g.yaml"), False).interruptions


def test_a_voice_that_fell_into_a_reply_is_an_interruption() -> None:
    first = turn(1, 0, 1000, audible=1100, flushed=2300, silent=2304)
    assert found([uttered(0), uttered(2000)], [first, turn(2, 1900, 2800)]) == (
        Interruption(1, 250.0, 4.0, 254.0),
    )


def test_a_reply_that_goes_on_beside_the_voice_ignores_it() -> None:
    first = turn(1, 0, 1000, audible=1100, silent=4000)
    assert found([uttered(0), uttered(2000)], [first]) == (Interruption(1),)


@pytest.mark.parametrize(
    "first",
    [
        turn(1, 0, 1000, audible=1100, silent=1900),
        turn(1, 0, 1000, audible=1100, flushed=2900, silent=2300),
        turn(1, 0, 1000, audible=2500, flushed=2600, silent=2600),
        turn(1, 0, 1000),
    ],
    ids=["over before", "over before the flush", "begun after", "never audible"],
)
def test_a_voice_beside_no_reply_is_no_interruption(first: TurnRecord) -> None:
    assert found([uttered(0), uttered(2000)], [first]) == ()


def test_an_utterance_in_two_turns_is_a_false_cut_and_answered_by_the_second() -> None:
    turns = [turn(1, 0, 300), turn(2, 400, 900, audible=1000)]
    evidence = gather([uttered(0)], turns, Ledger(Graph("g.yaml")), Graph("g.yaml"), False)
    assert evidence.false_cuts == 1
    assert evidence.asked[0].turn == 2
    assert evidence.asked[0].audible


def test_a_flush_while_nobody_speaks_is_a_false_barge_in() -> None:
    turns = [turn(1, 0, 900, audible=1000, flushed=3000, silent=3000)]
    evidence = gather([uttered(0)], turns, Ledger(Graph("g.yaml")), Graph("g.yaml"), False)
    assert evidence.false_barge_ins == 1


def test_the_turn_in_which_a_run_was_ended_counts_for_nothing() -> None:
    turns = [turn(1, 0, 900, audible=1000), turn(2, 5000, 5900)]
    utterances = [uttered(0), uttered(5000, settled=False)]
    evidence = gather(utterances, turns, Ledger(Graph("g.yaml")), Graph("g.yaml"), False)
    assert [reply.turn for reply in evidence.replies] == [1]
    assert len(evidence.asked) == 1
