"""Nothing but what was asked for is written, and nothing is told to anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vflow import models
from vflow.telemetry import OFF, switch_off

BUILDS = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "TRAVIS", "JENKINS_URL")
"""Variables with which onnxruntime sends nothing anyway."""
ROOT = Path(__file__).parents[1]


def test_telemetry_is_off_unless_the_user_has_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = OFF
    monkeypatch.setenv(first, "0")
    for name in others:
        monkeypatch.delenv(name)
    switch_off()
    assert os.environ[first] == "0"
    assert all(os.environ[name] == "1" for name in others)


def test_a_run_in_a_fresh_home_writes_its_output_and_nothing_else(tmp_path: Path) -> None:
    """With every library that the demo loads: detector, transcription, language model, voice."""
    home, cache = tmp_path / "home", models.cache_dir()
    home.mkdir()
    output = tmp_path / "reply.wav"
    variables = {name: value for name, value in os.environ.items() if name not in {*OFF, *BUILDS}}
    variables = {k: v for k, v in variables.items() if not k.startswith(("XDG_", "HF_"))}
    question = ROOT / "pipelines" / "question.wav"
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "vflow.cli.main",
            "run",
            "voice_agent",
            "--input",
            str(question),
            "--output",
            str(output),
        ],
        env={**variables, "HOME": str(home), "VFLOW_CACHE": str(cache), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    assert output.stat().st_size > 10_000
    assert [path for path in home.rglob("*") if path.is_file()] == []
