"""The comparison with Moonshine's own library, on synthesized clips."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.benchmarks.conftest import BENCHMARKS

pytest.importorskip("moonshine_voice")
hibari = pytest.importorskip("hibari")
pytestmark = pytest.mark.timeout(180)


def test_it_tells_times_by_length_and_how_many_transcripts_differ(tmp_path: Path) -> None:
    voice = hibari.Hibari()
    for name, text in (("short", "Two people, please."), ("long", "Where can I buy a ticket to the opera?")):
        soundfile.write(tmp_path / f"{name}.wav", np.asarray(voice(text), np.float32), 24_000)
    command = [sys.executable, str(BENCHMARKS / "transcribe.py"), str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["clips"] == 2
    assert 0 <= told["differ_from_library"] <= 2
    assert 0 <= told["differ_with_guess"] <= 2
    assert sum(of["clips"] for of in told["lengths"].values()) == 2
    for of in told["lengths"].values():
        assert min(of.values()) > 0
