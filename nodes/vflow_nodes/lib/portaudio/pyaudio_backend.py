"""PortAudio through the package PyAudio."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from vflow import install_command
from vflow_nodes.lib.portaudio.alsa import be_quiet
from vflow_nodes.lib.portaudio.backend import Callback, CallbackTiming, Device, DeviceError, Direction, Format

_BUFFERS = 3
"""PyAudio cannot request a latency; PortAudio's buffer holds this many callbacks' lengths."""


class PyAudioBackend:
    """The binding PyAudio, which is compiled against the system's PortAudio.

    PortAudio lists the devices only when it is initialized. So each use initializes it anew, and finds
    devices that were plugged in since, unless a stream is open.
    """

    name = "PyAudio"

    def missing(self) -> str:
        if importlib.util.find_spec("pyaudio") is None:
            return (
                "the package PyAudio is not installed; install it: apt-get install portaudio19-dev,"
                f" then {install_command('pyaudio')}"
            )
        try:
            import pyaudio  # noqa: F401
        except ImportError as error:
            return f"PyAudio cannot be loaded: {error}; install PortAudio: apt-get install libportaudio2"
        return ""

    def devices(self) -> list[Device]:
        with _portaudio() as portaudio:
            defaults = [_default(portaudio, way) for way in ("input", "output")]
            apis = [
                portaudio.get_host_api_info_by_index(n)["name"] for n in range(portaudio.get_host_api_count())
            ]
            found = map(portaudio.get_device_info_by_index, range(portaudio.get_device_count()))
            return [
                Device(
                    device["index"],
                    device["name"],
                    apis[device["hostApi"]],
                    device["maxInputChannels"],
                    device["maxOutputChannels"],
                    int(device["defaultSampleRate"]),
                    device["index"] == defaults[0],
                    device["index"] == defaults[1],
                )
                for device in found
            ]

    def refuses(self, format: Format) -> str:
        import pyaudio

        asked: dict[str, Any] = {}
        for name, end in (("input", format.input), ("output", format.output)):
            if end is not None:
                asked[f"{name}_device"], asked[f"{name}_channels"] = end.device, end.channels
                asked[f"{name}_format"] = pyaudio.paFloat32
        with _portaudio() as portaudio:
            try:
                portaudio.is_format_supported(format.rate, **asked)
            except ValueError as error:
                return str(error.args[0])
        return ""

    def open(self, format: Format, callback: Callback, ended: Callable[[], None]) -> PyAudioStream:
        portaudio = _initialized()
        try:
            return PyAudioStream(portaudio, format, callback)
        except (OSError, ValueError) as error:
            portaudio.terminate()
            raise DeviceError(_reason(error)) from error

    def abandon(self) -> None:
        """Do nothing: PyAudio waits for no stream at the end of the process."""


class PyAudioStream:
    """A stream of PyAudio, which uses bytes. It cannot tell when it has ended."""

    def __init__(self, portaudio: Any, format: Format, callback: Callback) -> None:
        import pyaudio

        self._portaudio, self._callback = portaudio, callback
        self._over = pyaudio.paInputOverflow
        self._under = pyaudio.paOutputUnderflow
        self._go_on = pyaudio.paContinue
        into, out = format.input, format.output
        frames = format.frames if out is None else max(1, round(format.latency_s * format.rate / _BUFFERS))
        # PyAudio takes one number of channels for both directions
        self._channels = max(end.channels for end in (into, out) if end is not None)
        self._stream = portaudio.open(
            rate=format.rate,
            channels=self._channels,
            format=pyaudio.paFloat32,
            input=into is not None,
            output=out is not None,
            input_device_index=None if into is None else into.device,
            output_device_index=None if out is None else out.device,
            frames_per_buffer=frames,
            start=False,
            stream_callback=self._called,
        )

    def _called(self, data: bytes | None, frames: int, time: Any, status: int) -> tuple[bytes | None, int]:
        now = self._stream.get_time()
        adc, dac = time["input_buffer_adc_time"], time["output_buffer_dac_time"]
        moment = CallbackTiming(
            now - adc if adc else math.nan,
            dac - now if dac else math.nan,
            now - time["current_time"],
            bool(status & self._over),
            bool(status & self._under),
        )
        samples = None
        if data is not None:
            samples = np.frombuffer(data, np.float32).reshape(-1, self._channels)[:, 0].copy()
        made = self._callback(samples, frames, moment)
        if made is None:
            return None, self._go_on
        return np.repeat(made, self._channels).tobytes(), self._go_on

    def start(self) -> None:
        self._do(self._stream.start_stream)

    def stop(self) -> None:
        self._do(self._stream.stop_stream)

    def close(self) -> None:
        try:
            self._do(self._stream.close)
        finally:
            self._portaudio.terminate()

    def _do(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            raise DeviceError(_reason(error)) from error

    def latency_s(self, direction: Direction) -> float:
        stream = self._stream
        return float(stream.get_input_latency() if direction == "input" else stream.get_output_latency())


def _initialized() -> Any:
    import pyaudio

    be_quiet()
    with _quiet():
        try:
            return pyaudio.PyAudio()
        except OSError as error:
            raise DeviceError(_reason(error)) from error


@contextmanager
def _portaudio() -> Iterator[Any]:
    portaudio = _initialized()
    try:
        yield portaudio
    finally:
        portaudio.terminate()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the lines that JACK prints if its server is not there, as sounddevice does."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _default(portaudio: Any, way: str) -> int | None:
    try:
        return int(getattr(portaudio, f"get_default_{way}_device_info")()["index"])
    except OSError:  # there is none
        return None


def _reason(error: Exception) -> str:
    """Return PortAudio's sentence, which an OSError of PyAudio has first or after the number."""
    return next((str(part) for part in error.args if isinstance(part, str)), str(error))
