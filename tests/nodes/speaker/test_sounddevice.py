"""`speaker.sounddevice`: whether it can run here; tests/devices has it on a real device."""

from __future__ import annotations

from vflow_nodes.speaker.sounddevice import SounddeviceSpeaker


def test_unavailable_answers_a_sentence_or_nothing_here() -> None:
    reason = SounddeviceSpeaker.unavailable()
    assert reason == "" or len(reason.split()) > 5
