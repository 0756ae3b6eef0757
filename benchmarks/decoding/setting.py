"""The setting of every part: the size, the device, how long to measure, and the loaded model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from decoding.sizes import Size, language_model, vocabulary

from vflow_nodes.lib.decode.build import Kernels, Options, build, warm_up
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.weights import Int8, Layer, Matrix, Weights, adapt


@dataclass
class Setting:
    """A size of model on a device, and how to measure it. `model` is made at its first use, and then kept."""

    size: Size
    device: torch.device
    dtype: torch.dtype
    seed: int
    quick: bool = False
    minutes: float = 3.0
    sessions: int = 4
    kernels: Kernels = "auto"
    problem: str = ""
    """Why other kernels were measured than those asked for; '' if they were not."""
    _model: Any = field(default=None, repr=False)
    _weights: Weights | None = field(default=None, repr=False)

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def named(self) -> str:
        """The type's name in tables."""
        return {torch.bfloat16: "bf16", torch.float32: "fp32"}[self.dtype]

    @property
    def big(self) -> bool:
        """Whether it has the real shape: then targets are for a GPU, and float32 takes too much room."""
        return self.size.name == "3b"

    def pick(self, full: int, quick: int) -> int:
        """Return `full`, or `quick` for a quick look."""
        return quick if self.quick else full

    @property
    def model(self) -> Any:
        """The model of transformers; the engine's weights are views of its parameters."""
        if self._model is None:
            self._model = language_model(self.size, self.device, self.dtype, self.seed)
        return self._model

    @property
    def weights(self) -> Weights:
        if self._weights is None:
            self._weights = adapt(self.model)
        return self._weights

    def other(self, dtype: torch.dtype) -> Setting:
        """Return the setting in another type: a model of its own, drawn from the same seed."""
        return replace(self, dtype=dtype, _model=None, _weights=None)

    def engine(self, slots: int, context: int) -> Engine:
        """Return a started engine whose steps ran once, captured if possible. The caller closes it.

        If Triton's kernels fail, `problem` says how, and torch's are used: the rest is worth measuring.
        """
        self._weights = None  # the engine fuses the model's matrices anew: do not keep them twice
        options = Options(slots, context, kernels=self.kernels, threads=torch.get_num_threads())
        engine = build(self.model, vocabulary(self.size), options).start()
        try:
            warm_up(engine, slots, context - 1)
        except Exception as error:  # a compiler's or a driver's
            engine.close()
            if self.kernels != "auto" or not self.cuda:
                raise
            self.problem = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            self.kernels = "torch"
            return self.engine(slots, context)
        return engine


def endless(tokens: int, base: Sampling | None = None, **more: Any) -> Sampling:
    """Return the settings of a reply of exactly `tokens` tokens."""
    return replace(base or Sampling(), min_tokens=tokens, max_tokens=tokens, **more)


def widened(weights: Weights) -> Weights:
    """Return a copy of the weights in float32, as the reference for others."""

    def wide(matrix: Matrix) -> Matrix:
        return matrix if isinstance(matrix, Int8) else matrix.float()

    def widened_layer(layer: Layer) -> Layer:
        parts = {name: getattr(layer, name) for name in Layer.__slots__}
        return Layer(**{name: None if part is None else wide(part) for name, part in parts.items()})

    layers = tuple(widened_layer(layer) for layer in weights.layers)
    return replace(
        weights,
        embedding=weights.embedding.float(),
        layers=layers,
        norm=weights.norm.float(),
        head=wide(weights.head),
    )
