"""`vflow bench --battery turns`, with scenes of a folder and a scripted agent, in virtual time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Vflow
from tests.scripted_agent import NODES, Answer, graph, utterance
from tests.stand_ins import unplaced
from vflow import Event
from vflow.bench.speech import RATE
from vflow.graph.registry import Registry

MANIFEST = """prompt: ask.wav
scenes:
  - {kind: pause, file: ask.wav}
  - {kind: interruption, file: hum.wav, at: 500ms}
  - {kind: backchannel, file: hum.wav, at: 500ms}
"""
PLAY = ("--battery", "turns", "--fast", "--scenes", ".")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A graph of the scripted agent, whose nodes are installed, beside a folder's sounds and manifest."""
    load = Registry.load
    monkeypatch.setattr(Registry, "load", lambda self, name: NODES.get(name) or load(self, name))
    soundfile.write(tmp_path / "ask.wav", utterance(ms=900).samples, RATE)
    soundfile.write(tmp_path / "hum.wav", utterance(ms=600).samples, RATE)
    (tmp_path / "scenes.yaml").write_text(MANIFEST)
    return str(graph(tmp_path))


def test_a_battery_prints_a_share_for_each_kind_and_each_fault(vflow: Vflow, file: str) -> None:
    ran = vflow("bench", file, *PLAY)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith(file)
    assert lines[0].endswith("; virtual time")
    rows = {line.split()[0]: line for line in lines[2:6]}
    assert list(rows) == ["pause", "backchannel", "interruption", "all"]
    assert "1 of 1" in rows["pause"]
    assert rows["backchannel"].split()[1:10] == ["0", "of", "1", "0%", "to", "79%", "1", "reply", "cut"]
    assert "onset to silence max of 1" in rows["interruption"]
    assert "2 of 3" in rows["all"]
    assert lines[6].startswith("reply cut: 03-backchannel-hum.wav at ")
    assert "scene 3 of 3: backchannel-hum" in ran.err


def test_json_has_the_times_of_each_scene_and_output_its_wav(vflow: Vflow, file: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    ran = vflow("bench", file, *PLAY, "--json", "--output", "out")
    assert ran.code == 0
    told = json.loads(ran.out)
    assert told.keys() == {
        "battery", "pipeline", "resolved", "machine", "time", "complete", "kinds", "worse", "scenes",
    }  # fmt: skip
    assert (told["complete"], told["time"], told["worse"]) == (True, "virtual", [])
    assert told["kinds"]["all"]["ok"] == 2
    scene = told["scenes"][1]
    assert (scene["kind"], scene["verdict"]) == ("interruption", "ok")
    assert scene["sounds"][1]["on_ms"] > scene["sounds"][0]["off_ms"]
    samples, rate = soundfile.read(tmp_path / "out" / scene["wav"])
    silent = round((scene["sounds"][1]["on_ms"] + scene["times_ms"]["silent"]) / 1000 * rate)
    assert np.abs(samples[silent - rate // 10 : silent, 1]).max() > 0.05
    assert not samples[silent + rate // 50 : silent + rate // 10, 1].any()
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_baseline_that_was_saved_is_kept_and_a_better_one_fails(
    vflow: Vflow, file: str, tmp_path: Path
) -> None:
    assert vflow("bench", file, *PLAY, "--save", "base.json").code == 0
    ran = vflow("bench", file, *PLAY, "--baseline", "base.json")
    assert ran.code == 0
    assert "no share is worse than in base.json" in ran.out
    better = json.loads((tmp_path / "base.json").read_text())
    better["kinds"]["backchannel"] = {"ok": 10, "of": 10}
    (tmp_path / "base.json").write_text(json.dumps(better))
    ran = vflow("bench", file, *PLAY, "--baseline", "base.json")
    assert ran.code == 1
    assert "worse: backchannel: 0 of 1 ok, in the baseline 10 of 10 (72% to 100%)" in ran.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--battery", "turns", "--turns", "3"), "--turns means nothing for a battery"),
        (("--battery", "turns", "--input", "hum.wav"), "--input means nothing for a battery"),
        (("--battery", "turns", "--output", "none"), "--output: no such folder"),
        (("--battery", "turns", "--save", "none/a.json"), "none does not exist\n  mend: name another file"),
        (("--battery", "turns", "--baseline", "none.json"), "--baseline: cannot be read"),
        (("--battery", "turns", "--scenes", "none"), "there is no scenes.yaml in it"),
        (
            ("--battery", "turns", "--baseline", "a.json", "--save", "a.json"),
            "would overwrite what the run reads",
        ),
        (("--fast",), "--fast is for a battery of scenes\n  mend: add --battery turns"),
        (("--scenes", "."), "--scenes is for a battery of scenes"),
    ],
)
def test_a_wrong_option_is_refused(
    vflow: Vflow, file: str, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "a.json").write_text("{}")
    ran = vflow("bench", file, *options)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""


def test_a_mistake_in_a_manifest_is_shown_with_its_line(vflow: Vflow, file: str, tmp_path: Path) -> None:
    (tmp_path / "scenes.yaml").write_text(MANIFEST.replace("pause", "pauze"))
    ran = vflow("bench", file, *PLAY)
    assert ran.code == 2
    assert "scenes.yaml:3:12: error: kind is one of" in ran.err
    assert "  mend: did you mean 'pause'?" in ran.err


def test_a_node_that_fails_ends_the_battery_with_1(
    vflow: Vflow, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Answer):
        """Fails at the first utterance."""

        def on_event(self, event: Event) -> None:
            raise RuntimeError("no model")

    monkeypatch.setitem(NODES, "t.answer", Failing)
    ran = vflow("bench", file, *PLAY)
    assert ran.code == 1
    assert "answer: RuntimeError: no model" in unplaced(ran.err)
    assert "the battery did not come to its end" in ran.out
