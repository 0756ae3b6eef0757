"""Run the engine's inner loop without its thread: steppers over random caches, with rows in them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from decoding.device import synchronise
from decoding.record import Skip
from decoding.sizes import END

from vflow_nodes.lib.decode import ops_torch, ops_triton
from vflow_nodes.lib.decode.build import compiled
from vflow_nodes.lib.decode.forward import LlamaModel
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampler, Sampling
from vflow_nodes.lib.decode.sampling_triton import TritonSampler
from vflow_nodes.lib.decode.stepper import Stepper
from vflow_nodes.lib.decode.weights import Weights

GREEDY = Sampling(temperature=0, min_tokens=1024, max_tokens=1024)
DRAWN = Sampling(min_tokens=1024, max_tokens=1024)
"""The default sampling, but a reply does not end by itself."""


def ops(kernels: str, device: torch.device) -> Any:
    """Return the functions that a forward pass is made of. Raises: Skip if they cannot run here."""
    if kernels == "torch":
        return ops_torch
    if kernels == "compiled":
        return compiled()
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    reason = ops_triton.available()
    if device.type != "cuda" and not interpreted:
        reason = "Triton's kernels run on CUDA, or in its interpreter with TRITON_INTERPRET=1"
    if reason:
        raise Skip(reason)
    return ops_triton


def best_kernels(device: torch.device) -> str:
    """Return the name of Triton's kernels if they run here, else of torch's."""
    try:
        ops("triton", device)
    except Skip:
        return "torch"
    return "triton"


def random_cache(model: LlamaModel) -> None:
    """Fill keys and values with random numbers: zeros would be easier than the values of a real turn."""
    for cache in (model.keys, model.values):
        for layer in cache:
            layer.normal_()


def stepper(weights: Weights, slots: int, context: int, kernels: str, capture: bool) -> Stepper:
    """Return a stepper with a cache of random numbers. Raises: Skip; torch.OutOfMemoryError."""
    model = LlamaModel(weights, slots, context, ops(kernels, weights.device))
    random_cache(model)
    none = torch.zeros(model.vocabulary, dtype=torch.int64)
    kind = TritonSampler if kernels == "triton" else Sampler
    sampler = kind((none, none.bool(), none.bool()), [END], weights.device)
    return Stepper(model, sampler, capture=capture)


@dataclass
class Rows:
    """Slots 0 to `batch` - 1 of a stepper, each after `context` positions."""

    stepper: Stepper
    device: torch.device
    batch: int
    context: int
    sampling: Sampling = DRAWN

    @torch.inference_mode()
    def begin(self, ids: Sequence[int]) -> list[int]:
        """Compute the last position of a prompt and draw the first token, in each slot."""
        first = []
        for slot in range(self.batch):
            prompt = Prompt([*ids[: self.context - 1], ids[slot]])
            self.stepper.prefill(slot, prompt, self.context - 1, self.context)
            first += self.stepper.first(slot, self.context, self.sampling).read()
        return first

    @torch.inference_mode()
    def run(self, steps: int) -> list[list[int]]:
        """Run `steps` steps; return their tokens. They are read once the next step is begun, as in the engine
        on CUDA."""
        slots, greedy = list(range(self.batch)), self.sampling.temperature == 0
        before, found = None, []
        for _ in range(steps):
            begun = self.stepper.step(slots, self.context, greedy)
            self.context += 1
            if before is not None:
                found.append(before.read())
            before = begun
        if before is not None:
            found.append(before.read())
        return found

    def step_ms(self, steps: int, rounds: int = 3) -> float:
        """Time a step: the median of `rounds` runs of `steps`, after a few that do not count."""
        self.run(3)
        taken = []
        for _ in range(rounds):
            synchronise(self.device)
            began = time.perf_counter()
            self.run(steps)
            synchronise(self.device)
            taken.append((time.perf_counter() - began) * 1e3 / steps)
        return statistics.median(taken)


def step_bytes(weights: Weights, batch: int, context: float) -> float:
    """Return the bytes that a step has to read: each matrix once, and keys and values of each row."""
    fixed = weights.step_bytes(0)
    return fixed + batch * context * (weights.step_bytes(1) - fixed)
