"""`speaker.pyaudio`: whether it can run here; tests/devices has it on a real device."""

from __future__ import annotations

from vflow_nodes.speaker.pyaudio import PyAudioSpeaker
from vflow_nodes.speaker.sounddevice import SounddeviceSpeaker


def test_unavailable_answers_a_sentence_or_nothing_here() -> None:
    reason = PyAudioSpeaker.unavailable()
    assert reason == "" or len(reason.split()) > 5


def test_pyaudio_ranks_before_sounddevice() -> None:
    assert PyAudioSpeaker.rank > SounddeviceSpeaker.rank
