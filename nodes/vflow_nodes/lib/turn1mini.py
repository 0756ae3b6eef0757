"""turn-1-mini: rate by the sound, while a person speaks, how likely it is that they have finished.

The published graph computes steps of 160 ms of audio at 16 kHz, and hands its state from step to step:

    (audio (1, 2560), state_*) -> (probs (8,), new_state_*)        probs: one for each 20 ms

All states begin as zeros. A step takes 1 to 2 ms, by the model's card. English.

Sources: turn-1-mini of p99lab (Apache-2.0, https://huggingface.co/p99lab/turn-1-mini, onnx/README.md); and
pipecat-p99lab (BSD-2), `_onnx.py`, for the padded step between two others.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vflow import Samples, Unavailable, install_command, models

RATE, STEP, FRAME = 16_000, 2_560, 320
"""The rate in Hz; samples in a step, and samples that one probability is for."""
HUB = "p99lab/turn-1-mini"
FILES = ("onnx/turn-1-mini.step.int8dyn.onnx", "onnx/turn-1-mini.step.onnx")
"""The graphs on the hub that can be used, the smaller first: 7 and 22 MB."""
_STATE, _NEW_STATE = "state_", "new_state_"

State = Mapping[str, NDArray[Any]]
"""The state of a stream, by the names of the graph's inputs."""


def problem() -> str:
    """Return why the model cannot run here, with what mends it; '' if it can. Imports nothing big."""
    if importlib.util.find_spec("onnxruntime") is None:
        return f"onnxruntime is not installed; {install_command('speech')}"
    if _file() is None:
        return f"turn-1-mini is not here: vflow models pull {HUB} --file '*.int8dyn.onnx'"
    return ""


def _file() -> Path | None:
    """Return the graph that was pulled; None if none was."""
    folder = models.hub_snapshot(HUB)
    found = (folder / name for name in FILES) if folder is not None else ()
    return next((file for file in found if file.is_file()), None)


class Turn1Mini:
    """The model, on one thread. Any thread may call; each stream has a state of its own."""

    def __init__(self, file: Path) -> None:
        """Load a graph. Raises: Unavailable if it is not this model's."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library's own kinds, for a file that is damaged or of no ONNX
            raise Unavailable(f"{file} cannot be loaded: {error}; {_again()}") from error
        shapes = {port.name: port.shape for port in self._session.get_inputs()}
        audio = shapes.pop("audio", None)
        outputs = {port.name for port in self._session.get_outputs()}
        self._names = [f"{_NEW_STATE}{name.removeprefix(_STATE)}" for name in shapes]
        if audio != [1, STEP] or not outputs.issuperset({"probs", *self._names}):
            raise Unavailable(
                f"{file} is no graph of turn-1-mini: it takes {audio} samples and {sorted(shapes)},"
                f" and gives {sorted(outputs)}; {_again()}"
            )
        self._shapes = shapes

    def start(self) -> State:
        """Return the state of a stream that has heard nothing."""
        return {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()}

    def step(self, samples: Samples, state: State) -> tuple[NDArray[np.float32], State]:
        """Return the 8 probabilities of a step, `(2560,) float32`, and the state after it. Changes nothing
        that it is given."""
        feed = {"audio": samples[np.newaxis], **state}
        probabilities, *states = self._session.run(["probs", *self._names], feed)
        return np.ravel(probabilities), dict(zip(state, states, strict=True))


def load() -> Turn1Mini:
    """Load the model from the hub's cache. Raises: Unavailable if it is not there."""
    file = _file()
    if file is None:
        raise Unavailable(problem())
    return Turn1Mini(file)


def _again() -> str:
    """Return what mends a file that is no use."""
    return f"fetch it again: vflow models pull {HUB} --file '*.int8dyn.onnx'"


class Stream:
    """One utterance as far as the model has heard it. One thread."""

    def __init__(self, model: Turn1Mini) -> None:
        self._model, self._state = model, model.start()
        self._rest: Samples = np.zeros(0, np.float32)
        """Samples since the last step, less than a step."""
        self._last = 0.0

    def add(self, samples: Samples) -> Iterator[float]:
        """Hear more, `(frames,) float32` at 16 kHz; yield the newest probability at the end of each step."""
        self._rest = np.concatenate([self._rest, np.clip(np.nan_to_num(samples), -1, 1)])
        while len(self._rest) >= STEP:
            step, self._rest = self._rest[:STEP], self._rest[STEP:]
            found, state = self._model.step(step, self._state)
            if all(np.isfinite(values).all() for values in (found, *state.values())):
                self._state, self._last = state, float(found[-1])
            else:  # no later step would be of use: begin anew
                self._state, self._last = self._model.start(), 0.0
            yield self._last

    def now(self) -> float:
        """Return the probability at the last whole frame heard, without the end of its step: the rest of the
        step is silence, and the stream does not change."""
        frames = len(self._rest) // FRAME
        if frames == 0:
            return self._last
        padded = np.zeros(STEP, np.float32)
        padded[: len(self._rest)] = self._rest
        found, _ = self._model.step(padded, self._state)
        probability = float(found[frames - 1])
        return probability if np.isfinite(probability) else self._last
