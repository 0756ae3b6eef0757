"""Try an engine's options on this machine: time a step with each, on the same weights."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from vflow_nodes.lib.decode.build import Kernels, pick_ops
from vflow_nodes.lib.decode.forward import LlamaModel
from vflow_nodes.lib.decode.ops_tuned import TunedOps
from vflow_nodes.lib.decode.stepper import Stepper
from vflow_nodes.lib.decode.weights import Int8, Weights, quantise

STEPS = 12
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to run: `int8` matrices, kernels by name, captured steps."""

    int8: bool
    kernels: Kernels
    graphs: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """The cost of a choice: milliseconds per step of one reply, and the bytes of its matrices."""

    choice: Choice
    step_ms: float
    bytes: int


def compare(stepper: Stepper, now: Choice) -> Iterator[Figure]:
    """Yield the figures of the present choice, then of each that differs from it in one thing. Runs for
    seconds, on the engine's thread. If it tries int8, it needs memory for the matrices once more."""
    model = stepper.model
    if not isinstance(model, LlamaModel):
        return
    cuda = model.device.type == "cuda"
    others = [replace(now, int8=True)] if not now.int8 else []
    if cuda:
        kinds: tuple[Kernels, ...] = ("torch", "triton")
        others += [replace(now, kernels=kind) for kind in kinds if kind != now.kernels]
        others.append(replace(now, graphs=not now.graphs))
    for choice in [now, *others]:
        try:
            weights = quantise(model.weights) if choice.int8 and not now.int8 else model.weights
            yield Figure(choice, step_ms(stepper, weights, choice), weights.step_bytes())
        except torch.OutOfMemoryError:  # no room for it beside the engine that runs
            torch.cuda.empty_cache()


def step_ms(stepper: Stepper, weights: Weights, choice: Choice) -> float:
    """Return the milliseconds of a step with one row, in the best of a few rounds."""
    _, ops = pick_ops(choice.kernels, weights)
    if isinstance(ops, TunedOps):
        ops.tune(weights, 1)
    trial = Stepper(LlamaModel(weights, 1, 256, ops), stepper.sampler, capture=choice.graphs)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(ROUNDS):
            trial.step([0], 64, True).read()  # not timed: it compiles and captures
            began = time.perf_counter()
            for _ in range(STEPS):
                last = trial.step([0], 64, True)
            last.read()
            best = min(best, (time.perf_counter() - began) / STEPS * 1e3)
    return best


def logits_error(weights: Weights) -> float:
    """Return how far int8 moves the logits of these weights, as a share of their norm (16 random tokens)."""
    if isinstance(weights.head, Int8):
        return 0.0
    ids = torch.randint(0, weights.shape.vocabulary, (16,), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        exact, narrow = (_logits(each, ids) for each in (weights, quantise(weights)))
    return float((narrow - exact).norm() / exact.norm())


def _logits(weights: Weights, ids: torch.Tensor) -> torch.Tensor:
    model = LlamaModel(weights, 1, 32)
    return model.prefill(0, 0, model.embed(ids.to(weights.device))).float()
