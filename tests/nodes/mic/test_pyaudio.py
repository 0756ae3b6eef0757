"""`mic.pyaudio`: whether it can run here; tests/devices has it on a real device."""

from __future__ import annotations

from vflow_nodes.mic.pyaudio import PyAudioMic
from vflow_nodes.mic.sounddevice import SounddeviceMic


def test_unavailable_answers_a_sentence_or_nothing_here() -> None:
    reason = PyAudioMic.unavailable()
    assert reason == "" or len(reason.split()) > 5


def test_pyaudio_ranks_before_sounddevice() -> None:
    assert PyAudioMic.rank > SounddeviceMic.rank
