"""One turn's record: its latencies, when its reply is over, and what the report has of it."""

from __future__ import annotations

import pytest

from vflow import MS
from vflow.report.turn import LATENCIES, MOMENTS, Speculated, TurnRecord


def record(**at_ms: float) -> TurnRecord:
    return TurnRecord(1, at_ns={moment: int(ms * MS) for moment, ms in at_ms.items()})


def test_a_latency_lies_between_its_two_moments() -> None:
    moments = {moment: 100 * at**2 for at, moment in enumerate(MOMENTS)}
    turn = record(**moments)
    for name, (start, end) in LATENCIES.items():
        assert turn.latency_ns(name) == (moments[end] - moments[start]) * MS


@pytest.mark.parametrize("missing", LATENCIES["v2v"])
def test_without_one_of_its_moments_there_is_no_latency(missing: str) -> None:
    moments = {"voice_off": 100, "audible": 900}
    assert record(**moments).latency_ns("v2v") == 800 * MS
    del moments[missing]
    assert record(**moments).latency_ns("v2v") is None


def test_a_reply_that_was_silent_before_the_flush_came_stops_at_once() -> None:
    assert record(flushed=2000, silent=1900).latency_ns("stop") == 0
    assert record(decided=2000, audible=1900).latency_ns("compute") == -100 * MS


def test_a_reply_is_over_when_it_was_heard_or_flushed_or_is_empty() -> None:
    assert not record(decided=1500, audible=1800).ended
    assert record(reply_end=2500).ended
    assert record(flushed=2500).ended
    assert TurnRecord(1, stop_reason="eos").ended
    assert not TurnRecord(1, stop_reason="eos", words=["Hi."]).ended


def test_the_report_has_times_in_ms_and_every_name() -> None:
    turn = record(voice_off=1000.04, audible=1800.06)
    turn.words, turn.heard, turn.tokens = ["Hello", "you."], "Hello", 4
    turn.speculation = Speculated("hit", 1, ahead_ns=400 * MS)
    found = turn.as_dict()
    assert (found["reply"], found["heard"], found["words"], found["tokens"]) == ("Hello you.", "Hello", 2, 4)
    assert list(found["at_ms"]) == list(MOMENTS)
    assert (found["at_ms"]["voice_off"], found["at_ms"]["decided"]) == (1000.0, None)
    assert (found["at_ms"]["audible"], found["latency_ms"]["v2v"]) == (1800.1, 800.0)
    assert list(found["latency_ms"]) == list(LATENCIES)
    assert (found["speculation"]["ahead_ms"], found["speculation"]["first_word_ms"]) == (400.0, None)


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"interrupted": True}, "interrupted"),
        ({"interrupted": True, "taken_back": True}, "taken_back"),
        ({"stop_reason": "error"}, "error"),
        ({"stop_reason": "eos"}, "empty"),
        ({"stop_reason": "eos", "words": ["Rome"]}, "heard"),
    ],
)
def test_what_became_of_a_reply_is_a_word(fields: dict[str, object], outcome: str) -> None:
    record = TurnRecord(1)
    for name, value in fields.items():
        setattr(record, name, value)
    assert record.outcome == outcome
