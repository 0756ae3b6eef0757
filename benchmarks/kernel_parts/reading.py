"""Read memory and do almost nothing with it: the upper limit for a decode step."""

from __future__ import annotations

import torch
import triton
import triton.language as tl


@triton.jit
def add_up(sums, words, BLOCK: tl.constexpr, COUNT: tl.constexpr):
    """Add up COUNT blocks of BLOCK int32 words into `sums[i]`, in program i."""
    i = tl.program_id(0).to(tl.int64)
    at = words + i * (BLOCK * COUNT) + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.int32)
    for block in tl.static_range(0, COUNT):
        total += tl.load(at + block * BLOCK, eviction_policy="evict_first")
    tl.store(sums + i, tl.sum(total, 0))


def read(words: torch.Tensor, block: int = 4096, count: int = 8, warps: int = 8) -> torch.Tensor:
    """Read `words (n,) int32`, n a multiple of `block * count`; return the sums of its parts."""
    programs = len(words) // (block * count)
    sums = torch.empty(programs, dtype=torch.int32, device=words.device)
    add_up[(programs,)](sums, words, BLOCK=block, COUNT=count, num_warps=warps)
    return sums
