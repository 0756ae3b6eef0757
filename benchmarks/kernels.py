"""The decode kernels at the shapes of a 3B decoder, beside cuBLAS and torch's attention, on a CUDA device.

    PYTHONPATH=nodes python benchmarks/kernels.py [--rows 1,8] [--part one|step|sweep] [--out FILE]
    PYTHONPATH=nodes python benchmarks/kernels.py --device cpu --tiny  # does it run? (interpreted)

One JSON object a line: microseconds by replays of CUDA graphs, and the share of the read bandwidth that was
measured first. Weights and caches rotate among copies that no cache holds. `one` times each kernel, `step` a
whole decode step, `sweep` tries cuts and ends with the best, as lines for `kernels/tiling.py`. It needs torch
and triton alone. Kernels are compiled ahead, by as many processes as there are cores.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from vflow_nodes.decode import ops_torch, ops_triton
from vflow_nodes.decode.kernels import tiling
from vflow_nodes.decode.kernels.tiling import Span, Tile
from vflow_nodes.decode.weights import Int8, Matrix

EPS = 1e-5
ROWS = (1, 2, 4, 8, 16, 32)
FILLED = 0.625
"""How much of a context bucket the rows have filled: 640 of 1,024."""
KINDS = {"qkv": "linear", "out": "linear", "gate_up": "gated", "down": "linear", "head": "linear"}

Call = Callable[[], Any]


@dataclass(frozen=True)
class Sizes:
    hidden: int
    heads: int
    kv_heads: int
    size: int
    ffn: int
    vocabulary: int
    layers: int
    slots: int
    cached: int  # layers with a cache of their own; the others share them
    contexts: tuple[int, ...]
    words: int  # that the ceiling reads

    def matrix(self, name: str) -> tuple[int, int]:
        return {
            "qkv": ((self.heads + 2 * self.kv_heads) * self.size, self.hidden),
            "out": (self.hidden, self.heads * self.size),
            "gate_up": (2 * self.ffn, self.hidden),
            "down": (self.hidden, self.ffn),
            "head": (self.vocabulary, self.hidden),
        }[name]


REAL = Sizes(3072, 32, 8, 128, 8192, 131072, 30, 32, 8, (1024, 2048, 4096, 8192), 1 << 30)
TINY = Sizes(64, 4, 2, 32, 48, 90, 2, 3, 2, (128,), 1 << 16)


class Decoder:
    """Random weights and caches of one decoder, and its kernels as calls; `meta` has the shapes alone."""

    def __init__(self, sizes: Sizes, device: str, bits: int = 16) -> None:
        self.sizes, self.device, self.bits = sizes, device, bits
        self.norm = self.random(sizes.hidden)
        self.layers = [{n: self.weights(n) for n in KINDS if n != "head"} for _ in range(sizes.layers)]
        self.head = self.weights("head")
        shape = (sizes.cached, sizes.slots, sizes.kv_heads, sizes.contexts[-1], sizes.size)
        self.keys, self.values = self.random(*shape), self.random(*shape)
        angle = torch.rand(sizes.contexts[-1], sizes.size // 2, device=device)
        self.cos, self.sin = angle.cos(), angle.sin()

    def random(self, *shape: int) -> torch.Tensor:
        x = torch.empty(shape, dtype=torch.bfloat16, device=self.device)
        return x if self.device == "meta" else x.normal_()

    def weights(self, name: str) -> Matrix:
        n, k = self.sizes.matrix(name)
        if self.bits == 16:
            return self.random(n, k).mul_(k**-0.5)
        weight = torch.randint(-127, 128, (n, k), dtype=torch.int8, device=self.device)
        return Int8(weight, torch.full((n,), 1 / 73 / k**0.5, device=self.device))

    def product(self, name: str, rows: int, ops: Any = ops_triton) -> list[Call]:
        """Calls of one kernel, each on the weights of another layer."""
        k = self.sizes.matrix(name)[1]
        x, y = self.random(rows, k), self.random(rows, self.sizes.hidden)
        every = [self.head] if name == "head" else [layer[name] for layer in self.layers]
        if ops is F:
            return [partial(F.linear, x, w) for w in every]
        if name == "gate_up":
            return [partial(ops.gated, x, w, norm=self.norm, eps=EPS) for w in every]
        if name in ("qkv", "head"):
            return [partial(ops.linear, x, w, norm=self.norm, eps=EPS) for w in every]
        return [partial(ops.linear, x, w, residual=y) for w in every]

    def at(self, rows: int, context: int, first: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        slots = (first + torch.arange(rows, device=self.device)) % self.sizes.slots
        return slots, torch.full_like(slots, int(context * FILLED) - 1)

    def attention(self, name: str, rows: int, context: int) -> list[Call]:
        """Calls of rope_write, attend, rope_attend or torch's attention, each on other slots and layers."""
        s, scale = self.sizes, self.sizes.size**-0.5
        q, qkv = self.random(rows, s.heads, s.size), self.random(rows, s.matrix("qkv")[0])
        calls: list[Call] = []
        for i in range(max(s.slots, s.cached)):
            k, v = self.keys[i % s.cached], self.values[i % s.cached]
            slots, position = self.at(rows, context, i * rows)
            where = (self.cos, self.sin, position, slots, k, v, s.heads, s.kv_heads)
            if name == "rope_write":
                calls.append(partial(ops_triton.rope_write, qkv, *where))
            elif name == "rope_attend":
                calls.append(partial(ops_triton.rope_attend, qkv, *where, context, scale))
            elif name == "attend":
                calls.append(partial(ops_triton.attend, q, k, v, slots, position, context, scale))
            else:
                first = i * rows % s.slots
                first, seen = first if first + rows <= s.slots else 0, int(context * FILLED)
                k, v = k[first : first + rows, :, :seen], v[first : first + rows, :, :seen]
                sdpa = partial(F.scaled_dot_product_attention, scale=scale, enable_gqa=True)
                calls.append(partial(sdpa, q[:, :, None], k, v))
        return calls

    def step(self, rows: int, context: int, how: str) -> Call:
        """A decode step: `torch`, `kernels` or `fused` (rotation and attention in one kernel)."""
        s, scale = self.sizes, self.sizes.size**-0.5
        ops = ops_torch if how == "torch" else ops_triton
        given, (slots, position) = self.random(rows, s.hidden), self.at(rows, context)

        def run() -> torch.Tensor:
            x = given
            for i, w in enumerate(self.layers):
                k, v = self.keys[i % s.cached], self.values[i % s.cached]
                qkv = ops.linear(x, w["qkv"], norm=self.norm, eps=EPS)
                where = (self.cos, self.sin, position, slots, k, v, s.heads, s.kv_heads)
                if how == "fused":
                    seen = ops_triton.rope_attend(qkv, *where, context, scale)
                else:
                    q = ops.rope_write(qkv, *where)
                    seen = ops.attend(q, k, v, slots, position, context, scale)
                x = ops.linear(seen, w["out"], residual=x)
                x = ops.linear(ops.gated(x, w["gate_up"], norm=self.norm, eps=EPS), w["down"], residual=x)
            return ops.linear(x, self.head, norm=self.norm, eps=EPS)

        return run

    def matrix_bytes(self, name: str) -> int:
        n, k = self.sizes.matrix(name)
        return n * k * self.bits // 8

    def cache_bytes(self, rows: int, context: int) -> int:
        return 4 * rows * int(context * FILLED) * self.sizes.kv_heads * self.sizes.size

    def step_bytes(self, rows: int, context: int) -> int:
        layer = sum(self.matrix_bytes(n) for n in KINDS if n != "head") + self.cache_bytes(rows, context)
        return self.sizes.layers * layer + self.matrix_bytes("head")


