"""Compare the engine with the hardware: steps with the read bandwidth, prefill and encoder with FLOPs."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from decoding.device import peak_mb, product_flops, read_bandwidth, reset_peak, time_ms
from decoding.record import Record
from decoding.rows import DRAWN, GREEDY, Rows, best_kernels, step_bytes, stepper
from decoding.setting import Setting
from decoding.sizes import EMBEDDINGS, PREFIX, ears, random_ids

from vflow_nodes.lib.decode.prompt import Embeds, Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.weights import Weights, quantise

BATCHES = (1, 4, 8, 16, 32)
CONTEXTS = (640, 1900, 7900)
"""Positions at which rows begin: they stay within the sizes 1k, 2k and 8k that the engine captures."""
TURN = EMBEDDINGS + 1
H200 = {"step 1": 2.1, "step 32": 3.2, "hear": 13.0}
"""Targets in ms on an H200; on other cards the ratios count."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run steps; `cells` are its pairs (batch, context)."""

    int8: bool
    kernels: str
    captured: bool
    cells: tuple[tuple[int, int], ...]
    sampling: Sampling = DRAWN

    def label(self, setting: Setting) -> str:
        weights = "int8" if self.int8 else setting.named
        drawn = "greedy" if self.sampling is GREEDY else "drawn"
        return f"{weights} {self.kernels} {'captured' if self.captured else 'eager'} {drawn}"


def variants(setting: Setting) -> list[Variant]:
    """Return the variants to measure, the most important first."""
    if not setting.cuda:
        cells = tuple((batch, context) for batch in (1, 4) for context in (64, 256))
        few = cells[:1]
        return [
            Variant(False, "torch", False, cells),
            Variant(True, "torch", False, cells),
            Variant(False, "torch", False, few, GREEDY),
        ]
    contexts = CONTEXTS if not setting.quick else (CONTEXTS[0], CONTEXTS[-1])
    whole = tuple((batch, context) for context in contexts for batch in BATCHES)
    short = tuple((batch, CONTEXTS[0]) for batch in BATCHES)
    ends = (short[0], short[-1])
    found = [
        Variant(False, "triton", True, whole),
        Variant(False, "torch", True, (*short, (1, contexts[-1]))),
        Variant(True, "triton", True, (*short, (1, contexts[-1]))),
        Variant(False, "triton", False, ends),
        Variant(False, "torch", False, ends),
        Variant(False, "triton", True, ends, GREEDY),
    ]
    if not setting.quick:
        found += [
            Variant(True, "torch", True, short[:1]),
            Variant(False, "compiled", True, (short[0], short[2], short[-1])),
        ]
    return found


def run(record: Record, setting: Setting) -> None:
    name = setting.size.name
    ceilings: dict[str, float] = {}
    record.attempt(f"{name}: ceilings of the device", lambda: measure_ceilings(record, setting, ceilings))
    bandwidth = ceilings.get("bytes", float("nan"))
    for variant in variants(setting):
        label = variant.label(setting)
        record.attempt(f"{name}: {label}", lambda v=variant: steps(record, setting, v, bandwidth))  # type: ignore[misc]
    record.attempt(f"{name}: prefill", lambda: prefill(record, setting, ceilings.get("flops", float("nan"))))
    record.attempt(f"{name}: encoder", lambda: hear(record, setting, ceilings.get("flops", float("nan"))))
    if setting.cuda:
        hears = partial(hear, record, setting, ceilings.get("flops", float("nan")), compiled=True)
        record.attempt(f"{name}: encoder, compiled", hears)
    if setting.cuda and setting.big:
        set_targets(record, setting)


def measure_ceilings(record: Record, setting: Setting, ceilings: dict[str, float]) -> None:
    ways = read_bandwidth(setting.device, 8 << 30 if setting.cuda else 256 << 20)
    ceilings["bytes"] = ways["best"]
    record.note("read bandwidth, GB/s", {way: rate / 1e9 for way, rate in ways.items()})
    size = 8192 if setting.cuda else 512
    ceilings["flops"] = product_flops(setting.device, setting.dtype, size)
    record.note(f"product of {size}, {setting.named}, TFLOP/s", ceilings["flops"] / 1e12)


def steps(record: Record, setting: Setting, variant: Variant, bandwidth: float) -> None:
    """Measure the cells of one variant, with one stepper that has room for the longest."""
    weights = quantise(setting.weights) if variant.int8 else setting.weights
    slots = max(batch for batch, _ in variant.cells)
    context = max(context for _, context in variant.cells)
    room = next(size for size in (512, 1024, 2048, 4096, 8192) if size > context + 128)
    reset_peak(setting.device)
    each = stepper(weights, slots, room, variant.kernels, variant.captured)
    for batch, start in variant.cells:
        found = cell(
            setting, variant, weights, Rows(each, setting.device, batch, start, variant.sampling), bandwidth
        )
        record.detail.setdefault("steps", []).append(found)
        record.say(
            f"  batch {batch:2}, context {start:4}: {found['ms']:.3f} ms a step, "
            f"{found['tokens_per_s']:.0f} tokens/s, {found['share']:.1%} of the bandwidth"
        )
        record.write()
    record.note(f"{setting.size.name} {variant.label(setting)}: peak memory, MB", peak_mb(setting.device))


