"""The findings of a part of the benchmark: failures, checks, and what there was no time for."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch


def test_a_failed_measurement_is_written_down_and_the_next_goes_on(decoding: Any, tmp_path: Path) -> None:
    record = decoding("record").Record("engine", path=tmp_path / "out.json")

    def burst() -> None:
        raise torch.OutOfMemoryError("no room for 35 GB\nand more of it")

    record.attempt("large", burst)
    record.attempt("small", lambda: record.note("ms", 1.5))
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["failures"] == {"large": "OutOfMemoryError: no room for 35 GB"}
    assert found["detail"] == {"ms": 1.5}
    assert not record.good


def test_a_failed_check_makes_the_part_fail(decoding: Any) -> None:
    record = decoding("record").Record("checks")
    record.check("one", True)
    assert record.good
    record.check("other", False)
    assert not record.good


def test_a_measurement_that_would_begin_out_of_time_is_skipped(decoding: Any) -> None:
    record = decoding("record").Record("engine", limit_s=0.0, began=time.perf_counter() - 1)
    record.attempt("late", lambda: record.note("ms", 1.0))
    assert record.detail == {}
    assert "--limit" in record.skipped["late"]
    assert record.good