def time_us(calls: list[Call], device: str, bytes_each: float = 0.0) -> float:
    """Median time of one call, in microseconds: replays of a graph that holds all of them, some times over."""
    for call in calls[:2]:
        call()
    if device == "cpu":
        begun = time.perf_counter()
        calls[0]()
        return (time.perf_counter() - begun) * 1e6
    # a graph of 1 ms or more, so that its own start does not count
    times = 1 if bytes_each * len(calls) > 3e9 else max(1, 150 // len(calls))
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls * times:
            call()
    graph.replay()
    took = []
    for _ in range(5):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        took.append(begin.elapsed_time(end))
    return statistics.median(took) * 1000 / len(calls) / times


class Report:
    """Prints one object a line, and keeps them in a file where one is named."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("w") if path else None
        self.ceiling = 0.0  # bytes a microsecond

    def put(self, **values: Any) -> None:
        line = json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()})
        print(line, flush=True)
        if self._file:
            print(line, file=self._file, flush=True)

    def timed(self, us: float, size: float, **values: Any) -> None:
        self.put(**values, us=round(us, 2), share=round(size / us / self.ceiling, 3))


def measure_ceiling(sizes: Sizes, device: str, report: Report) -> None:
    """The best of some ways to read 4 GiB; also through torch's own sum, as a check."""
    from vflow_nodes.decode.kernels.reading import read  # loads triton

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
    """Each kernel alone. cuBLAS has no norm and no residual to do, SDPA neither slots nor a mask."""
    device, context = decoder.device, decoder.sizes.contexts[0]
    for name, b in itertools.product(KINDS, rows):
        size = decoder.matrix_bytes(name)
        values: dict[str, Any] = {"name": name, "rows": b, "bits": decoder.bits}
        if decoder.bits == 16:
            values["torch_us"] = round(time_us(decoder.product(name, b, F), device, size), 2)
        report.timed(time_us(decoder.product(name, b), device, size), size, **values)
    if decoder.bits == 8:
        return
    for name, b in itertools.product(("rope_write", "attend", "rope_attend", "sdpa"), rows):
        size = 0 if name == "rope_write" else decoder.cache_bytes(b, context)
        us = time_us(decoder.attention(name, b, context), device, size)
        report.timed(us, size, name=name, rows=b, context=context)


def measure_step(decoder: Decoder, rows: Iterable[int], report: Report, context: int) -> None:
    """A whole step, by each way to run it, and how far it is from plain torch."""
    ways = [("kernels", False), ("fused", False)]
    if decoder.device == "cuda" and torch.cuda.get_device_capability() >= (9, 0):
        ways += [("kernels", True), ("fused", True)]
    for b in rows:
        size = decoder.step_bytes(b, context)
        values: dict[str, Any] = {"name": "step", "rows": b, "bits": decoder.bits, "context": context}
        torch.manual_seed(b)
        reference = None
        if decoder.bits == 16:
            run = decoder.step(b, context, "torch")
            reference = run().float()
            report.timed(time_us([run], decoder.device, 4e9), size, **values, how="torch")
        for how, overlap in ways:
            tiling.OVERLAP = overlap
            torch.manual_seed(b)
            run = decoder.step(b, context, how)
            found = run().float()
            if reference is not None:
                values["error"] = float((found - reference).norm() / reference.norm())
            us = time_us([run], decoder.device, 4e9)
            report.timed(us, size, **values, how=how + (" overlapping" if overlap else ""))
        tiling.OVERLAP = False


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
    for span, block, stages in itertools.product((32, 64, 128, 256, 512), (32, 64, 128), (2, 3)):
        if block <= span <= context / 2 and context / span <= 64 and (stages == 2 or span >= 4 * block):
            found.append(Span(span, block, 4, stages))
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

    small = Sizes(**{**task.sizes.__dict__, "layers": 1, "cached": 1})
    decoder, context = Decoder(small, "meta", task.bits), task.context or small.contexts[0]
    with compiling(task.capability) as compiled:
        if task.name == "step":
            for tiling.OVERLAP in (False, True) if task.capability >= 90 else (False,):
                decoder.step(task.rows, context, "kernels")()
                decoder.step(task.rows, context, "fused")()
        for cut in task.cuts:
            use(cut, decoder, task.name, task.rows, context)
            call = decoder.attention if task.name == "rope_attend" else decoder.product
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


def sweep_tasks(decoder: Decoder, rows: tuple[int, ...], capability: int) -> list[Task]:
    base = (decoder.sizes, capability)
    tasks = []
    for name, b in itertools.product(KINDS, rows):
        every = tiles(KINDS[name], *decoder.sizes.matrix(name), b, decoder.bits)
        tasks += [Task(*base, b, decoder.bits, name, tuple(every[i::3])) for i in range(3)]
    if decoder.bits == 16:
        tasks += [Task(*base, 1, 16, "rope_attend", tuple(spans(c)), c) for c in decoder.sizes.contexts]
    return [task for task in tasks if task.cuts]


def sweep(decoder: Decoder, rows: tuple[int, ...], report: Report) -> None:
    """Time every cut; a kernel that does not run, for want of shared memory, say, is reported and left out."""
    lines = []
    for name, b in itertools.product(KINDS, rows):
        cuts = tiles(KINDS[name], *decoder.sizes.matrix(name), b, decoder.bits)
        calls, size = decoder.product(name, b), decoder.matrix_bytes(name)
        key, best = fastest(decoder, name, b, 0, cuts, calls, size, report)
        lines.append(f"TILES[{key!r}] = {best!r}")
    if decoder.bits == 16:
        for context, b in itertools.product(decoder.sizes.contexts, ROWS):
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
    first = next(iter(us))
    found = {"first_us": us[next(iter(us))], "cut": repr(best)}
    report.timed(us[best], size, name=f"sweep {name}", rows=rows, context=context, **found)
    return key, best


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a small decoder")
    parser.add_argument("--part", default="one,step", help="of one, step, sweep; commas between")
    parser.add_argument("--rows", default=",".join(map(str, ROWS)), help="batches, commas between")
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
    every_bits = [int(bits) for bits in args.bits.split(",")]
    if args.device == "cuda":
        major, minor = torch.cuda.get_device_capability()
        tasks = [
            Task(sizes, 10 * major + minor, b, bits)
            for b, bits in itertools.product(rows, every_bits)
            if {"one", "step"} & set(parts)
        ]
        if "sweep" in parts:
            for bits in every_bits:
                decoder = Decoder(Sizes(**{**sizes.__dict__, "layers": 1, "cached": 1}), "meta", bits)
                tasks += sweep_tasks(decoder, (1, 8, 32), 10 * major + minor)
        compile_all(tasks, report)
    with torch.inference_mode():
        measure_ceiling(sizes, args.device, report)
        for bits in every_bits:
            decoder = Decoder(sizes, args.device, bits)
            if "sweep" in parts:
                sweep(decoder, (1, 8, 32), report)
            if "one" in parts:
                measure_each(decoder, rows, report)
            if "step" in parts:
                measure_step(decoder, rows, report, sizes.contexts[0])
            del decoder


if __name__ == "__main__":
    main()
