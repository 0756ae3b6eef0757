"""The bins of the role `vad`: their graphs name ports and nodes that exist."""

from __future__ import annotations

import pytest
import yaml

from vflow.ports import inputs_of, outputs_of
from vflow.props import props_of
from vflow_nodes.detector.energy import EnergyDetector
from vflow_nodes.detector.silero import SileroDetector
from vflow_nodes.turn import Turn
from vflow_nodes.vad.energy import EnergyVad
from vflow_nodes.vad.silero import SileroVad

BINS = [(SileroVad, "detector.silero", SileroDetector), (EnergyVad, "detector.energy", EnergyDetector)]


@pytest.mark.parametrize(("bin_class", "name", "detector"), BINS)
def test_a_bin_links_a_detector_to_turn(bin_class: type, name: str, detector: type) -> None:
    graph = yaml.safe_load(bin_class.graph)  # type: ignore[attr-defined]  # every Bin has a graph
    assert graph["nodes"] == {"detector": {"use": name}, "turn": {"use": "turn"}}
    assert graph["ports"] == {"audio": "detector.audio", "speech": "turn.speech"}
    assert "audio" in inputs_of(detector)
    assert "speech" in outputs_of(Turn)


@pytest.mark.parametrize("detector", [SileroDetector, EnergyDetector])
def test_detector_and_turn_share_no_property(detector: type) -> None:
    assert not set(props_of(detector)) & set(props_of(Turn))


def test_silero_ranks_before_energy() -> None:
    assert SileroVad.rank > EnergyVad.rank
