"""Compare graphs, kernels, types and 8 bits with references, on numbers drawn anew in each run."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from decoding.greedy import common, greedy
from decoding.record import Record, Skip, free
from decoding.rows import DRAWN, GREEDY, Rows, ops, random_cache, stepper
from decoding.setting import Setting, widened
from decoding.sizes import random_ids

from vflow_nodes.lib.decode import ops_torch
from vflow_nodes.lib.decode.cuda_graphs import Recorder
from vflow_nodes.lib.decode.forward import LlamaModel
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.weights import MATRICES, Weights, quantise

CONTEXT = 768
SLOTS = 32
KINDS = ("torch", "triton")


def run(record: Record, setting: Setting) -> None:
    """Check each size in bfloat16 and, if there is room, in float32."""
    name = setting.size.name
    narrow = setting.other(torch.bfloat16) if setting.dtype != torch.bfloat16 else setting
    for kind in KINDS:
        what = f"{name}: logits beside float32, {kind}"
        record.attempt(what, partial(logits, record, narrow, kind))
    record.attempt(f"{name}: kernels beside torch", lambda: kernels(record, narrow))
    for kind in KINDS:
        what = f"{name}: graphs beside eager steps, {kind}"
        record.attempt(what, partial(graphs, record, narrow, kind))
        record.attempt(f"{name}: syncs, {kind}", partial(syncs, record, narrow, kind))
    record.attempt(f"{name}: 8 bits", lambda: int8(record, narrow))
    if setting.big:
        record.attempt(f"{name}: greedy beside generate, bf16", lambda: greedy(record, narrow, exact=False))
        return
    wide = setting.other(torch.float32)
    record.attempt(f"{name}: greedy beside generate, fp32", lambda: greedy(record, wide, exact=True))


def distance(found: torch.Tensor, reference: torch.Tensor) -> float:
    """Return |found - reference| / |reference|; NaN if either holds one."""
    reference = reference.float()
    return float((found.float() - reference).norm() / reference.norm())


def agreement(found: torch.Tensor, reference: torch.Tensor) -> float:
    """Return the share of rows in which both have the same top token."""
    return float((found.argmax(-1) == reference.argmax(-1)).float().mean())


class Step:
    """One decode step of `batch` rows at random positions over a random cache, for any kind of model."""

    def __init__(self, weights: Weights, batch: int) -> None:
        device = weights.device
        self.rows = torch.randperm(SLOTS, device=device)[:batch]
        self.position = torch.randint(CONTEXT // 2, CONTEXT - 1, (batch,), device=device)
        self.ids = torch.randint(30, weights.shape.vocabulary, (batch,), device=device)

    @torch.inference_mode()
    def logits(self, model: LlamaModel) -> torch.Tensor:
        return model.decode(self.rows, self.position, self.ids, CONTEXT)


def models(weights: Weights, *others: tuple[Weights, str]) -> list[LlamaModel]:
    """Return a model of torch's functions, and the others with the same numbers in their caches."""
    first = LlamaModel(weights, SLOTS, CONTEXT, ops_torch)
    random_cache(first)
    found = [first]
    for other, kind in others:
        model = LlamaModel(other, SLOTS, CONTEXT, ops(kind, weights.device))
        model.keys.copy_(first.keys)
        model.values.copy_(first.values)
        found.append(model)
    return found


def kernels(record: Record, setting: Setting) -> None:
    """Check that Triton's kernels are at most 1.5 times as far from float32 as torch's functions."""
    ops("triton", setting.device)  # raises Skip if there is nothing to compare
    weights = setting.weights
    batches = (1, 3, 16, 32) if setting.cuda else (1, 3)
    for kind, each in {setting.named: weights, "int8": quantise(weights)}.items():
        wide = widened(dequantised(each))
        torchs, tritons, reference = models(each, (each, "triton"), (wide, "torch"))
        for batch in batches:
            what = f"{setting.size.name} {kind}: kernels = reference, {batch} rows"
            step = Step(each, batch)
            record.attempt(what, partial(beside_exact, record, what, step, torchs, tritons, reference))
        del torchs, tritons, reference, wide
        free()


