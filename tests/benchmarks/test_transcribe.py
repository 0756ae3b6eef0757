"""The comparison with Moonshine's own library, on synthesized clips."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.benchmarks.conftest import BENCHMARKS

pytest.importorskip("moonshine_voice")
hibari = pytest.importorskip("hibari")
pytestmark = pytest.mark.timeout(180)


def row(seconds: float, library: str, vflow: str, guess: str) -> dict[str, Any]:
    ways = {"library": library, "vflow": vflow, "guess": guess}
    return {"seconds": seconds, **{way: {"text": text, "ms": 3, "cpu_ms": 4} for way, text in ways.items()}}


def test_transcripts_that_differ_are_counted_apart(benchmark: Callable[[str], ModuleType]) -> None:
    rows = [row(2, "a", "a", "a"), row(2, "a", "b", "b"), row(9, "a", "b", "c"), row(9, "a", "a", "b")]
    told = benchmark("transcribe").figures(rows)
    assert (told["clips"], told["differ_from_library"], told["differ_with_guess"]) == (4, 2, 2)
    assert {length: of["clips"] for length, of in told["lengths"].items()} == {
        "up to 3 s": 2,
        "up to 15 s": 2,
    }


def test_script_tells_times_by_length(tmp_path: Path) -> None:
    voice = hibari.Hibari()
    for name, text in (("short", "Two people, please."), ("long", "Where can I buy a ticket to the opera?")):
        soundfile.write(tmp_path / f"{name}.wav", np.asarray(voice(text), np.float32), 24_000)
    command = [sys.executable, str(BENCHMARKS / "transcribe.py"), str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["clips"] == 2
    assert sum(of["clips"] for of in told["lengths"].values()) == 2
    for of in told["lengths"].values():
        assert min(of.values()) > 0
