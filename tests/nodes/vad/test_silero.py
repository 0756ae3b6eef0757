"""The bin `vad.silero`: its graph names ports and nodes that exist."""

from __future__ import annotations

import yaml

from vflow.ports import inputs_of, outputs_of
from vflow.props import props_of
from vflow_nodes.detector.silero import SileroDetector
from vflow_nodes.turn import Turn
from vflow_nodes.vad.energy import EnergyVad
from vflow_nodes.vad.silero import SileroVad


def test_the_bin_links_its_detector_to_turn() -> None:
    graph = yaml.safe_load(SileroVad.graph)
    assert graph["nodes"] == {"detector": {"use": "detector.silero"}, "turn": {"use": "turn"}}
    assert graph["ports"] == {
        "audio": "detector.audio",
        "verdict": "turn.verdict",
        "backchannel": "turn.backchannel",
        "speech": "turn.speech",
    }
    assert "audio" in inputs_of(SileroDetector)
    assert "speech" in outputs_of(Turn)


def test_detector_and_turn_share_no_property() -> None:
    assert not set(props_of(SileroDetector)) & set(props_of(Turn))


def test_silero_ranks_before_energy() -> None:
    assert SileroVad.rank > EnergyVad.rank