def beside_exact(
    record: Record, what: str, step: Step, torchs: LlamaModel, tritons: LlamaModel, reference: LlamaModel
) -> None:
    exact = step.logits(reference)
    ours, theirs = distance(step.logits(tritons), exact), distance(step.logits(torchs), exact)
    record.check(what, ours <= 1.5 * theirs + 1e-3, error=ours, error_of_torch=theirs)


def dequantised(weights: Weights) -> Weights:
    """Return the weights with those of 8 bits as float32 of the same value; others as they are."""
    if isinstance(weights.head, torch.Tensor):
        return weights

    def matrix(m: Any) -> torch.Tensor:
        return m.weight.float() * m.scale[:, None]

    layers = tuple(
        dataclasses.replace(layer, **{name: matrix(getattr(layer, name)) for name in MATRICES})
        for layer in weights.layers
    )
    return dataclasses.replace(weights, layers=layers, head=matrix(weights.head))


@torch.inference_mode()
def logits(record: Record, setting: Setting, kind: str) -> None:
    """Compare prefill and single tokens with transformers' forward pass over all, both against float32."""
    functions = ops(kind, setting.device)
    prompt, fed = 200, 16
    size, device = setting.size, setting.device
    ids = torch.tensor(random_ids(size, prompt + fed, setting.seed + 1), device=device)
    theirs = setting.model(ids[None], logits_to_keep=fed + 1).logits[0].float()
    found = {}
    for name, weights in (("ours", setting.weights), ("exact", widened(setting.weights))):
        model = LlamaModel(weights, 2, 256, ops_torch if name == "exact" else functions)
        rows = [model.prefill(1, 0, model.embed(ids[:prompt]))]
        slot = torch.tensor([1], device=device)
        rows += [
            model.decode(slot, torch.tensor([at], device=device), ids[at : at + 1], at + 1)
            for at in range(prompt, prompt + fed)
        ]
        found[name] = torch.cat(rows).float()
        del model, weights
        free()
    ours, exact = found["ours"], found["exact"]
    error, error_of_hf = distance(ours, exact), distance(theirs, exact)
    record.check(
        f"{size.name} {setting.named} {kind}: logits within tolerance of transformers",
        error <= 1.5 * error_of_hf + 1e-3 and error_of_hf < 0.2,
        error_to_fp32=error,
        error_of_transformers_to_fp32=error_of_hf,
        between_both=distance(ours, theirs),
        same_top_token=agreement(ours, theirs),
    )


def graphs(record: Record, setting: Setting, kind: str) -> None:
    """Check that a captured step gives the same logits as an eager one, and the same draws from equal logits.

    Logits are equal up to rounding: on another stream cuBLAS may use another algorithm. So the tokens of
    whole runs are recorded, but not checked.
    """
    if not setting.cuda:
        raise Skip("steps are captured on CUDA only")
    for batch in (1, 4, 8):
        captured_step(record, setting, kind, batch)
    pair = [stepper(setting.weights, 8, 1024, kind, capture) for capture in (False, True)]
    same_steps(record, setting, kind, pair)


@torch.inference_mode()
def captured_step(record: Record, setting: Setting, kind: str, batch: int) -> None:
    """Compare a step's logits, and the tokens drawn from them: eager and captured."""
    model = LlamaModel(setting.weights, SLOTS, CONTEXT, ops(kind, setting.device))
    random_cache(model)
    step = Step(setting.weights, batch)
    eager = step.logits(model).clone()
    made, replay = Recorder().record(lambda: step.logits(model))
    made.fill_(float("nan"))
    replay()
    error = distance(made, eager)
    name = f"{setting.size.name} {kind}: graph = eager, logits of {batch} rows"
    record.check(name, error < 0.02, error=error, same_top_token=agreement(made, eager))
    drawn = draws(stepper(setting.weights, SLOTS, CONTEXT, kind, False), eager, step.rows)
    name = f"{setting.size.name} {kind}: graph = eager, draws of {batch} rows"
    record.check(name, drawn[0] == drawn[1], eager=drawn[0], captured=drawn[1])


