"""`vflow bench` as a user meets it: exit codes, the table, JSON, Ctrl-C, what bad input gets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.cli.conftest import Vflow
from tests.scripted_agent import NODES, RATE, Answer, Voice, graph, utterance
from tests.stand_ins import Gate
from vflow import Unavailable
from vflow.graph.registry import Registry

ROOT = Path(__file__).parents[2]
WITH_NODES = """
import vflow.bench.bench_run
from tests.scripted_agent import NODES
from vflow.graph.loader import load
vflow.bench.bench_run.load = lambda *a, nodes, **k: load(*a, nodes={**(nodes or {}), **NODES}, **k)
from vflow.cli.main import entry
entry()
"""
"""The command in a process of its own, with the scripted agent's nodes."""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the scripted agent's nodes, as an installed package would."""
    load = Registry.load
    monkeypatch.setattr(Registry, "load", lambda self, name: NODES.get(name) or load(self, name))


@pytest.fixture
def hum(tmp_path: Path) -> str:
    """Write a short recording to ask with."""
    soundfile.write(tmp_path / "hum.wav", utterance().samples, RATE)
    return "hum.wav"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("option", [["--keep", "."], ["--picture", "heard.wav"], ["--picture", "agent.yaml"]])
def test_option_that_would_overwrite_an_input_is_refused(
    vflow: Vflow, tmp_path: Path, hum: str, option: list[str]
) -> None:
    question = Path(hum).rename(tmp_path / "heard.wav")
    file = graph(tmp_path, word_ms=50).rename(tmp_path / "agent.yaml")
    before = question.read_bytes(), file.read_bytes()
    ran = vflow("bench", str(file), "--turns", "1", "--input", str(question), *option)
    assert ran.code == 2
    assert "would overwrite what the run reads" in ran.err
    assert (question.read_bytes(), file.read_bytes()) == before


@pytest.mark.usefixtures("installed")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with a name")
@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", None)])
def test_a_folder_that_takes_no_recording_is_refused(
    vflow: Vflow, tmp_path: Path, hum: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "heard.wav")
    ran = vflow("bench", str(graph(tmp_path)), "--turns", "1", "--input", hum, "--keep", ".")
    assert ran.code == 2
    assert "heard.wav: error: --keep: is" in ran.err


@pytest.mark.usefixtures("installed")
def test_kept_promises_end_with_0_beside_the_measured_values(vflow: Vflow, tmp_path: Path, hum: str) -> None:
    ran = vflow(
        "bench", str(graph(tmp_path, word_ms=50)), "--turns", "1", "--input", hum, "--picture", "turns.svg"
    )
    assert ran.code == 0, ran.out + ran.err
    rows = {line[:16].strip(): line for line in ran.out.splitlines()}
    assert rows["length"].endswith("kept")
    assert rows["interruption"].endswith("not measured")
    assert "recording hum.wav: hum.wav" in ran.out
    assert "turn 1 of 1: hum.wav" in ran.err
    assert (tmp_path / "turns.svg").read_text().startswith("<svg")


@pytest.mark.usefixtures("installed")
def test_a_bench_that_had_to_abandon_a_node_ends_with_1_by_its_deadline(
    vflow: Vflow, tmp_path: Path, hum: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()

    class Stuck(Voice):
        """Does not close."""

        def close(self) -> None:
            gate.pass_through()

    monkeypatch.setitem(NODES, "t.voice", Stuck)
    file = str(graph(tmp_path, word_ms=50))
    ran = vflow("bench", file, "--turns", "1", "--input", hum)
    gate.open()
    assert ran.code == 1
    assert re.search("warning: pipeline: abandoned after .* s: voice\n", ran.err)


@pytest.mark.usefixtures("installed")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with a name")
def test_a_picture_for_a_pipe_that_nobody_reads_does_not_hang(vflow: Vflow, tmp_path: Path, hum: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    file = str(graph(tmp_path, word_ms=50))
    ran = vflow("bench", file, "--turns", "1", "--input", hum, "--picture", "pipe")
    assert ran.code == 1
    assert "the picture cannot be written: [Errno 6] No such device or address" in ran.err


@pytest.mark.usefixtures("installed")
def test_a_broken_promise_ends_with_1_and_json_says_which(vflow: Vflow, tmp_path: Path, hum: str) -> None:
    file = str(graph(tmp_path, text="Only three words"))
    ran = vflow("bench", file, "--turns", "1", "--input", hum, "--json", "--keep", ".")
    assert ran.code == 1
    told = json.loads(ran.out)
    assert told.keys() == {
        "bench", "pipeline", "resolved", "machine", "complete", "kept", "promises", "figures_ms", "counts",
        "scenario", "turns", "warnings",
    }  # fmt: skip
    assert told["machine"].keys() == {"system", "cpu", "cores", "python", "torch", "gpu"}
    standings = {promise["name"]: promise["standing"] for promise in told["promises"]}
    assert [name for name, standing in standings.items() if standing == "broken"] == [
        "length", "whole sentences",
    ]  # fmt: skip
    assert told["complete"]
    assert not told["kept"]
    assert told["figures_ms"]["v2v"]["n"] == 1
    assert told["scenario"][0]["turn"] == told["turns"][0]["turn"] == 1
    assert soundfile.info(tmp_path / "said.wav").frames > 0
    assert soundfile.info(tmp_path / "heard.wav").frames > 0


def test_ctrl_c_ends_with_130_and_the_figures_so_far(tmp_path: Path, hum: str) -> None:
    script = tmp_path / "bench.py"
    script.write_text(WITH_NODES)
    words = [
        "bench",
        str(graph(tmp_path, word_ms=50)),
        "--turns",
        "2",
        "--input",
        str(tmp_path / hum),
        "--json",
    ]
    process = subprocess.Popen(
        [sys.executable, str(script), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        while "turn 2" not in (line := process.stderr.readline()):
            assert line, "ended without a second turn"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    told = json.loads(out)
    assert not told["complete"]
    assert told["counts"]["utterances"] == 1
    assert [step["turn"] for step in told["scenario"]] == [1, None]


def test_graph_without_mic_or_speaker_is_refused_with_the_missing_role(vflow: Vflow) -> None:
    ran = vflow("bench", str(ROOT / "pipelines" / "say.yaml"))
    assert ran.code == 2
    assert "nothing plays the role mic" in ran.err
    assert "mend: add a node with 'use: vad'" in ran.err
    assert "role speaker" not in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--input", "none.wav"], "no such file: none.wav"),
        (["--turns", "0"], "--turns 0: it must be from 1 to 10,000\n  mend: write --turns 10"),
        (["--turns", "1000000000000"], "it must be from 1 to 10,000"),
        (["--set", "vad"], "--set node.property=value"),
        (["--set", "vat.threshold=1"], "did you mean 'vad'"),
        (["--keep", "none"], "no such folder"),
        pytest.param(
            ["--keep", "/proc"],
            "nothing can be written there",
            marks=pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc here"),
        ),
        (["--picture", "none/a.svg"], "none does not exist\n  mend: name another file"),
        (["--picture", "."], "--picture: is a folder\n  mend: name another file"),
        (["--picture", "x" * 300], "--picture: cannot be written (File name too long)"),
        pytest.param(
            ["--picture", "/proc/a.svg"],
            "--picture: cannot be written (",
            marks=pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc here"),
        ),
    ],
)
@pytest.mark.usefixtures("installed")
def test_a_wrong_option_is_refused(vflow: Vflow, tmp_path: Path, options: list[str], said: str) -> None:
    ran = vflow("bench", str(graph(tmp_path)), *options)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_missing_model_is_refused_at_the_start_with_its_mend(
    vflow: Vflow, tmp_path: Path, hum: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Missing(Answer):
        """Its model is not here."""

        def open(self) -> None:
            raise Unavailable("model m is not here: vflow models pull m")

    load = Registry.load
    nodes = {**NODES, "t.answer": Missing}
    monkeypatch.setattr(Registry, "load", lambda self, name: nodes.get(name) or load(self, name))
    ran = vflow("bench", str(graph(tmp_path)), "--turns", "1", "--input", hum)
    assert ran.code == 2
    assert "answer: model m is not here: vflow models pull m" in ran.err
    assert ran.out == ""
