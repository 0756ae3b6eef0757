"""The table and the JSON object of a battery, from results that are made up."""

from __future__ import annotations

from tests.bench.battery.made import ASKED, into_reply, played, scene, turn
from vflow.bench.battery.battery_run import SceneResult
from vflow.bench.battery.outcome import judge
from vflow.bench.battery.shares import shares
from vflow.cli.battery_report import result, table
from vflow.graph.graph import Graph


def results() -> list[SceneResult]:
    good = played(scene("pause"), (1000,), ((1900, 4000),), (turn(1, decided=1700, audible=1900),))
    cut = turn(1, decided=1500, audible=2000, flushed=3400, silent=3400)
    bad = played(scene("noise", ASKED, into_reply()), (1000, 3000), ((2000, 3300),), (cut,))
    return [SceneResult(one, judge(one), f"{name}.wav") for name, one in (("good", good), ("bad", bad))]


def test_the_table_has_shares_times_faults_and_losses() -> None:
    found = results()
    lines = list(table(Graph("g.yaml"), found, shares(found), ["noise: ..."], True, False))
    assert lines[0].startswith("g.yaml on ")
    assert lines[0].endswith("; real time")
    assert lines[2] == "pause  1 of 1  21% to 100%               last sound to answer max of 1: 250 ms"
    assert lines[3].split("  ")[:3] == ["noise", "0 of 1", "0% to 79%"]
    assert lines[5:] == ["reply cut: bad.wav at 3.40 s (turns: 'hello')", "worse: noise: ..."]


def test_a_battery_that_was_ended_says_so() -> None:
    lines = list(table(Graph("g.yaml"), [], [], [], False, True))
    assert lines[-1] == "the battery did not come to its end: this is what was found before"


def test_the_json_object_has_each_scene_with_its_sounds_and_turns() -> None:
    found = results()
    told = result(Graph("g.yaml"), found, shares(found), [], True, False)
    assert told["scenes"][1] == {
        "name": "noise-1", "kind": "noise", "wav": "bad.wav", "verdict": "reply cut", "at_ms": 3400.0,
        "times_ms": {"silent": 250.0, "flush": 350.0}, "why": "",
        "sounds": [
            {"said": "question", "on_ms": 1050.0, "off_ms": 1650.0, "asks": True},
            {"said": "over", "on_ms": 3050.0, "off_ms": 3650.0, "asks": False},
        ],
        "turns": [
            {"user": "hello", "heard": "", "interrupted": False, "taken_back": False, "decided_ms": 1500.0}
        ],
    }  # fmt: skip
