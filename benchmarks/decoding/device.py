"""Measure the limits of a device, and how long work on it takes."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from vflow_nodes.lib.decode import ops_triton


def synchronise(device: torch.device) -> None:
    """Wait until all work that was begun on the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_ms(device: torch.device, work: Callable[[], object], repeats: int) -> list[float]:
    """Time `repeats` runs in ms, the device's work included, after one that does not count."""
    work()
    taken = []
    for _ in range(repeats):
        synchronise(device)
        began = time.perf_counter()
        work()
        synchronise(device)
        taken.append((time.perf_counter() - began) * 1e3)
    return taken


def read_bandwidth(device: torch.device, size_bytes: int, repeats: int = 10) -> dict[str, float]:
    """Measure bytes a second of reductions, which only read, over far more random numbers than caches hold.
    The fastest is `best`. A copy would count both ways."""
    rows = torch.empty(size_bytes // (4 * 8192), 8192, dtype=torch.float32, device=device).uniform_()
    flat, vector = rows.view(-1), torch.ones(8192, device=device)
    ways: dict[str, Callable[[], object]] = {
        "sum": flat.sum,
        "largest": flat.max,
        "sum of rows": lambda: rows.sum(1),
        "times a vector": lambda: rows @ vector,
    }
    if device.type == "cuda" and not ops_triton.available():
        from kernel_parts.reading import read  # loads triton

        words = flat.view(torch.int32)
        ways["a kernel of vflow's"] = lambda: read(words)
    size = rows.numel() * 4
    found = {name: size / (min(time_ms(device, work, repeats)) * 1e-3) for name, work in ways.items()}
    return {**found, "best": max(found.values())}


def product_flops(device: torch.device, dtype: torch.dtype, size: int, repeats: int = 10) -> float:
    """Measure the median FLOP a second of a large product of random matrices: clocks fall under load."""
    a = torch.randn(size, size, device=device, dtype=dtype)
    b = torch.randn(size, size, device=device, dtype=dtype)
    return 2 * size**3 / (statistics.median(time_ms(device, lambda: a @ b, repeats)) * 1e-3)


def memory_mb(device: torch.device) -> dict[str, float]:
    """Return the memory allocated and reserved on the device, and the process's own, in MB."""
    held = {"rss": _rss_mb()}
    if device.type == "cuda":
        held["allocated"] = torch.cuda.memory_allocated(device) / 1e6
        held["reserved"] = torch.cuda.memory_reserved(device) / 1e6
    return held


def peak_mb(device: torch.device) -> float:
    """Return the most memory allocated since `reset_peak`; on the CPU, the most the process ever held."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _rss_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_mb(torch.device("cpu"))
    return pages * resource.getpagesize() / 1e6
