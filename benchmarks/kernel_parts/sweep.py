"""Compile ahead in many processes, and time tilings to find the fastest for each shape."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from typing import Any

from kernel_parts.decoder import KINDS, Call, Decoder, Sizes
from kernel_parts.timing import Report, time_us

from vflow_nodes.lib.decode.kernels import tiling
from vflow_nodes.lib.decode.kernels.tiling import Span, Tile

BATCHES = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Plan:
    """The kernels to sweep: products by name and batch, attention by context and batch."""

    products: tuple[tuple[str, int], ...]
    attention: tuple[tuple[int, int], ...]


def plan(sizes: Sizes, bits: int, quick: bool) -> Plan:
    """Return the kernels to sweep. At 16 bits only a single row uses a tiled kernel; more rows use cuBLAS."""
    batches = (1,) if bits == 16 else (1, 8, 32)  # one for each bucket
    products = tuple(itertools.product(KINDS, batches))
    if quick:
        if bits == 8:
            return Plan(tuple((name, 1) for name in KINDS), ())
        first, last = sizes.contexts[0], sizes.contexts[-1]
        return Plan(products, tuple(dict.fromkeys([(first, 1), (last, 1), (first, 8), (first, 32)])))
    return Plan(products, tuple(itertools.product(sizes.contexts, BATCHES)) if bits == 16 else ())


def tiles(name: str, n: int, k: int, rows: int, bits: int) -> list[Tile]:
    """Return tilings to try, first that of the rule."""
    kind = KINDS[name]
    found = [tiling.tile(kind, n, k, rows, bits)]
    if rows == 1:
        for block_n, warps, times in itertools.product((2, 4, 8), (1, 2, 4, 8), (1, 2)):
            block_k = 256 * warps * times
            if k % block_k == 0 and times <= 16 // bits and (bits == 16 or warps in (2, 4)):
                found.append(Tile(block_n, block_k, warps))
        if bits == 8:
            found += [replace(cut, by_adding=True) for cut in found]
    else:
        for block_n, block_k, stages in itertools.product((16, 32, 64, 128), (64, 128, 256), (3, 4, 6)):
            shared = stages * block_k * (block_n * bits // 8 + 2 * tiling.bucket(rows))
            for splits in (1, 2, 4, 8) if kind == "linear" and n < 8192 else (1,):
                programs = -(-n // block_n) * splits
                if 24_000 <= shared <= 110_000 and 180 <= programs <= 4096:
                    found.append(Tile(block_n, block_k, 4, stages, splits))
    return list(dict.fromkeys(found))


def spans(context: int, rows: int, kv_heads: int) -> list[Span]:
    """As `tiles`, for attention."""
    found = [tiling.span(context, rows, kv_heads)]
    shapes = (16, 1, 3), (32, 1, 3), (32, 1, 4), (32, 4, 3), (64, 4, 2)  # block, warps, stages
    for span, (block, warps, stages) in itertools.product((64, 128, 256, 512, 1024), shapes):
        programs = -(-context // span) * rows * kv_heads
        if span <= context <= 128 * span and 100 <= programs <= 2600:
            found.append(Span(span, block, warps, stages))
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Task:
    """Kernels to compile ahead: those of a step, or one kernel with tilings of its own."""

    sizes: Sizes
    capability: int
    rows: int
    bits: int
    name: str = "step"
    cuts: tuple[Any, ...] = ()
    context: int = 0


def compile_ahead(task: Task) -> int:
    from kernel_parts.ahead import compiling  # loads triton

    small = replace(task.sizes, layers=1, cached=1)
    decoder, context = Decoder(small, "meta", task.bits), task.context or small.contexts[0]
    with compiling(task.capability) as compiled:
        if task.name == "step":
            decoder.step(task.rows, context)()
            decoder.chunk(512, 0)[0]()
            decoder.attention("rope_write", task.rows, context)[0]()
        for cut in task.cuts:
            use(cut, decoder, task.name, task.rows, context)
            call = decoder.attention if task.name == "rope_attend" else decoder.product
            with suppress(Exception):  # Triton's errors have no common base; the timing reports it
                call(task.name, task.rows, *([context] if task.name == "rope_attend" else []))[0]()
    return len(compiled)


def use(cut: Any, decoder: Decoder, name: str, rows: int, context: int) -> tuple[Any, ...]:
    """Put a tiling into the table; return its key."""
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


def sweep_tasks(sizes: Sizes, bits: int, capability: int, quick: bool) -> list[Task]:
    """Return the kernels of a sweep, in portions that keep every process at work."""
    decoder, base = Decoder(replace(sizes, layers=1, cached=1), "meta", bits), (sizes, capability)
    what, tasks = plan(sizes, bits, quick), []
    for name, b in what.products:
        every = tiles(name, *decoder.sizes.matrix(name), b, bits)
        tasks += [Task(*base, b, bits, name, tuple(every[i : i + 5])) for i in range(0, len(every), 5)]
    for context, b in what.attention:
        cuts = spans(context, b, sizes.kv_heads)
        tasks += [
            Task(*base, b, bits, "rope_attend", tuple(cuts[i : i + 5]), context)
            for i in range(0, len(cuts), 5)
        ]
    return tasks


def sweep(decoder: Decoder, report: Report, quick: bool) -> list[str]:
    """Time every tiling, leave the best in the tables, and return these as lines to paste.

    A tiling that does not run, say for lack of shared memory, is reported and left out."""
    lines, what = [], plan(decoder.sizes, decoder.bits, quick)
    for name, b in what.products:
        cuts = tiles(name, *decoder.sizes.matrix(name), b, decoder.bits)
        calls, size = decoder.product(name, b), decoder.matrix_bytes(name)
        key, best = fastest(decoder, name, b, 0, cuts, calls, size, report)
        lines.append(f"TILES[{key!r}] = {best!r}")
    for context, b in what.attention:
        calls, size = decoder.attention("rope_attend", b, context), decoder.cache_bytes(b, context)
        cuts = spans(context, b, decoder.sizes.kv_heads)
        key, best = fastest(decoder, "rope_attend", b, context, cuts, calls, size, report)
        lines.append(f"SPANS[{key!r}] = {best!r}")
    return lines


def short(cut: Tile | Span) -> str:
    return "/".join(str(int(value)) for value in astuple(cut))


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
            report.put(name="cut", kernel=name, rows=rows, context=context, cut=short(cut), us=us[cut])
        except Exception as error:  # Triton's errors have no common base
            report.put(name="failed", kernel=name, rows=rows, cut=repr(cut), error=str(error)[:200])
    best = min(us, key=lambda cut: us[cut])
    use(best, decoder, name, rows, context)
    found = {"first_us": round(us[next(iter(us))], 2), "bits": decoder.bits, "cut": short(best)}
    report.timed(us[best], size, name=f"sweep {name}", rows=rows, context=context, **found)
    return key, best
