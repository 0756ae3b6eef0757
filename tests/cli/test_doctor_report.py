"""The doctor's findings as text and as JSON, of a machine that is made up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from vflow import Advice
from vflow.cli.doctor_report import as_json, as_text
from vflow.doctor.accelerator import CudaDevice, Torch
from vflow.doctor.examination import Examination
from vflow.doctor.inventory import Extra, StoredModel
from vflow.doctor.machine import AudioNode, Machine
from vflow.doctor.trial_run import Loaded
from vflow.errors import Diagnostic, Place
from vflow.graph.graph import Graph, RoleChoice

TORCH = Torch("2.9", "cuda 12.8", "mkl", ("avx2",), 4)
MACHINE = Machine(
    "0.1", "3.11", "Linux", "a CPU", 8, 4.0, 0.5, "", 16_000_000_000, 8_000_000_000, 30.2, "/cache",
    None, TORCH,
)  # fmt: skip


def examined(**changes: Any) -> Examination:
    return replace(Examination(MACHINE, [], [], [], [], {}), **changes)


def lines(found: Examination, graph: Graph | None = None) -> list[str]:
    file = None if graph is None else graph.file
    return list(as_text(file, graph, found))


def test_machine_is_shown_with_its_measured_figures() -> None:
    found = examined(cuda=[CudaDevice("NVIDIA L4", 24_000_000_000, 23_000_000_000, "570", True, 280.0)])
    assert lines(found) == [
        "every role can be played here",
        "machine:",
        "  vflow   0.1, Python 3.11, Linux",
        "  cores   4 of 8 usable (a CPU), load 0.5",
        "  memory  8.0 GB of 16.0 GB free, read at 30 GB/s (measured)",
        "  torch   2.9, build cuda 12.8, BLAS mkl, avx2, 4 threads",
        "  cuda    NVIDIA L4, 23.0 GB of 24.0 GB free, read at 280 GB/s (measured), driver 570",
        "  cache   /cache, an unknown amount free on its disk",
    ]


@pytest.mark.parametrize(
    ("torch", "said"),
    [
        (None, "torch   not installed: pip install 'vflow-voice[speech]'"),
        (Torch(problem="OSError: no"), "torch   cannot be imported: OSError: no"),
    ],
)
def test_a_torch_that_cannot_be_used_says_why(torch: Torch | None, said: str) -> None:
    assert f"  {said}" in lines(examined(machine=replace(MACHINE, torch=torch)))


def test_problem_is_the_headline_and_comes_before_the_machine() -> None:
    missing = Diagnostic("chat: no model", Place("g.yaml"), "vflow models pull m")
    found = lines(examined(problems=[missing]), Graph("g.yaml"))
    assert found[:3] == [
        "not ready: g.yaml cannot run here: 1 error",
        "  g.yaml: error: chat: no model",
        "    mend: vflow models pull m",
    ]


def test_advice_says_how_much_it_gains_and_whether_that_was_measured() -> None:
    advice = [
        Advice("way", "short", "of its tables", "faster", 1234.0, 617.0, "ms", node="it"),
        Advice("speculate", "true", "at a pause", "faster", 480.0, 96.0, "ms", known=True, node="vad"),
        Advice("graph", "true", "large kernels", "none", 3.0, 3.0, "ms", node="it"),
        Advice("threads.torch", "8", "nobody asks", "none", node=""),
    ]
    found = lines(examined(advice=advice), Graph("g.yaml"))
    assert found[:8] == [
        "ready: g.yaml can run here",
        "faster or smaller here:",
        "  it.way = short        faster: 1,234 -> 617 ms, 2.0 times faster (measured)",
        "                        of its tables",
        "  vad.speculate = true  faster: 480 -> 96 ms (computed, not measured)",
        "                        at a pause",
        "  it.graph = true       nothing to gain: large kernels",
        "  threads.torch = 8     no effect: nobody asks",
    ]


def test_a_node_that_took_nothing_is_not_told_of() -> None:
    nodes = [
        Loaded("cheap", "identity", 0.001, 0.0, 0, 0, frozenset()),
        Loaded("chat", "chat", 1.25, 0.25, 400_000_000, 2_000_000_000, frozenset({"torch"})),
    ]
    found = lines(examined(loaded=nodes), Graph("g.yaml"))
    at = found.index("loaded:")
    assert found[at + 1 : at + 3] == [
        "  chat  chat: 1.5 s, 400 MB of memory, 2,000 MB on the device",
        "machine:",
    ]


def test_missing_package_is_shown_with_the_command_to_install_it() -> None:
    found = lines(
        examined(
            roles={"v": RoleChoice("tts", "tts.b", ("tts.a: no card",)), "stt": RoleChoice("stt", "")},
            audio=[
                AudioNode("mic.a", "", ("0  a", "1  b")),
                AudioNode("mic.b", "no X", ()),
                AudioNode("speaker.b", "no X", ()),
            ],
            extras=[Extra("audio", ("x>=1 (not installed)",), "pip install x"), Extra("aec", (), "")],
            weights=[
                StoredModel("m", 3_000_000, "not here", "/m", demo=True, mend="vflow models pull m"),
                StoredModel("o/n", 5_000_000, "present", "/n"),
            ],
        )
    )
    assert found[0] == "nothing here can play: stt"
    assert found[1:5] == ["roles:", "  v (tts)  tts.b", "           not tts.a: no card", "  stt      nothing"]
    assert found[found.index("audio:") :] == [
        "audio:",
        "  mic.a             0  a",
        "                    1  b",
        "  mic.b, speaker.b  not available: no X",
        "extras:",
        "  audio  lacks x>=1 (not installed): pip install x",
        "  aec    complete",
        "models:",
        "  m    3 MB, a demo model, not here: vflow models pull m",
        "  o/n  5 MB, present, /n",
    ]


def test_json_holds_every_finding_as_json_can() -> None:
    node = Loaded("chat", "chat", 1.0, 0.0, None, 0, frozenset({"torch", "onnxruntime"}))
    advice = Advice("way", "short", "", "smaller", 4.0, 2.0, "MB", node="it")
    found = json.loads(
        json.dumps(as_json("g.yaml", Graph("g.yaml"), examined(loaded=[node], advice=[advice])))
    )
    assert found["ready"] is True
    assert found["graph"]["loaded"][0]["libraries"] == ["onnxruntime", "torch"]
    assert (found["graph"]["advice"][0]["name"], found["graph"]["advice"][0]["measured"]) == ("it.way", True)
    assert found["machine"]["torch"]["capabilities"] == ["avx2"]
