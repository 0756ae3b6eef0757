"""`mic.sounddevice`: whether it can run here; tests/devices has it on a real device."""

from __future__ import annotations

from vflow_nodes.mic.sounddevice import SounddeviceMic


def test_unavailable_answers_a_sentence_or_nothing_here() -> None:
    reason = SounddeviceMic.unavailable()
    assert reason == "" or len(reason.split()) > 5
