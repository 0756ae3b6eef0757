"""Time the decode kernels at the shapes of a 3B decoder, and cuBLAS and torch's attention, on a CUDA device.

    PYTHONPATH=nodes python benchmarks/kernels.py [--rows 1,8] [--part one,step,sweep|quick] [--out FILE]
    PYTHONPATH=nodes python benchmarks/kernels.py --device cpu --tiny  # does it run? (interpreted)

It prints one JSON object a line: microseconds by replays of CUDA graphs, and the share of the read bandwidth,
which is measured first. Weights and caches rotate among copies that no cache can hold. `one` times each
kernel, and `step` a whole decode step. `sweep` first tries tilings, and ends with the best ones as lines for
`kernels/tiling.py`. `quick` does all three for the most important shapes, in less than a minute. A summary
comes last. It needs only torch and triton. Kernels are compiled ahead, by one process per core.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from kernel_parts.decoder import KINDS, REAL, TINY, Decoder, Sizes
from kernel_parts.sweep import BATCHES, Task, compile_all, sweep, sweep_tasks
from kernel_parts.timing import Report, time_us
from torch.nn import functional as F

from vflow_nodes.lib.decode import ops_torch, ops_triton


def measure_ceiling(sizes: Sizes, device: str, report: Report) -> None:
    """Measure the highest read bandwidth of some ways to read 4 GiB; also torch's own sum, as a check."""
    from kernel_parts.reading import read  # loads triton

    words = torch.randint(-9, 9, (sizes.words,), dtype=torch.int32, device=device)
    assert int(read(words).sum()) == int(words.sum())
    cuts = [(2048, 8, 4), (4096, 8, 8), (4096, 4, 4), (8192, 4, 8)]
    us = {str(cut): time_us([partial(read, words, *cut)], device, 4e9) for cut in cuts}
    best = min(us, key=lambda cut: us[cut])
    report.ceiling = 4 * sizes.words / us[best]
    plain = 4 * sizes.words / time_us([words.sum], device, 4e9)
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    report.put(name="ceiling", device=name, gb_s=report.ceiling / 1000, cut=best, torch_sum_gb_s=plain / 1000)


def measure_each(decoder: Decoder, rows: Iterable[int], report: Report) -> None:
    """Time each kernel alone. cuBLAS, beside it, does no norm and no residual; SDPA no slots and no mask."""
    device, context = decoder.device, decoder.sizes.contexts[0]
    for name, b in itertools.product(KINDS, rows):
        size = decoder.matrix_bytes(name)
        values: dict[str, Any] = {"name": name, "rows": b, "bits": decoder.bits}
        if decoder.bits == 16:
            values["torch_us"] = round(time_us(decoder.product(name, b, F), device, size), 2)
        report.timed(time_us(decoder.product(name, b), device, size), size, **values)
    if decoder.bits == 8:
        return
    for name, b in itertools.product(("rope_write", "rope_attend", "sdpa"), rows):
        size = 0 if name == "rope_write" else decoder.cache_bytes(b, context)
        us = time_us(decoder.attention(name, b, context), device, size)
        report.timed(us, size, name=name, rows=b, context=context)
    n = min(512, context // 2)
    for start in (0, n):
        us = time_us(decoder.chunk(n, start), device, 1e8)
        report.timed(us, 0, name="attend_chunk", rows=n, context=start + n)


def measure_step(decoder: Decoder, rows: Iterable[int], report: Report, plain: bool) -> None:
    """Time a whole step, and measure its distance from plain torch; time that too with `plain`."""
    context = decoder.sizes.contexts[0]
    for b in rows:
        size = decoder.step_bytes(b, context)
        values: dict[str, Any] = {"name": "step", "rows": b, "bits": decoder.bits, "context": context}
        if decoder.bits == 16:
            torch.manual_seed(b)
            run = decoder.step(b, context, ops_torch)
            reference = run().float()
            torch.manual_seed(b)
            found = decoder.step(b, context)().float()
            values["error"] = float((found - reference).norm() / reference.norm())
            if plain:
                values["torch_us"] = round(time_us([run], decoder.device, 4e9), 1)
        report.timed(time_us([decoder.step(b, context)], decoder.device, 4e9), size, **values)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a small decoder")
    parser.add_argument("--part", default="one,step", help="of one, step, sweep, or quick; commas between")
    parser.add_argument("--rows", default=",".join(map(str, BATCHES)), help="batches, commas between")
    parser.add_argument("--bits", default="16,8", help="of a weight: 16, 8 or both")
    parser.add_argument("--out", type=Path, help="keep the lines in this file too")
    args = parser.parse_args()
    if args.device == "cpu":
        os.environ["TRITON_INTERPRET"] = "1"
    problem = ops_triton.available()
    if problem:
        raise SystemExit(f"kernels: {problem}")
    sizes, report = TINY if args.tiny else REAL, Report(args.out)
    rows, parts = tuple(int(b) for b in args.rows.split(",")), args.part.split(",")
    quick = "quick" in parts
    work = {int(bits): rows for bits in args.bits.split(",")}
    if quick:
        parts, work = ["one", "step", "sweep"], {16: (1, 8, 32), 8: (1,)}
    swept = list(work) if "sweep" in parts else []
    if args.device == "cuda":
        major, minor = torch.cuda.get_device_capability()
        capability = 10 * major + minor
        tasks = [t for bits in swept for t in sweep_tasks(sizes, bits, capability, quick)]
        if {"one", "step"} & set(parts):
            tasks += [Task(sizes, capability, b, bits) for bits, batches in work.items() for b in batches]
        compile_all(tasks, report)
    gc.freeze()  # a capture collects garbage first; objects made so far are none
    best: list[str] = []
    with torch.inference_mode():
        measure_ceiling(sizes, args.device, report)
        for bits, batches in work.items():
            decoder = Decoder(sizes, args.device, bits)
            if bits in swept:
                best += sweep(decoder, report, quick)
            if "one" in parts:
                measure_each(decoder, batches, report)
            if "step" in parts:
                measure_step(decoder, batches, report, plain=not quick)
            del decoder
    print(report.summary(), *best, sep="\n", flush=True)


if __name__ == "__main__":
    main()
