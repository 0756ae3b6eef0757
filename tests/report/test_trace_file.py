"""The file of a trace is JSON, whole or not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vflow.report.trace_file import write_trace


def test_the_file_is_an_object_of_the_format(tmp_path: Path) -> None:
    entries = [{"ph": "X", "name": "ä", "ts": 0.5, "dur": 1.0}, {"ph": "i", "name": "flush"}]
    write_trace(str(tmp_path / "trace.json"), iter(entries))
    found = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))
    assert found == {"displayTimeUnit": "ms", "traceEvents": entries}


def test_a_run_in_which_nothing_happened_is_a_file_too(tmp_path: Path) -> None:
    write_trace(str(tmp_path / "trace.json"), [])
    assert json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"] == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_trace(str(tmp_path / "no" / "trace.json"), [])
