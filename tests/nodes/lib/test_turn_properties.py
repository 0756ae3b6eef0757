"""The properties of `turn`."""

from __future__ import annotations

from vflow.props import props_of
from vflow_nodes.lib.turn_properties import TurnProperties


def test_what_an_application_sets_for_the_next_utterance_is_hot() -> None:
    hot = {name for name, declared in props_of(TurnProperties).items() if declared.hot}
    assert hot == {"threshold", "pre_roll", "speech_end_after", "waits", "detect", "barge_in"}
