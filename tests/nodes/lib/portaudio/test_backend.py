"""What stands around every call of PortAudio: one thread at a time, and a deadline."""

from __future__ import annotations

import threading

import pytest

from tests.stand_ins import PATIENCE_S
from vflow_nodes.lib.portaudio.backend import PORTAUDIO, DeviceError, portaudio, within


def test_a_call_behind_one_that_hangs_is_an_error() -> None:
    with PORTAUDIO, pytest.raises(DeviceError, match="an earlier call of PortAudio hangs"), portaudio(0.0):
        pass


def test_a_call_that_fails_lets_go_of_portaudio() -> None:
    with pytest.raises(DeviceError, match="no such device"), portaudio():
        raise DeviceError("no such device")
    assert not PORTAUDIO.locked()


def test_a_step_in_time_returns_its_result_or_raises_its_error() -> None:
    def fail() -> int:
        raise DeviceError("no such device")

    assert within(PATIENCE_S, lambda: 3, "open") == 3
    with pytest.raises(DeviceError, match="no such device"):
        within(PATIENCE_S, fail, "open")


def test_a_step_that_hangs_is_left_behind() -> None:
    gate = threading.Event()
    with pytest.raises(TimeoutError, match=r"PortAudio has not answered for 0\.01 s"):
        within(0.01, gate.wait, "hang")
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "vflow:portaudio:hang":
            thread.join(PATIENCE_S)