def cell(
    setting: Setting, variant: Variant, weights: Weights, rows: Rows, bandwidth: float
) -> dict[str, Any]:
    count = setting.pick(32, 16) if setting.cuda else setting.pick(24, 4)
    start = rows.context
    rows.begin(random_ids(setting.size, start, setting.seed))
    ms = rows.step_ms(count)
    read = step_bytes(weights, rows.batch, (start + rows.context) / 2)
    return {
        "size": setting.size.name,
        "weights": "int8" if variant.int8 else setting.named,
        "kernels": variant.kernels,
        "captured": variant.captured,
        "drawn": variant.sampling is not GREEDY,
        "batch": rows.batch,
        "context": start,
        "ms": ms,
        "tokens_per_s": rows.batch / ms * 1e3,
        "bytes": read,
        "share": read / (ms * 1e-3) / bandwidth,
    }


@torch.inference_mode()
def prefill(record: Record, setting: Setting, flops: float) -> None:
    """Time the prefill of a whole prompt, and of the part that is left at the end of speech."""
    size = setting.size
    for kernels in dict.fromkeys((best_kernels(setting.device), "torch")):
        each = stepper(setting.weights, 1, 1024, kernels, setting.cuda)
        prompt = Prompt(random_ids(size, PREFIX + TURN, setting.seed))
        for start in (0, PREFIX):
            work = partial(each.prefill, 0, prompt, start, len(prompt))
            ms = statistics.median(time_ms(setting.device, work, setting.pick(20, 5)))
            count = len(prompt) - start
            floor_ms = size.prefill_flops(count, start) / flops * 1e3
            what = {
                "ms": ms,
                "tokens_per_s": count / ms * 1e3,
                "floor_ms": floor_ms,
                "times_floor": ms / floor_ms,
            }
            record.note(f"{size.name} prefill of {count} behind {start}, {kernels}", what)


def hear(record: Record, setting: Setting, flops: float, compiled: bool = False) -> None:
    """Time the encoder on 30 s of speech, eager and captured, and with the prefill of its embeddings."""
    from vflow_nodes.generator.voxtral.encoder import AudioEncoder

    size, repeats = setting.size, setting.pick(20, 5)
    made = ears(size, setting.device, setting.dtype, setting.seed)
    mel = torch.randn(1, 128, 3000, device=setting.device)
    floor_ms = size.encode_flops() / flops * 1e3
    kind = ", compiled" if compiled else ""
    for capture in (False, True) if setting.cuda and not compiled else (setting.cuda,):
        encoder = AudioEncoder(made, setting.device, setting.dtype, capture=capture, compile=compiled)
        encoder.warm_up()
        ms = statistics.median(time_ms(setting.device, lambda e=encoder: e.encode(mel), repeats))  # type: ignore[misc]
        how = "captured" if capture else "eager"
        what = {"ms": ms, "floor_ms": floor_ms, "times_floor": ms / floor_ms}
        record.note(f"{size.name} encoder, {how}{kind}", what)
    if compiled or setting.cuda:
        plain = AudioEncoder(
            ears(size, setting.device, setting.dtype, setting.seed), setting.device, setting.dtype
        )
        ours, theirs = encoder.encode(mel).float(), plain.encode(mel).float()
        error = float((ours - theirs).norm() / theirs.norm())
        record.check(f"{size.name} encoder, {how}{kind} = eager", error < 0.02, error=error)
        del plain
    each = stepper(setting.weights, 1, 1024, best_kernels(setting.device), setting.cuda)
    end = Embeds(EMBEDDINGS, lambda: encoder.encode(mel))
    ids = random_ids(size, PREFIX, setting.seed)

    def both() -> None:
        end._rows = None  # encode again
        each.prefill(0, Prompt([*ids, end, 4]), PREFIX, PREFIX + TURN)

    ms = statistics.median(time_ms(setting.device, both, repeats))
    floor_ms += size.prefill_flops(TURN, PREFIX) / flops * 1e3
    what = {"ms": ms, "floor_ms": floor_ms, "times_floor": ms / floor_ms}
    record.note(f"{size.name} encode and prefill{kind}", what)


def set_targets(record: Record, setting: Setting) -> None:
    """Set the table of targets from the measurements."""
    h200 = "H200" in record.about["machine"]["device"]
    for batch, share in ((1, 0.8), (32, 0.7)):
        found = [
            each
            for each in record.detail.get("steps", [])
            if each["drawn"]
            and (each["batch"], each["context"], each["weights"]) == (batch, CONTEXTS[0], "bf16")
        ]
        if found:
            best = min(found, key=lambda each: each["ms"])
            how = f"{best['kernels']}, {'captured' if best['captured'] else 'eager'}"
            what = f"share of the read bandwidth, batch {batch}, {how}"
            record.figure(f"share {batch}", what, best["share"], share, at_least=True)
            if h200:
                record.figure(f"step {batch}", f"a step of {batch}", best["ms"], H200[f"step {batch}"], "ms")
    both = record.detail.get(f"{setting.size.name} encode and prefill")
    if both:
        record.figure("hear", "encode and prefill, times the floor", both["times_floor"], 2.0, "x")
        if h200:
            record.figure("hear ms", "encode and prefill", both["ms"], H200["hear"], "ms")
