"""The scripts of benchmarks/: each is run, tiny, and prints what it has measured beside its targets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.conftest import BENCHMARKS
from vflow_nodes.lib.checkpoints import converted

TIMEOUT_S = 120
pytestmark = pytest.mark.timeout(TIMEOUT_S + 60)

TINY = {
    "core.py": ["--quick", "--only", "T1,T2,T4"],
    "startup.py": ["--runs", "2"],
    "interrupt.py": ["--cuts", "1", "--flushes", "3"],
    "sessions.py": ["--sessions", "20"],
    "trace.py": ["--runs", "2"],
    "watch.py": ["--runs", "1", "--audio", "5"],
    "soak.py": ["--minutes", "0.1"],
    "leaving.py": ["--clients", "12", "--batch", "6", "--at-once", "6", "--tidy", "0"],
    "serve_load.py": ["--sessions", "2", "--seconds", "5", "--idle", "1", "--vad", "vad.energy"],
    "disturbances.py": ["--minutes", "0.1"],
}
EXCUSED = {
    "agent.py": "talks with models, in real time: a turn is 10 s",
    "echo.py": "needs the models, and a minute",
    "decode.py": "has test_decode.py",
    "chart.py": "draws what core.py printed",
    "spoken_form.py": "needs the models, and minutes",
    "kernels.py": "needs a CUDA device",
    "vocabularies.py": "has a test of its own",
    "embedding.py": "needs the models, and a minute",
    "backchannels.py": "needs human words of assent; has test_backchannels.py",
    "foreground.py": "needs human turns; has test_foreground.py",
    "serve.py": "needs the models, and a minute",
    "resume.py": "cuts a network a hundred times; tests/web/test_line.py cuts it less often",
    "turns.py": "needs labelled human turns; has test_turns.py",
    "turns_live.py": "needs labelled human turns, in real time; has test_turns_live.py",
    "voice_off.py": "needs labelled human turns; has test_voice_off.py",
    "transcribe.py": "needs human speech; has test_transcribe.py",
    "end_of_turn.py": "needs labelled human turns; has test_end_of_turn.py",
    "mutants.py": "takes minutes; has test_mutants.py",
}


def run(script: str, *words: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / script), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_every_script_is_run_here_or_excused() -> None:
    assert {path.name for path in BENCHMARKS.glob("*.py")} <= TINY.keys() | EXCUSED.keys()


@pytest.mark.parametrize("script", TINY)
def test_a_script_prints_one_object_with_values_beside_targets(script: str) -> None:
    targets = run(script, *TINY[script])["targets"]
    assert targets
    for target in targets.values():
        assert {"value", "target", "met"} <= target.keys()
        assert isinstance(target["met"], bool)


def test_core_names_a_peer_that_is_not_installed_and_how_to_install_it() -> None:
    found = run("core.py", "--quick", "--only", "T4")
    assert found["targets"] == {}
    (skipped,) = found["skipped"]
    assert skipped.startswith("pipecat: ")
    assert "pip install pipecat-ai" in skipped


def test_core_skips_a_peer_that_fails_and_measures_the_others(tmp_path: Path) -> None:
    found = run("core.py", "--quick", "--only", "T4", "--pipecat-python", str(tmp_path / "python"))
    assert "twelve nodes, packets/s" in found["detail"]
    assert list(found["detail"]["twelve nodes, packets/s"]) == ["vflow"]
    assert "No such file" in found["skipped"][0]


def test_core_refuses_a_target_that_there_is_not() -> None:
    command = [sys.executable, str(BENCHMARKS / "core.py"), "--only", "T99"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 2
    assert "no target T99" in done.stderr


def test_vocabularies_compares_every_token_of_a_folder() -> None:
    folder = converted("smollm2", print)
    (counts,) = run("vocabularies.py", str(folder)).values()
    assert counts["tokens"] > 49_000
    assert counts["texts_differ"] == counts["tokens_differ"] == 0
