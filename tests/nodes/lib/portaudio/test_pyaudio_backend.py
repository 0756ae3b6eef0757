"""The binding pyaudio where its package or PortAudio is missing; tests/devices has it on real devices."""

from __future__ import annotations

import importlib.util

import pytest

from tests.device_stand_in import failing_import
from vflow_nodes.lib.portaudio.pyaudio_backend import PyAudioBackend


def test_a_package_that_is_not_installed_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'vflow-voice[pyaudio]'" in PyAudioBackend().missing()


def test_a_library_that_is_missing_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    failing_import(monkeypatch, "pyaudio", ImportError("libportaudio.so.2: cannot open shared object file"))
    assert "libportaudio.so.2: cannot open shared object file" in PyAudioBackend().missing()
    assert "apt-get install libportaudio2" in PyAudioBackend().missing()
