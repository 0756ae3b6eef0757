"""The two bindings where their package or PortAudio is missing; tests/devices has them on real devices."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from vflow_nodes.lib.portaudio.backend import Backend
from vflow_nodes.lib.portaudio.pyaudio_backend import PyAudioBackend
from vflow_nodes.lib.portaudio.sounddevice_backend import Sounddevice
from vflow_nodes.mic.pyaudio import PyAudioMic
from vflow_nodes.mic.sounddevice import SounddeviceMic
from vflow_nodes.speaker.pyaudio import PyAudioSpeaker
from vflow_nodes.speaker.sounddevice import SounddeviceSpeaker

NODES = [PyAudioMic, PyAudioSpeaker, SounddeviceMic, SounddeviceSpeaker]


@pytest.mark.parametrize(
    ("backend", "mend"),
    [
        (Sounddevice(), "pip install 'vflow-voice[audio]'"),
        (PyAudioBackend(), "pip install 'vflow-voice[pyaudio]'"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_the_mend(
    backend: Backend, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert mend in backend.missing()


@pytest.mark.parametrize(
    ("backend", "module", "error"),
    [
        (Sounddevice(), "sounddevice", OSError("PortAudio library not found")),
        (PyAudioBackend(), "pyaudio", ImportError("libportaudio.so.2: cannot open shared object file")),
    ],
)
def test_a_library_that_is_missing_is_named_with_the_mend(
    backend: Backend, module: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            if name == module:
                raise error

    def finders() -> Iterator[Any]:
        yield Broken()
        yield from sys.meta_path

    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(sys, "meta_path", list(finders()))
    assert str(error) in backend.missing()
    assert "apt-get install libportaudio2" in backend.missing()


@pytest.mark.parametrize("cls", NODES)
def test_unavailable_answers_a_sentence_or_nothing_here(cls: type[Any]) -> None:
    reason = cls.unavailable()
    assert reason == "" or len(reason.split()) > 5


def test_pyaudio_ranks_before_sounddevice() -> None:
    assert PyAudioMic.rank == PyAudioSpeaker.rank > SounddeviceMic.rank == SounddeviceSpeaker.rank
