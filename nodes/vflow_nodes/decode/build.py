"""An engine for a model: which kernels, types and graphs it runs with, and how much memory that takes."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import torch

from vflow_nodes.decode import ops_torch, ops_triton
from vflow_nodes.decode.engine import Engine
from vflow_nodes.decode.errors import Unsupported
from vflow_nodes.decode.forward import LlamaModel
from vflow_nodes.decode.sampling import Sampler
from vflow_nodes.decode.stepper import Stepper
from vflow_nodes.decode.vocabulary import Vocabulary
from vflow_nodes.decode.weights import Int8, Weights

Kernels = Literal["auto", "torch", "triton"]


@dataclass(frozen=True, slots=True)
class Options:
    """How an engine runs.

    `slots`: sessions that work at once, 1 to 64. `context`: tokens of a slot. `kernels`: `auto` takes Triton's on
    CUDA, torch's elsewhere. `graphs`: capture each step as a CUDA graph. `tf32`: let float32 products round to
    19 bits on CUDA. `threads`: torch's, on the CPU.
    """

    slots: int = 4
    context: int = 4096
    kernels: Kernels = "auto"
    graphs: bool = True
    tf32: bool = False
    threads: int | None = None


def build(weights: Weights, vocabulary: Vocabulary, options: Options | None = None) -> Engine:
    """An engine that is not started yet. Raises: Unsupported; torch.OutOfMemoryError."""
    options = options or Options()
    if not 1 <= options.slots <= 64:
        raise Unsupported(f"slots is {options.slots}; it goes from 1 to 64")
    device = weights.device
    cuda = device.type == "cuda"
    ops = _ops(options.kernels, device)
    if cuda:
        torch.backends.cuda.matmul.allow_tf32 = options.tf32
    model = LlamaModel(weights, options.slots, options.context, ops)
    sampler = Sampler(vocabulary.marks(model.vocabulary), sorted(vocabulary.ends), device)
    stepper = Stepper(model, sampler, capture=options.graphs)
    effects = {
        "device": torch.cuda.get_device_name(device) if cuda else "cpu",
        "dtype": str(weights.dtype).removeprefix("torch."),
        "weights": "int8" if isinstance(weights.head, Int8) else str(weights.dtype).removeprefix("torch."),
        "kernels": "torch" if ops is ops_torch else "triton",
        "graphs": cuda and options.graphs,
        "tf32": cuda and options.tf32,
        "threads": options.threads or torch.get_num_threads(),
        "cache_bytes": model.keys.numel() * model.keys.element_size() * 2,
    }
    return Engine(stepper, vocabulary, lag=cuda, threads=None if cuda else options.threads, effects=effects)


def _ops(kernels: Kernels, device: torch.device) -> ModuleType:
    problem = "they run on CUDA only" if device.type != "cuda" else ops_triton.available()
    if kernels == "torch" or (kernels == "auto" and problem):
        return ops_torch
    if problem:
        raise Unsupported(f"kernels: triton cannot run here: {problem}; set kernels: auto")
    return ops_triton


def warm_up(engine: Engine, batches: list[int], longest: int) -> Any:
    """Capture, or run once, every step that a turn may need; a future of the engine's thread."""
    stepper = engine.device
    assert isinstance(stepper, Stepper)
    return engine.call(lambda: stepper.warm_up(batches, longest))
