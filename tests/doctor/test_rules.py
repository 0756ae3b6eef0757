"""Advice and warnings that follow from the graph and the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vflow.doctor import rules
from vflow.doctor.accelerator import CudaDevice, Torch
from vflow.doctor.machine import Machine
from vflow.graph.graph import Graph
from vflow.graph.loader import load_text

HEARS = """
nodes:
  tone: {use: test_tone}
  vad:  {use: vad.energy%s}
  stt:  {use: %s}
links: [tone -> vad -> stt]
"""
SPEAKS = """
nodes:
  mic:     {use: mic.sounddevice%s}
  heard:   {use: "null"}
  tone:    {use: test_tone}
  speaker: {use: speaker.sounddevice}
links: [mic -> heard, tone -> speaker]
"""
ANSWERS = """
nodes:
  tone: {use: test_tone}
  vad:  {use: vad.energy}
  stt:  {use: stt.moonshine}
  chat: {use: chat, device: %s}
links: [tone -> vad -> stt -> chat]
"""
IDLE = CudaDevice("NVIDIA L4", 24, 23, "570", usable=False)
BUSY = replace(IDLE, usable=True)


def install_namesake(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an installed distribution `vflow` into `folder`, and the folder on the path."""
    info = folder / "vflow-3.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vflow\nVersion: 3.2\n")
    monkeypatch.syspath_prepend(str(folder))


def machine(torch: Torch | None = None, load: float = 0.0, omp: str = "", cores: float = 2) -> Machine:
    return Machine("0", "3", "here", "cpu", 8, cores, load, omp, None, None, None, "/cache", None, torch)


def graph(text: str) -> Graph:
    return load_text(text, require_available=False)


def test_a_graph_that_does_not_speculate_is_told_how_much_sooner_it_could_begin() -> None:
    loaded = graph(HEARS % (", speculate: false, speech_end_after: 600ms", "stt.moonshine"))
    (advice,) = rules.speculation(loaded)
    assert (advice.name, advice.value, advice.effect) == ("vad.turn.speculate", "true", "faster")
    assert (advice.before, advice.after, advice.unit, advice.known) == (600.0, 96.0, "ms", True)
    assert "stt" in advice.text


def test_a_graph_that_speculates_gets_no_advice_about_it() -> None:
    assert not list(rules.speculation(graph(HEARS % ("", "stt.moonshine"))))


def test_speculation_without_a_speculative_generator_has_no_effect() -> None:
    (advice,) = rules.speculation(graph(HEARS % ("", '"null"')))
    assert (advice.name, advice.effect) == ("vad.turn.speculate", "none")


def test_echo_that_is_let_through_is_warned_of() -> None:
    (found,) = rules.echo(graph(SPEAKS % ", echo_cancellation: off"))
    assert found.message.startswith("mic: echo_cancellation is off")
    assert "headphones" in found.mend
    assert not list(rules.echo(graph(SPEAKS % "")))


def test_a_device_that_torch_is_not_built_for_is_warned_of() -> None:
    (found,) = rules.devices(machine(Torch("2.9", "cpu")), [IDLE], None)
    assert found.message == "NVIDIA L4 is here, but torch 2.9 does not use it"
    assert found.mend == "install torch's build for CUDA"
    (found,) = rules.devices(machine(Torch("2.9", "cuda 12.8")), [IDLE], None)
    assert found.mend == "update the NVIDIA driver"
    assert not list(rules.devices(machine(Torch("2.9", "cuda 12.8")), [BUSY], None))


def test_a_model_that_is_kept_off_a_device_is_warned_of() -> None:
    (found,) = rules.devices(machine(), [BUSY], graph(ANSWERS % "cpu"))
    assert found.message == "chat: runs on the CPU because of device: cpu, although NVIDIA L4 is here"
    assert not list(rules.devices(machine(), [BUSY], graph(ANSWERS % "auto")))
    assert not list(rules.devices(machine(), [], graph(ANSWERS % "cpu")))


def test_the_other_distribution_named_vflow_is_warned_of_with_its_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_namesake(tmp_path, monkeypatch)
    (warning,) = rules.namesake()
    assert warning.severity == "warning"
    assert "the distribution vflow 3.2 is installed beside vflow-voice" in warning.message
    assert warning.mend.startswith("pip uninstall vflow,")
    assert "pip install --force-reinstall --no-deps vflow-voice" in warning.mend


def test_vflow_voice_alone_is_not_warned_of() -> None:
    assert list(rules.namesake()) == []


@pytest.mark.parametrize(
    ("omp", "warned"), [("", False), ("2", False), ("64", True), ("many", False), ("9" * 5000, True)]
)
def test_more_openmp_threads_than_cores_are_warned_of(omp: str, warned: bool) -> None:
    found = list(rules.threads(machine(omp=omp)))
    assert [d.mend for d in found] == (["set it to 2, or unset it"] if warned else [])


def test_openmp_threads_that_are_no_number_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    (found,) = rules.openmp()
    assert found.message.startswith("OMP_NUM_THREADS is 'many'")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert not list(rules.openmp())


def test_figures_of_a_busy_machine_are_noted() -> None:
    assert not list(rules.busy(machine(load=0.4)))
    (note,) = rules.busy(machine(load=3.25))
    assert "load 3.2" in note
