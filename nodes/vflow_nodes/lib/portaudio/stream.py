"""One open stream of PortAudio: its callback, its clock, and a deadline for each call that may hang."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Protocol

import numpy as np

from vflow import SECOND, Samples, Unavailable, call_within
from vflow_nodes.lib.portaudio.backend import (
    Backend,
    CallbackTiming,
    DeviceError,
    Format,
    Stream,
    portaudio,
)
from vflow_nodes.lib.portaudio.clock_drift import DeviceClock

SILENT_S = 1.0
"""After this long without a callback, the device is gone."""
_GRACE_S = 0.2
STOP_S = 1.0
"""The longest wait for PortAudio to stop a stream. Over PulseAudio it never stops once the server is gone."""
OPEN_S = 5.0
READY_S = 3.0
"""The longest wait for the first callback: a sound server may take 2 s to wake its device."""
_MOST_DELAY_S = 2.0  # larger times of PortAudio, or negative ones, are not true
_LAGS = 50


class User(Protocol):
    """A node that records or plays. `now_ns` and `woken` are called in PortAudio's thread."""

    def now_ns(self) -> int:
        """Return the pipeline time."""

    def woken(self) -> None:
        """Wake the threads that wait for the stream: it has ended."""


class Recorder(User, Protocol):
    """Takes recorded samples, in PortAudio's thread."""

    def record(self, samples: Samples, end_ns: float, period_ns: float, overflowed: bool) -> None:
        """Take samples; the last one ends at `end_ns` of pipeline time."""


class Player(User, Protocol):
    """Gives the samples to play, in PortAudio's thread."""

    def play(self, frames: int, at_ns: float, period_ns: float, underflowed: bool) -> Samples:
        """Return the next frames; the first one sounds at `at_ns` of pipeline time."""


class OpenStream:
    """A stream with a recorder, a player or both, from `start` to `stop`."""

    def __init__(
        self, backend: Backend, name: str, format: Format, recorder: Recorder | None, player: Player | None
    ) -> None:
        self.name, self.format = name, format
        self.recorder, self.player = recorder, player
        self.clock = DeviceClock(format.rate)
        self._backend = backend
        self._stream: Stream | None = None
        self._ready = threading.Event()
        self._over = False
        self._frames = 0
        self._latencies = (0.0, 0.0)
        self._lags_ns: list[float] = []
        self._lag_ns = 0.0
        self._heard_s = 0.0
        self._suspected = (-1.0, 0.0)  # (last callback before a silence, when the silence was seen)

    def start(self) -> None:
        """Open the stream, and wait until the device runs. Raises: Unavailable, with nothing left open."""
        try:
            call_within(OPEN_S, self._open, "PortAudio", "portaudio:open")
            if self._ready.wait(READY_S):
                return
            text = (
                f"{self.name}: nothing was recorded or played for {READY_S:g} s after it was opened;"
                " is the sound server well, and the device still there?"
            )
        except (DeviceError, TimeoutError) as error:
            text = f"{self.name} cannot be opened: {error}; does another program hold it?"
        self.stop()
        raise Unavailable(text)

    def _open(self) -> None:
        with portaudio():
            stream = self._backend.open(self.format, self._called, self._ended)
            self._stream = stream
            self._latencies = stream.latency_s("input"), stream.latency_s("output")
            self._heard_s = time.monotonic()
            if not self._over:
                stream.start()
                return
        _close(stream)  # `start` has given up waiting

    def check(self) -> None:
        """Check that the device still calls. Raises: Unavailable if it is gone. A silence counts only when it
        is seen twice: if the whole process was kept from running for a second, PortAudio's thread was too."""
        now_s, heard_s = time.monotonic(), self._heard_s
        silent_s = now_s - heard_s
        if silent_s > SILENT_S and self._suspected[0] != heard_s:
            self._suspected = heard_s, now_s
        if self._over or (silent_s > SILENT_S and now_s - self._suspected[1] >= _GRACE_S):
            found = "has ended its stream" if self._over else f"has been silent for {silent_s:.1f} s"
            raise Unavailable(
                f"{self.name} {found}: it was unplugged, or the sound server has ended;"
                " plug it in, or start the server, and run again"
            )

    def stop(self) -> str:
        """End the stream; samples that the device holds are not played. Abandon a call that hangs, and return
        a warning about it, else ''."""
        self._over = True
        stream, self._stream = self._stream, None
        if stream is None:
            return ""
        try:
            call_within(STOP_S, lambda: _close(stream), "PortAudio", "portaudio:close")
        except TimeoutError:
            self._backend.abandon()
            return f"{self.name} could not be closed within {STOP_S:g} s, and is abandoned"
        except DeviceError:
            return ""  # the device is gone
        return ""

    def _ended(self) -> None:
        self._over = True
        for user in (self.recorder, self.player):
            if user is not None:
                user.woken()

    def _called(self, samples: Samples | None, frames: int, moment: CallbackTiming) -> Samples | None:
        """Run as PortAudio's callback: take the recorded samples, and return the samples to play."""
        silence = None if self.player is None else np.zeros(frames, np.float32)
        if self._over or self._stream is None:
            return silence
        self._heard_s = time.monotonic()
        if moment.overflow or moment.underflow:
            self.clock.reset()
        before, self._frames = self._frames, self._frames + frames
        out = silence
        if self.player is not None:
            now_ns = self.player.now_ns()
            sounds_s = _sane(moment.sounds_s, self._latencies[1])
            at_ns = self._filtered(before, now_ns, now_ns + sounds_s * SECOND)
            out = self.player.play(frames, at_ns, self.clock.period_ns, moment.underflow)
        if self.recorder is not None and samples is not None:
            end_ns = self._recorded_ns(frames, moment)
            self.recorder.record(samples, end_ns, self.clock.period_ns, moment.overflow)
        # ready only now: at its start a device takes many blocks at once to fill its buffer
        if self._frames > 2 * self._latencies[1] * self.format.rate:
            self._ready.set()
        return out

    def _filtered(self, count: int, now_ns: int, observed_ns: float) -> float:
        if now_ns <= 0:  # pipeline time stands still
            self.clock.reset()
            return observed_ns
        return self.clock.update(count, observed_ns)

    def _recorded_ns(self, frames: int, moment: CallbackTiming) -> float:
        """Return when the last recorded frame ended.

        This is the callback's time less the median age that PortAudio gave in the first callbacks. Its later
        times are not used: over PulseAudio, those for input run at up to 0.7 of the pace, or wander by 0.5 s.
        """
        assert self.recorder is not None
        now_ns = self.recorder.now_ns()
        called_ns = now_ns - moment.late_s * SECOND
        if self.player is None:
            by_clock = self._filtered(self._frames, now_ns, called_ns)
        else:
            by_clock = (self.clock.at(self._frames) or called_ns) if now_ns > 0 else called_ns
        if now_ns > 0 and len(self._lags_ns) < _LAGS and 0 < moment.recorded_s < _MOST_DELAY_S:
            block_s = frames / self.format.rate
            age_s = min(max(moment.recorded_s - block_s, 0.0), self._latencies[0] + 2 * block_s)
            self._lags_ns.append(by_clock - now_ns + age_s * SECOND)
            self._lag_ns = statistics.median(self._lags_ns)
        return by_clock - self._lag_ns


def _close(stream: Stream) -> None:
    try:
        stream.stop()
    finally:
        with portaudio():
            stream.close()


def _sane(seconds: float, otherwise: float) -> float:
    return seconds if 0 < seconds < _MOST_DELAY_S else otherwise  # NaN fails this too
