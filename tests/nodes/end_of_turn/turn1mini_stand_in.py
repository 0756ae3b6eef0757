"""A stand-in for turn-1-mini: an ONNX graph with the names and shapes of its inputs and outputs.

Its probability is the logistic function of all samples heard so far, summed up: `state_h6` keeps the sum.
The graph is written byte by byte, since a package that writes ONNX is not needed otherwise.
Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, for the numbers of fields.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vflow_nodes.lib.turn1mini import FILES, FRAME, HUB, STEP

STATES = {
    "audio": (1, 400),
    "conv1": (1, 256, 2),
    "conv2": (1, 256, 2),
    "k": (6, 1, 4, 60, 64),
    "v": (6, 1, 4, 60, 64),
    "k_valid": (1, 60),
    "h6": (1,),
}
"""The states by name. Their shapes are plausible: a node has to read them out of the graph."""
_FLOAT, _INT64 = 1, 7
_INT_ATTRIBUTE = 2
COMMIT = "1" * 40


def pulled(hub_cache: Path, graph: bytes | None = None, name: str = FILES[0]) -> Path:
    """Put the graph where a pull would, below a folder for HF_HUB_CACHE; returns its file."""
    repository = hub_cache / f"models--{HUB.replace('/', '--')}"
    file = repository / "snapshots" / COMMIT / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(model() if graph is None else graph)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(COMMIT)
    return file


def model(step: int = STEP) -> bytes:
    """The graph as a file's content; `step` is how many samples it takes."""
    frames = step // FRAME
    constants = {
        "shape": np.array([frames, FRAME]),
        "by_frame": np.array([1]),
        "first_axis": np.array([0]),
        "last": np.array([frames - 1]),
    }
    nodes = [
        _node("Reshape", ["audio", "shape"], ["framed"]),
        _node("ReduceSum", ["framed", "by_frame"], ["sums"], keepdims=0),
        _node("CumSum", ["sums", "first_axis"], ["rising"]),
        _node("Add", ["rising", "state_h6"], ["total"]),
        _node("Sigmoid", ["total"], ["probs"]),
        _node("Gather", ["total", "last"], ["new_state_h6"], axis=0),
        *(_node("Identity", [f"state_{name}"], [f"new_state_{name}"]) for name in STATES if name != "h6"),
    ]
    inputs = {"audio": (1, step), **{f"state_{name}": shape for name, shape in STATES.items()}}
    outputs = {"probs": (frames,), **{f"new_state_{name}": shape for name, shape in STATES.items()}}
    graph = b"".join(
        [
            *(_field(1, node) for node in nodes),
            _field(2, b"stand-in"),
            *(_field(5, _constant(name, values)) for name, values in constants.items()),
            *(_field(11, _port(name, shape)) for name, shape in inputs.items()),
            *(_field(12, _port(name, shape)) for name, shape in outputs.items()),
        ]
    )
    opset = _field(1, b"") + _number(2, 13)
    return _number(1, 8) + _field(7, graph) + _field(8, opset)


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _node(kind: str, inputs: list[str], outputs: list[str], **attributes: int) -> bytes:
    made = [_field(1, name.encode()) for name in inputs] + [_field(2, name.encode()) for name in outputs]
    made.append(_field(4, kind.encode()))
    for name, value in attributes.items():
        attribute = _field(1, name.encode()) + _number(3, value) + _number(20, _INT_ATTRIBUTE)
        made.append(_field(5, attribute))
    return b"".join(made)


def _constant(name: str, values: NDArray[np.int64]) -> bytes:
    """A vector; the one named `first_axis` is a scalar, as CumSum wants it."""
    dims = b"" if name == "first_axis" else _number(1, len(values))
    return dims + _number(2, _INT64) + _field(8, name.encode()) + _field(9, values.astype("<i8").tobytes())


def _port(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_field(1, _number(1, size)) for size in shape)
    tensor = _number(1, _FLOAT) + _field(2, dims)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))
