"""Compile ahead in many processes, and try cuts: which is the fastest for a shape."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from kernel_parts.decoder import KINDS, Call, Decoder, Sizes
from kernel_parts.timing import Report, time_us

from vflow_nodes.decode.kernels import tiling
from vflow_nodes.decode.kernels.tiling import Span, Tile

BUCKETS = (1, 8, 32)
"""Batches of which each is of another bucket."""
BATCHES = (1, 2, 4, 8, 16, 32)


def tiles(kind: str, n: int, k: int, rows: int, bits: int) -> list[Tile]:
    """Cuts worth a try; the rule's is the first."""
    found = [tiling.tile(kind, n, k, rows, bits)]
    if rows == 1:
        for block_n, block_k, warps in itertools.product((1, 2, 4, 8, 16), (512, 1024, 2048), (2, 4, 8)):
            a_thread = block_n * block_k / warps / 32
            if 16 <= a_thread <= 64 and (kind == "linear" or block_n > 1):
                found.append(Tile(block_n, block_k, warps))
    else:
        for block_n, block_k, stages in itertools.product((16, 32, 64, 128), (64, 128, 256), (3, 4, 6)):
            shared = stages * block_k * (block_n * bits // 8 + 2 * tiling.bucket(rows))
            for splits in (1, 2, 4) if kind == "linear" and n < 4096 else (1,):
                programs = -(-n // block_n) * splits
                if 24_000 <= shared <= 110_000 and 90 <= programs <= 4096:
                    found.append(Tile(block_n, block_k, 4, stages, splits))
    return list(dict.fromkeys(found))


def spans(context: int) -> list[Span]:
    found = []
    for span, block, warps in itertools.product((32, 64, 128, 256, 512), (32, 64), (2, 4)):
        if block <= span <= context / 2 and context / span <= 64:
            found.append(Span(span, block, warps))
    return found


@dataclass(frozen=True)
class Task:
    """Kernels to compile ahead: those of a step, or one kernel with cuts of its own."""

    sizes: Sizes
    capability: int
    rows: int
    bits: int
    name: str = "step"
    cuts: tuple[Any, ...] = ()
    context: int = 0


def compile_ahead(task: Task) -> int:
    from vflow_nodes.decode.kernels.ahead import compiling  # loads triton

    small = replace(task.sizes, layers=1, cached=1)
    decoder, context = Decoder(small, "meta", task.bits), task.context or small.contexts[0]
    with compiling(task.capability) as compiled:
        if task.name == "step":
            decoder.step(task.rows, context, "kernels")()
            decoder.step(task.rows, context, "fused")()
        for cut in task.cuts:
            use(cut, decoder, task.name, task.rows, context)
            call = decoder.attention if task.name == "rope_attend" else decoder.product
            with suppress(Exception):  # Triton's errors have no common base; whoever times it reports it
                call(task.name, task.rows, *([context] if task.name == "rope_attend" else []))[0]()
    return len(compiled)


def use(cut: Any, decoder: Decoder, name: str, rows: int, context: int) -> tuple[Any, ...]:
    """Put a cut into the table; returns its key."""
    if isinstance(cut, Span):
        tiling.SPANS[context, rows] = cut
        return context, rows
    n, k = decoder.sizes.matrix(name)
    key = (KINDS[name], n, k, tiling.bucket(rows), decoder.bits)
    tiling.TILES[key] = cut
    return key


def compile_all(tasks: list[Task], report: Report) -> None:
    begun = time.perf_counter()
    workers = min(len(tasks), max(1, (os.cpu_count() or 2) - 2))
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        count = sum(pool.map(compile_ahead, tasks))
    report.put(name="compiled", kernels=count, workers=workers, s=time.perf_counter() - begun)


def sweep_tasks(sizes: Sizes, bits: int, capability: int) -> list[Task]:
    decoder = Decoder(replace(sizes, layers=1, cached=1), "meta", bits)
    base = (sizes, capability)
    tasks = []
    for name, b in itertools.product(KINDS, BUCKETS):
        every = tiles(KINDS[name], *decoder.sizes.matrix(name), b, decoder.bits)
        tasks += [Task(*base, b, decoder.bits, name, tuple(every[i::3])) for i in range(3)]
    if decoder.bits == 16:
        tasks += [Task(*base, 1, 16, "rope_attend", tuple(spans(c)), c) for c in decoder.sizes.contexts]
    return [task for task in tasks if task.cuts]


def sweep(decoder: Decoder, report: Report) -> None:
    """Time every cut; one that does not run, for want of shared memory, say, is reported and left out."""
    lines = []
    for name, b in itertools.product(KINDS, BUCKETS):
        cuts = tiles(KINDS[name], *decoder.sizes.matrix(name), b, decoder.bits)
        calls, size = decoder.product(name, b), decoder.matrix_bytes(name)
        key, best = fastest(decoder, name, b, 0, cuts, calls, size, report)
        lines.append(f"TILES[{key!r}] = {best!r}")
    if decoder.bits == 16:
        for context, b in itertools.product(decoder.sizes.contexts, BATCHES):
            calls, size = decoder.attention("rope_attend", b, context), decoder.cache_bytes(b, context)
            key, best = fastest(decoder, "rope_attend", b, context, spans(context), calls, size, report)
            lines.append(f"SPANS[{key!r}] = {best!r}")
    print("\n".join(lines), flush=True)


def fastest(
    decoder: Decoder,
    name: str,
    rows: int,
    context: int,
    cuts: Any,
    calls: list[Call],
    size: int,
    report: Report,
) -> tuple[Any, Any]:
    us: dict[Any, float] = {}
    key: tuple[Any, ...] = ()
    for cut in cuts:
        key = use(cut, decoder, name, rows, context)
        try:
            us[cut] = time_us(calls, decoder.device, size)
        except Exception as error:  # Triton's errors have no common base
            report.put(name="failed", kernel=name, rows=rows, cut=repr(cut), error=str(error)[:200])
    best = min(us, key=lambda cut: us[cut])
    use(best, decoder, name, rows, context)
    found = {"first_us": us[next(iter(us))], "cut": repr(best)}
    report.timed(us[best], size, name=f"sweep {name}", rows=rows, context=context, **found)
    return key, best
