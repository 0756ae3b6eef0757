"""PortAudio through the package sounddevice."""

from __future__ import annotations

import atexit
import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vflow import install_command
from vflow_nodes.lib.portaudio.alsa import be_quiet
from vflow_nodes.lib.portaudio.backend import Callback, CallbackTiming, Device, DeviceError, Direction, Format


class Sounddevice:
    """The binding sounddevice, whose wheels contain PortAudio except on Linux."""

    name = "sounddevice"

    def missing(self) -> str:
        if importlib.util.find_spec("sounddevice") is None:
            return f"the package sounddevice is not installed; install it: {install_command('audio')}"
        try:
            import sounddevice  # noqa: F401
        except OSError as error:
            return f"{error}; install it: apt-get install libportaudio2 (macOS: brew install portaudio)"
        return ""

    def devices(self) -> list[Device]:
        import sounddevice

        be_quiet()
        default_input, default_output = sounddevice.default.device
        try:
            apis = [api["name"] for api in sounddevice.query_hostapis()]
            found = list(sounddevice.query_devices())
        except sounddevice.PortAudioError as error:
            raise DeviceError(str(error)) from error
        return [
            Device(
                device["index"],
                device["name"],
                apis[device["hostapi"]],
                device["max_input_channels"],
                device["max_output_channels"],
                int(device["default_samplerate"]),
                device["index"] == default_input,
                device["index"] == default_output,
            )
            for device in found
        ]

    def refuses(self, format: Format) -> str:
        import sounddevice

        for end, check in (
            (format.input, sounddevice.check_input_settings),
            (format.output, sounddevice.check_output_settings),
        ):
            if end is None:
                continue
            try:
                check(device=end.device, channels=end.channels, dtype="float32", samplerate=format.rate)
            except sounddevice.PortAudioError as error:
                return str(error)
        return ""

    def open(self, format: Format, callback: Callback, ended: Callable[[], None]) -> SounddeviceStream:
        import sounddevice

        try:
            return SounddeviceStream(format, callback, ended)
        except sounddevice.PortAudioError as error:
            raise DeviceError(str(error)) from error

    def abandon(self) -> None:
        import sounddevice

        # at exit it would end PortAudio, and wait there for the stream that hangs
        atexit.unregister(sounddevice._exit_handler)


class SounddeviceStream:
    """A stream of sounddevice, which has a class, and a callback, for each set of directions."""

    def __init__(self, format: Format, callback: Callback, ended: Callable[[], None]) -> None:
        import sounddevice

        self._callback = callback
        common = {"samplerate": format.rate, "blocksize": format.frames, "dtype": "float32"}
        common |= {"latency": format.latency_s, "finished_callback": ended}
        into, out = format.input, format.output
        if into is not None and out is not None:
            pair = {"device": (into.device, out.device), "channels": (into.channels, out.channels)}
            self._stream: Any = sounddevice.Stream(callback=self._both, **pair, **common)
        elif into is not None:
            one = {"device": into.device, "channels": into.channels}
            self._stream = sounddevice.InputStream(callback=self._record, **one, **common)
        elif out is not None:
            one = {"device": out.device, "channels": out.channels}
            self._stream = sounddevice.OutputStream(callback=self._play, **one, **common)

    def _both(
        self, data: NDArray[np.float32], out: NDArray[np.float32], frames: int, time: Any, status: Any
    ) -> None:
        made = self._callback(data[:, 0].copy(), frames, self._moment(time, status))
        out[:] = 0 if made is None else made[:, np.newaxis]

    def _record(self, data: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        self._callback(data[:, 0].copy(), frames, self._moment(time, status))

    def _play(self, out: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        made = self._callback(None, frames, self._moment(time, status))
        out[:] = 0 if made is None else made[:, np.newaxis]

    def _moment(self, time: Any, status: Any) -> CallbackTiming:
        now = self._stream.time
        adc, dac = time.inputBufferAdcTime, time.outputBufferDacTime
        return CallbackTiming(
            now - adc if adc else math.nan,
            dac - now if dac else math.nan,
            now - time.currentTime,
            bool(status.input_overflow),
            bool(status.output_underflow),
        )

    def start(self) -> None:
        self._do("start")

    def stop(self) -> None:
        self._do("abort")

    def close(self) -> None:
        self._do("close")

    def _do(self, verb: str) -> None:
        import sounddevice

        try:
            getattr(self._stream, verb)()
        except sounddevice.PortAudioError as error:
            raise DeviceError(str(error)) from error

    def latency_s(self, direction: Direction) -> float:
        latency = self._stream.latency
        if isinstance(latency, tuple):
            return float(latency[0 if direction == "input" else 1])
        return float(latency)
