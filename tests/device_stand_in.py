"""Stand in for PortAudio: devices do nothing by themselves; the test calls their callback."""

from __future__ import annotations

import importlib.util
import math
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vflow import SECOND, Audio, Harness, Samples
from vflow_nodes.lib.portaudio.backend import Callback, CallbackTiming, Device, DeviceError, Direction, Format
from vflow_nodes.lib.portaudio.loudspeaker import Loudspeaker
from vflow_nodes.lib.portaudio.microphone import Microphone

LATENCY_S = 0.04
HEADSET = Device(3, "Headset: USB Audio (hw:1,0)", "ALSA", 1, 2, 48000, True, True)
MONITOR = Device(5, "HDMI: Monitor (hw:0,3)", "ALSA", 0, 8, 44100)
SERVER = Device(7, "pulse", "ALSA", 32, 32, 44100)


class StandIn:
    """A binding with the given devices. `refusal` is the reason why a format is refused. A `mute` stream
    never calls its callback. A `stop` hangs until `stuck` is set."""

    name = "stand-in"

    def __init__(self, *devices: Device) -> None:
        self.found = list(devices)
        self.absent = ""
        self.refusal: Callable[[Format], str] = lambda format: ""
        self.opening: Callable[[Format], None] = lambda format: None
        self.mute: Callable[[Format], bool] = lambda format: False
        self.stuck: threading.Event | None = None
        self.streams: list[StandInStream] = []
        self.abandoned = 0

    def missing(self) -> str:
        return self.absent

    def devices(self) -> list[Device]:
        return self.found

    def refuses(self, format: Format) -> str:
        return self.refusal(format)

    def open(self, format: Format, callback: Callback, ended: Callable[[], None]) -> StandInStream:
        self.opening(format)
        self.streams.append(StandInStream(self, format, callback, ended))
        return self.streams[-1]

    def abandon(self) -> None:
        self.abandoned += 1

    @property
    def stream(self) -> StandInStream:
        """The newest stream."""
        return self.streams[-1]


class StandInStream:
    def __init__(
        self, backend: StandIn, format: Format, callback: Callback, ended: Callable[[], None]
    ) -> None:
        self.backend, self.format, self.callback, self.ended = backend, format, callback, ended
        self.state = "open"

    def start(self) -> None:
        self.state = "started"
        if not self.backend.mute(self.format):
            for _ in range(10):  # a real device first fills its buffer like this
                self.call(np.zeros(self.format.frames, np.float32))

    def stop(self) -> None:
        if self.backend.stuck is not None:
            self.backend.stuck.wait()
        self.state = "stopped"

    def close(self) -> None:
        self.state = "closed"

    def latency_s(self, direction: Direction) -> float:
        return LATENCY_S

    def call(
        self,
        recorded: Samples | None = None,
        frames: int = 0,
        age_s: float = math.nan,
        sounds_s: float = LATENCY_S,
        overflow: bool = False,
        underflow: bool = False,
    ) -> Samples | None:
        """Call the callback as PortAudio does when a block is due."""
        count = frames or (self.format.frames if recorded is None else len(recorded))
        moment = CallbackTiming(age_s, sounds_s, 0.0, overflow, underflow)
        given = None if self.format.input is None else recorded
        return self.callback(given, count, moment)


def mic(backend: StandIn, rate: int = 16000, **props: Any) -> Harness:
    """Return a harness of a microphone on this device."""
    cls = type("Mic", (Microphone,), {"backend": backend})
    return Harness(cls(**props), name="mic", caps={"audio": Audio(rate, 1)})


def speaker(backend: StandIn, rate: int = 16000, **props: Any) -> Harness:
    """Return a harness of a loudspeaker on this device."""
    cls = type("Speaker", (Loudspeaker,), {"backend": backend})
    caps = Audio(rate, 1)
    return Harness(cls(**props), name="speaker", caps={"audio": caps, "played": caps})


def play(harness: Harness, backend: StandIn, ms: int, **said: Any) -> Samples:
    """Let the device play for `ms`, and the clock advance; return the samples, `(frames,) float32`."""
    played = []
    for _ in range(ms // 10):
        harness.time_ns += SECOND // 100
        out = backend.stream.call(**said)
        assert out is not None
        played.append(out)
    return np.concatenate(played)


__all__ = ["HEADSET", "MONITOR", "SERVER", "DeviceError", "StandIn", "mic", "play", "speaker"]


def failing_import(monkeypatch: pytest.MonkeyPatch, module: str, error: Exception) -> None:
    """Make the import of an installed package fail."""

    class Broken:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            if name == module:
                raise error

    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
