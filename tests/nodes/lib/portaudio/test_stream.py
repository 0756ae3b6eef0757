"""A stream that hangs or does not begin: what is told, and that nobody waits for it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.device_stand_in import SERVER, StandIn, mic, play, speaker
from tests.stand_ins import PATIENCE_S
from vflow import SECOND, AudioPacket, Unavailable
from vflow_nodes.lib.portaudio import stream


@pytest.fixture
def backend() -> StandIn:
    return StandIn(SERVER)


def test_a_device_that_does_not_begin_is_an_error_and_not_a_hang(
    backend: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "READY_S", 0.0)
    backend.mute = lambda format: True
    with pytest.raises(Unavailable, match="nothing was recorded or played"), mic(backend):
        pass
    assert backend.stream.state == "closed"


def test_a_stop_that_hangs_is_abandoned_with_a_warning(
    backend: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "STOP_S", 0.05)
    backend.stuck = threading.Event()
    with speaker(backend) as harness:
        harness.time_ns = SECOND
        play(harness, backend, 100)  # the device's clock is known
        harness.push(AudioPacket(data=np.full(1600, 0.5, np.float32), rate=16000, turn=1))
        assert play(harness, backend, 20).any()
    backend.stuck.set()
    (warning,) = [m.text for m in harness.messages if m.kind == "warning"]
    assert "could not be closed within 0.05 s, and is abandoned" in warning
    assert backend.abandoned == 1
    assert not play(harness, backend, 10).any()  # what still calls gets silence


def test_an_open_that_hangs_is_an_error(backend: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "OPEN_S", 0.05)
    gate = threading.Event()
    backend.opening = lambda format: gate.wait() and None
    with pytest.raises(Unavailable, match=r"cannot be opened: PortAudio has not answered for 0\.05 s"):
        speaker(backend).__enter__()
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "vflow:portaudio:open":
            thread.join(PATIENCE_S)
    assert backend.stream.state == "closed"  # it was opened after all, and nobody waits for it
