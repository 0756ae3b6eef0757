"""Build an engine for a model: choose its kernels, types and graphs, and tell which are in effect."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

import torch

from vflow_nodes.lib.decode import ops_torch, ops_triton
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import Unsupported
from vflow_nodes.lib.decode.forward import LlamaModel, Model
from vflow_nodes.lib.decode.ops_tuned import TunedOps
from vflow_nodes.lib.decode.sampling import Sampler
from vflow_nodes.lib.decode.sampling_triton import TritonSampler
from vflow_nodes.lib.decode.stepper import Stepper
from vflow_nodes.lib.decode.transformers_model import AnyModel
from vflow_nodes.lib.decode.vocabulary import Vocabulary
from vflow_nodes.lib.decode.weights import Int8, Weights, adapt, quantise

Kernels = Literal["auto", "torch", "tuned", "compiled", "triton"]
OPS = ("linear", "gated", "rope_write", "rope_attend", "attend_chunk")


@dataclass(frozen=True, slots=True)
class Options:
    """How an engine runs.

    slots: sessions that work at once, 1 to 64. context: tokens of a slot.
    int8: keep matrices in 8 bits.
    kernels: `auto` takes Triton's on CUDA. Elsewhere it takes torch's, `tuned` in float32: each matrix is
        multiplied in the way that is fastest here. `compiled` are torch's through torch.compile.
    graphs: capture each step as a CUDA graph.
    tf32: let float32 products round to 19 bits on CUDA.
    threads: torch's threads, on the CPU.
    """

    slots: int = 4
    context: int = 4096
    int8: bool = False
    kernels: Kernels = "auto"
    graphs: bool = True
    tf32: bool = False
    threads: int | None = None


def build(
    model: Any, vocabulary: Vocabulary, options: Options | None = None, device: torch.device | None = None
) -> Engine:
    """Return an engine, not started yet, for a causal language model of transformers, or the one in a
    Voxtral.

    It runs on the model's device. With int8 it runs on `device`, to which the matrices are copied; the model
    itself stays where it is. Raises: Unsupported; torch.OutOfMemoryError.
    """
    options = options or Options()
    if not 1 <= options.slots <= 64:
        raise Unsupported(f"slots is {options.slots}; it goes from 1 to 64")
    inner, effects = _model(model, options, device)
    device = inner.device
    cuda = device.type == "cuda"
    if cuda:
        torch.backends.cuda.matmul.allow_tf32 = options.tf32
    kind = TritonSampler if effects["kernels"] == "triton" else Sampler
    sampler = kind(vocabulary.marks(inner.vocabulary), sorted(vocabulary.ends), device)
    graphs = cuda and options.graphs and isinstance(inner, LlamaModel)
    stepper = Stepper(inner, sampler, capture=graphs)
    effects |= {
        "device": torch.cuda.get_device_name(device) if cuda else "cpu",
        "graphs": graphs,
        "tf32": cuda and options.tf32 and effects["dtype"] == "float32",
        "threads": options.threads or torch.get_num_threads(),
    }
    return Engine(stepper, vocabulary, lag=cuda, threads=None if cuda else options.threads, effects=effects)


def _model(model: Any, options: Options, device: torch.device | None) -> tuple[Model, dict[str, Any]]:
    """Return the model that steps, and the options that are in effect on it."""
    dtype = str(model.dtype).removeprefix("torch.")
    try:
        weights = adapt(model)
    except Unsupported as error:
        if options.int8:
            raise Unsupported(f"dtype int8: {error}") from error
        effects = {"dtype": dtype, "weights": dtype, "kernels": "transformers"}
        return AnyModel(model, options.slots, options.context), effects
    if options.int8:
        weights = quantise(weights, device)
    name, ops = pick_ops(options.kernels, weights)
    llama = LlamaModel(weights, options.slots, options.context, ops)
    cache = 2 * llama.keys.numel() * llama.keys.element_size()
    narrow = "int8" if isinstance(weights.head, Int8) else dtype
    return llama, {"dtype": dtype, "weights": narrow, "kernels": name, "cache_bytes": cache}


def pick_ops(kernels: Kernels, weights: Weights) -> tuple[Kernels, Any]:
    """Return the functions of a forward pass, and their name. Raises: Unsupported if they cannot run."""
    if kernels == "compiled":
        return kernels, compiled()
    cpu = weights.device.type == "cpu"
    fits = cpu and weights.dtype == torch.float32 and isinstance(weights.head, torch.Tensor)
    if kernels == "tuned" or (kernels == "auto" and fits):
        return "tuned", TunedOps()
    cuda, head_dim = weights.device.type == "cuda", weights.shape.head_dim
    problem = ops_triton.available(head_dim) if cuda else "they run on CUDA"
    if kernels == "torch" or (kernels == "auto" and problem):
        return "torch", ops_torch
    if problem:
        raise Unsupported(f"kernels: triton cannot run here: {problem}; set kernels: auto")
    return "triton", ops_triton


def compiled() -> SimpleNamespace:
    """Return `ops_torch`'s functions through torch.compile; each compiles at its first call per shape."""
    return SimpleNamespace(**{name: torch.compile(getattr(ops_torch, name)) for name in OPS})


def warm_up(engine: Engine, batch: int, longest: int) -> None:
    """Run once, or capture, every step that up to `batch` replies to a prompt of `longest` tokens may need.
    Wait for the engine's thread."""
    stepper = engine.device
    assert isinstance(stepper, Stepper)

    def work() -> None:
        model = stepper.model
        if isinstance(model, LlamaModel) and isinstance(model.ops, TunedOps):
            model.ops.tune(model.weights, batch)
        stepper.warm_up(batch, longest)

    engine.call(work).result()