def draws(each: Any, scores: torch.Tensor, rows: torch.Tensor) -> tuple[list[int], list[int]]:
    """Return a sampler's draws from the same logits and state: eager, and captured."""

    def begin() -> None:
        for slot in range(SLOTS):
            each._state.begin(slot, 1, DRAWN)

    def draw() -> torch.Tensor:
        chosen: torch.Tensor = each.sampler.draw(scores, each._state, rows, False)
        return chosen

    begin()
    eager: list[int] = draw().tolist()
    chosen, again = Recorder().record(draw)
    begin()  # the capture ran the sampler: go back to its first state
    again()
    captured: list[int] = chosen.tolist()
    return eager, captured


def same_steps(record: Record, setting: Setting, kind: str, pair: list[Any]) -> None:
    """Count for how many steps two steppers with the same cache draw the same tokens."""
    one, other = (each.model for each in pair)
    other.keys.copy_(one.keys)
    other.values.copy_(one.values)
    for batch in (1, 4, 8):
        for sampling in (GREEDY, DRAWN):
            ids = random_ids(setting.size, 640, setting.seed + batch)
            told = []
            for each in pair:
                rows = Rows(each, setting.device, batch, len(ids), sampling)
                told.append([rows.begin(ids), *rows.run(48)])
            how = "greedy" if sampling is GREEDY else "drawn"
            same = {"same_steps": common(told[0], told[1]), "of": len(told[0])}
            record.note(f"{setting.size.name} {kind}: graph beside eager, {batch} rows, {how}", same)


@contextmanager
def no_sync() -> Iterator[None]:
    """Make CUDA raise inside the context if the host would wait for the device unasked."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@torch.inference_mode()
def syncs(record: Record, setting: Setting, kind: str) -> None:
    """Check that prefill, first token and steps never wait, except for the event of the token before."""
    if not setting.cuda:
        raise Skip("the host waits for a device on CUDA only")
    for capture in (False, True):
        each = stepper(setting.weights, 4, 1024, kind, capture)
        prompt = Prompt(random_ids(setting.size, 300, setting.seed))
        rows = Rows(each, setting.device, 4, 300)
        rows.begin(prompt.keys)
        rows.run(4)  # lets libraries set themselves up, and captures the graph
        each.prefill(0, prompt, 0, 300)
        reason = ""
        try:
            with no_sync():
                each.prefill(0, prompt, 0, 300)
                first = each.first(0, 300, DRAWN)
                rows.run(32)
                first.read()
        except RuntimeError as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "vflow_nodes" in f.filename]
            places = [f"{Path(f.filename).name}:{f.lineno}" for f in frames]
            reason = f"{str(error).strip().partition(chr(10))[0]} at {' > '.join(places)}"
        how = "captured" if capture else "eager"
        record.check(f"{setting.size.name} {kind}: no hidden sync, {how} steps", not reason, error=reason)
        del each, rows
        free()


def int8(record: Record, setting: Setting) -> None:
    """Measure the error of 8 bits: logits and top tokens of many rows, against weights before rounding."""
    batch = SLOTS
    full, narrow = models(setting.weights, (quantise(setting.weights), "torch"))
    errors, tops = [], []
    for _ in range(4):
        step = Step(setting.weights, batch)
        exact, found = step.logits(full), step.logits(narrow)
        errors.append(distance(found, exact))
        tops.append(agreement(found, exact))
    error, top = sum(errors) / len(errors), sum(tops) / len(tops)
    record.check(
        f"{setting.size.name}: int8 is near {setting.named}",
        error < 0.15,
        relative_error=error,
        same_top_token=top,
        rows=batch * len(errors),
    )
