"""A bench is shown in a live line, and in a table of promised and measured values."""

from __future__ import annotations

from typing import Any

import pytest

from vflow import Message, NodeError, Played
from vflow.bench.verdict import PromiseVerdict, verdict
from vflow.cli.bench_report import MAX_FAILURES, WIDEST, Live, table
from vflow.cli.status_line import ERASE
from vflow.errors import Place


def found(complete: bool = True, scenario: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the parts of the result of `--json` that the table reads."""
    return {
        "pipeline": "agent.yaml",
        "machine": {"cpu": "a CPU", "cores": 4, "gpu": None, "torch": None},
        "counts": {"utterances": 3, "interruptions": 1, "false_cuts": 0, "false_barge_ins": 2},
        "scenario": scenario or [],
        "complete": complete,
    }


def broken(failures: int) -> PromiseVerdict:
    return verdict("first word", "< 100 ms", "max of 9: 200 ms", 9, [f"turn {n}" for n in range(failures)])


def test_each_step_of_a_bench_is_a_line_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    live = Live()
    live.status("loading")
    live.listen(Message("progress", "chat", 0, "loading the weights"))
    live.listen(Message("progress", "chat", 0, "loading the weights"))
    live.turn(1, 2, "Why?")
    started = {"played": Played(1, 0, 24_000, "", 0), "phase": "start", "at_ns": 0}
    live.listen(Message("played", "speaker", 0, data=started))
    live.listen(Message("warning", "tts", 0, "it is late"))
    live.clear()
    assert capsys.readouterr().err.splitlines() == [
        "loading",
        "chat: loading the weights",
        "turn 1 of 2: Why?",
        "warning: tts: it is late",
    ]


def test_on_a_terminal_a_note_takes_the_place_of_the_status(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    live = Live()
    live.status("x" * 200)
    live.turn(1, 2, "Why?")
    started = {"played": Played(1, 0, 24_000, "", 0), "phase": "start", "at_ns": 0}
    live.listen(Message("played", "speaker", 0, data=started))
    live.failed(NodeError("tts", "no voice", Place("g.yaml", 3, 3)))
    before, long, turn, answering, note = capsys.readouterr().err.split(ERASE)
    assert (before, long) == ("", "x" * WIDEST)
    assert (turn, answering) == ("turn 1 of 2: Why?", "turn 1 of 2: Why? - answering")
    assert note == "g.yaml:3:3: error: tts: no voice\n"


def test_no_text_of_a_node_looks_like_a_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    forged = "late\nbroken: first word: turn 9"
    Live().listen(Message("warning", "tts", 0, forged))
    lines = [
        *capsys.readouterr().err.splitlines(),
        *table(found(), [verdict("errors", "none", "1", 1, [forged])]),
    ]
    printed = "\n".join(lines).splitlines()
    assert [line for line in printed if line.startswith("broken: first word")] == []


def test_table_names_the_machine_and_aligns_the_figures() -> None:
    kept = verdict("length", "at least 10 words", "22 words", 3, [])
    lines = list(table(found(), [kept, broken(1)]))
    assert lines == [
        "agent.yaml on a CPU, 4 cores, no CUDA device, torch none",
        "3 utterances: 1 fell into a reply, 0 were cut, 2 replies were stopped by nobody",
        "            promised           measured          n",
        "length      at least 10 words  22 words          3  kept",
        "first word  < 100 ms           max of 9: 200 ms  9  BROKEN",
        "broken: first word: turn 0",
    ]


def test_of_many_failures_the_first_are_told_and_the_rest_are_counted() -> None:
    lines = list(table(found(), [broken(MAX_FAILURES + 3)]))
    assert sum(line.startswith("broken: first word: turn") for line in lines) == MAX_FAILURES
    assert lines[-1] == "broken: first word: and 3 more"


def test_each_utterance_is_listed_once_by_how_it_was_made() -> None:
    steps = [{"how": "recording q.wav", "said": "q.wav"}, {"how": "spoken by tts", "said": "Why?"}] * 2
    lines = list(table(found(scenario=steps), []))
    assert lines[2:4] == ["  recording q.wav: q.wav", "  spoken by tts: Why?"]


def test_a_scenario_that_was_ended_early_is_said_to_be() -> None:
    assert "did not come to its end" in list(table(found(complete=False), []))[-1]
