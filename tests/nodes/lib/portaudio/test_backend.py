"""The guard around every call of PortAudio: one thread at a time, and a deadline."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.portaudio.backend import PORTAUDIO, DeviceError, portaudio


def test_a_call_after_one_that_hangs_is_an_error() -> None:
    with PORTAUDIO, pytest.raises(DeviceError, match="an earlier call of PortAudio hangs"), portaudio(0.0):
        pass


def test_failed_call_releases_portaudio() -> None:
    with pytest.raises(DeviceError, match="no such device"), portaudio():
        raise DeviceError("no such device")
    assert not PORTAUDIO.locked()
