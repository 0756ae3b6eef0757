"""The files of a run's results."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from vflow.cli.live_view import Detail, Terminal
from vflow.cli.run_results import RunResults
from vflow.graph.loader import load_text
from vflow.report.turn_log import TurnLog
from vflow.runtime.trace import Trace

GRAPH = "nodes: {mic: {use: test_tone, duration: 20ms}, end: {use: 'null'}}\nlinks: [mic -> end]\n"


def write(results: RunResults) -> bool:
    log = TurnLog(load_text(GRAPH))
    terminal = Terminal(log.graph, log, False, Detail.PLAIN, transcript=True)
    return results.write(terminal, log, [], [], Trace())


def test_files_lie_where_the_command_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = RunResults(argparse.Namespace(report="r.json", trace="t.json"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert write(results)
    assert json.loads((tmp_path / "r.json").read_text())["threads"] == []
    assert json.loads((tmp_path / "t.json").read_text())["traceEvents"] is not None


def test_file_that_cannot_be_written_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = str(tmp_path / "gone" / "r.json")
    assert not write(RunResults(argparse.Namespace(report=gone, trace=None)))
    assert not write(RunResults(argparse.Namespace(report=None, trace=gone)))
    told = capsys.readouterr().err
    assert f"the report cannot be written: {gone}: No such file or directory" in told
    assert f"the trace cannot be written: {gone}: No such file or directory" in told
    assert write(RunResults(argparse.Namespace(report=None, trace=None)))
