"""Measure how fast memory is read here. That bounds every model that reads all its weights for each token."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

MIB = 1 << 20
LARGE = 512 * MIB
"""Bytes to read: more than any cache holds, except in the largest servers."""
LEAST = 64 * MIB
"""Least bytes to read; with fewer, a cache would be measured."""
LARGE_CUDA = 2048 * MIB
SECONDS = 0.5


def memory_gb_s(threads: int, free: int | None) -> float | None:
    """Return the GB/s (10**9) at which `threads` threads read memory: the best of several sums over a large
    buffer.

    Blocks for about a second. Measures nothing, and returns None, if less than 256 MiB are `free` (in bytes).
    """
    size = LARGE if free is None else min(LARGE, free // 4)
    if size < LEAST:
        return None
    try:
        # of 64 bits: numpy adds these faster than memory delivers them; with smaller types it does not
        buffer = np.ones(size // 8)
    except MemoryError:
        return None
    parts = np.array_split(buffer, threads)
    best_s, until = float("inf"), time.perf_counter() + SECONDS
    with ThreadPoolExecutor(threads) as pool:  # numpy sums without the GIL
        while time.perf_counter() < until:
            began = time.perf_counter()
            list(pool.map(np.sum, parts))
            best_s = min(best_s, time.perf_counter() - began)
    return buffer.nbytes / best_s / 1e9


def cuda_gb_s(device: int) -> float | None:
    """Return the GB/s (10**9) at which a CUDA device reads its memory: the best of several sums over at most
    2 GiB.

    Blocks for about a second. Returns None if less than 256 MiB are free.
    """
    import torch  # an extra; the caller knows that it is installed and works

    with torch.cuda.device(device), torch.inference_mode():
        size = min(LARGE_CUDA, torch.cuda.mem_get_info()[0] // 4)
        if size < LEAST:
            return None
        buffer = torch.ones(size // 4, dtype=torch.float32, device="cuda")
        total = buffer.sum()  # not timed: the first sum loads the kernel
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        best_ms, until = float("inf"), time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            before.record()
            torch.sum(buffer, dim=0, out=total)
            after.record()
            after.synchronize()
            best_ms = min(best_ms, before.elapsed_time(after))
        size = buffer.nbytes
        del buffer, total
        torch.cuda.empty_cache()
    return float(size / best_ms / 1e6)
