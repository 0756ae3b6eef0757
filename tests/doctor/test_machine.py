"""The machine as vflow sees it, and the devices of the nodes that record and play."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stand_ins import Gives
from vflow import Audio, Out, Unavailable, __version__
from vflow.doctor import bandwidth
from vflow.doctor.machine import audio, machine
from vflow.graph.registry import Registry


class Mic(Gives):
    """Records."""

    rank = 99
    audio = Out(Audio(rate=16000, channels=1))

    @classmethod
    def devices(cls) -> list[str]:
        return ["0  a microphone"]


class Unplugged(Mic):
    """A device that has just been unplugged."""

    rank = 98

    @classmethod
    def devices(cls) -> list[str]:
        raise Unavailable("no microphone; plug one in")


class Lacking(Mic):
    """A node that must not be asked for devices."""

    rank = 97

    @classmethod
    def unavailable(cls) -> str:
        return "its library is not here"

    @classmethod
    def devices(cls) -> list[str]:
        raise AssertionError("asked")


def test_machine_is_described_with_its_measured_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bandwidth, "SECONDS", 0.01)
    monkeypatch.setattr(bandwidth, "LARGE", bandwidth.LEAST)
    monkeypatch.setenv("VFLOW_CACHE", str(tmp_path / "not" / "made" / "yet"))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    told: list[str] = []
    found = machine(lambda text, fraction: told.append(text))
    assert told == ["measuring how fast memory is read", "looking at torch"]
    assert (found.vflow, found.omp_num_threads) == (__version__, "3")
    assert 0 < found.usable_cores <= found.cores == os.cpu_count()
    assert found.cpu
    assert found.cache_free is not None  # of the disk where the folder will be
    assert found.cache_free > 0


def test_each_node_that_records_lists_its_devices_or_says_why_not() -> None:
    nodes = {"mic.a": Mic, "mic.b": Unplugged, "mic.c": Lacking}
    found = {node.name: node for node in audio(Registry(nodes))}
    assert found["mic.a"].devices == ("0  a microphone",)
    assert (found["mic.b"].problem, found["mic.b"].devices) == ("no microphone; plug one in", ())
    assert (found["mic.c"].problem, found["mic.c"].devices) == ("its library is not here", ())
