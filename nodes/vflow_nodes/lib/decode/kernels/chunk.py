# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Attention of a part of a prompt whose place in its slot only the device knows.

Source: T. Dao, "FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning",
arXiv:2307.08691.
"""

from __future__ import annotations

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)
INTERPRETED = bool(triton.knobs.runtime.interpret)


@triton.jit(do_not_specialize=["n", "context"])
def attend_block(
    out, q, k_cache, v_cache, rows, position, n, context, scale, slot_stride, head_stride,
    HEADS: tl.constexpr, GROUP: tl.constexpr, D: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BOUND: tl.constexpr,
):  # fmt: skip
    """Compute `out (n, HEADS D)`. A program takes one head of BLOCK_M queries of `q (n, HEADS, D)`, and
    BLOCK_N keys at a time. Query i is at `position[0] + i` of slot `rows[0]`; no key at or after `context` is
    read. BOUND is for the interpreter, else 0: its loops cannot end at a number on the device, and it has no
    product of bfloat16."""
    # the programs with the most keys begin first
    block, head = tl.num_programs(0) - 1 - tl.program_id(0), tl.program_id(1)
    start = tl.load(position).to(tl.int32)
    slot = tl.load(rows).to(tl.int64) * slot_stride + (head // GROUP).to(tl.int64) * head_stride
    m = block * BLOCK_M + tl.arange(0, BLOCK_M)
    d = tl.arange(0, D)
    m_ok = (m < n)[:, None]
    cell = (m[:, None].to(tl.int64) * HEADS + head) * D + d[None, :]
    query = tl.load(q + cell, mask=m_ok, other=0.0)
    if BOUND:
        query = query.to(tl.float32)
    at = start + m
    stop = tl.minimum(start + tl.minimum((block + 1) * BLOCK_M, n), context)
    top = tl.full((BLOCK_M,), float("-inf"), tl.float32)
    below = tl.zeros((BLOCK_M,), tl.float32)
    total = tl.zeros((BLOCK_M, D), tl.float32)
    for first in range(0, BOUND if BOUND else stop, BLOCK_N):
        t = first + tl.arange(0, BLOCK_N)
        entry = slot + t[:, None].to(tl.int64) * D + d[None, :]
        k = tl.load(k_cache + entry, mask=(t < stop)[:, None], other=0.0)
        v = tl.load(v_cache + entry, mask=(t < stop)[:, None], other=0.0)
        if BOUND:
            k, v = k.to(tl.float32), v.to(tl.float32)
        score = tl.dot(query, tl.trans(k), input_precision="ieee") * (scale * LOG2_E)
        score = tl.where((t[None, :] <= at[:, None]) & (t < stop)[None, :], score, float("-inf"))
        # the first key is in the first block, and every query sees it: top is finite from there on
        higher = tl.maximum(top, tl.max(score, 1))
        share = tl.exp2(score - higher[:, None])
        shrink = tl.exp2(top - higher)
        below = below * shrink + tl.sum(share, 1)
        total = tl.dot(share.to(v.dtype), v, total * shrink[:, None], input_precision="ieee")
        top = higher
    tl.store(out + cell, (total / below[:, None]).to(out.dtype.element_ty), mask=m_ok)
