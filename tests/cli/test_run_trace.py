"""`vflow run --trace`: a file for Perfetto, of one run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Vflow

TONE = """\
nodes:
  mic: {use: test_tone, duration: 200ms}
  end: {use: "null"}
links: [mic -> end]
"""


def test_a_run_writes_its_trace(vflow: Vflow, tmp_path: Path) -> None:
    ran = vflow("run", "g.yaml", "--trace", "t.json", files={"g.yaml": TONE})
    assert ran.code == 0
    entries = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["traceEvents"]
    assert {"mic", "end"} <= {entry["name"] for entry in entries if entry["ph"] == "X"}


@pytest.mark.parametrize(
    ("name", "why"), [("no/t.json", "No such file or directory"), ("a\0b", "embedded null byte")]
)
def test_a_trace_that_cannot_be_written_is_told_at_the_end(vflow: Vflow, name: str, why: str) -> None:
    ran = vflow("run", "g.yaml", "--trace", name, files={"g.yaml": TONE})
    assert ran.code == 1
    assert "the trace cannot be written: " in ran.err
    assert why in ran.err


def test_a_trace_is_of_one_run(vflow: Vflow) -> None:
    ran = vflow(
        "run", "g.yaml", "--input", "a.wav", "--input", "b.wav", "--trace", "t.json", files={"g.yaml": TONE}
    )
    assert ran.code == 2
    assert "--trace: error: a trace is of one run" in ran.err


def test_a_trace_overwrites_nothing_that_the_run_reads(vflow: Vflow, tmp_path: Path) -> None:
    ran = vflow("run", "g.yaml", "--trace", "g.yaml", files={"g.yaml": TONE})
    assert ran.code == 2
    assert (tmp_path / "g.yaml").read_text(encoding="utf-8") == TONE
