"""The binding sounddevice where its package or PortAudio is missing; tests/devices has it on real devices."""

from __future__ import annotations

import importlib.util

import pytest

from tests.device_stand_in import failing_import
from vflow_nodes.lib.portaudio.sounddevice_backend import Sounddevice


def test_a_package_that_is_not_installed_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'vflow-voice[audio]'" in Sounddevice().missing()


def test_a_library_that_is_missing_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    failing_import(monkeypatch, "sounddevice", OSError("PortAudio library not found"))
    assert "PortAudio library not found" in Sounddevice().missing()
    assert "apt-get install libportaudio2" in Sounddevice().missing()
