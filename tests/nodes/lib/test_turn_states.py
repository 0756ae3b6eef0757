"""The states of `turn`."""

from __future__ import annotations

from vflow_nodes.lib.turn_states import State


def test_voice_that_is_not_enough_is_no_utterance() -> None:
    assert [state.name for state in State if state.in_utterance] == ["VOICE", "HUSH", "PAUSED"]
