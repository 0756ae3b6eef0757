# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Rotary positions and attention of one new token in each of several slots, over split keys and values.

A slot's positions are cut into spans, one program each, so that even a single row fills the machine. A second
kernel joins the parts. Source: T. Dao et al., "Flash-Decoding for long-context inference", 2023; the softmax
of a part as in M. Milakov, N. Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867.
"""

from __future__ import annotations

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)
INTERPRETED = bool(triton.knobs.runtime.interpret)


@triton.jit
def rotated(source, head, ok, weight, cos, sin, eps, D: tl.constexpr):
    """Return `(heads, D)` float32: the heads `head` of `source`, normalised if there is a weight, then
    rotated by `cos` and `sin (D/2,)`; the pairs are (i, i + D/2)."""
    d = tl.arange(0, D)
    partner = (d + D // 2) % D
    at = source + head[:, None] * D
    x = tl.load(at + d[None, :], mask=ok[:, None], other=0.0).to(tl.float32)
    y = tl.load(at + partner[None, :], mask=ok[:, None], other=0.0).to(tl.float32)
    if weight is not None:
        r = tl.rsqrt(tl.sum(x * x, 1) / D + eps)[:, None]
        x = x * r * tl.load(weight + d).to(tl.float32)[None, :]
        y = y * r * tl.load(weight + partner).to(tl.float32)[None, :]
    c = tl.load(cos + d % (D // 2))
    s = tl.load(sin + d % (D // 2)) * tl.where(d < D // 2, -1.0, 1.0)
    return x * c[None, :] + y * s[None, :]


@triton.jit
def rotate_and_store(
    q, qkv, cos, sin, position, rows, k_cache, v_cache, q_norm, k_norm, eps, slot_stride, head_stride,
    HEADS: tl.constexpr, KV_HEADS: tl.constexpr, D: tl.constexpr, PADDED: tl.constexpr,
):  # fmt: skip
    """Compute `q (b, HEADS, D)` and the caches' new entries from `qkv (b, (HEADS + 2 KV_HEADS) D)`. Each row
    has a program for the queries, one for the keys and one for the values."""
    i, kind = tl.program_id(0), tl.program_id(1)
    at = tl.load(position + i).to(tl.int64)
    slot = tl.load(rows + i).to(tl.int64)
    source = qkv + i.to(tl.int64) * ((HEADS + 2 * KV_HEADS) * D)
    cos += at * (D // 2)
    sin += at * (D // 2)
    head = tl.arange(0, PADDED)
    d = tl.arange(0, D)
    entry = slot * slot_stride + head[:, None].to(tl.int64) * head_stride + at * D + d[None, :]
    ok = head < (HEADS if kind == 0 else KV_HEADS)
    if kind == 0:
        x = rotated(source, head, ok, q_norm, cos, sin, eps, D)
        to = q + (i.to(tl.int64) * HEADS + head[:, None]) * D + d[None, :]
        tl.store(to, x.to(q.dtype.element_ty), mask=ok[:, None])
    elif kind == 1:
        x = rotated(source + HEADS * D, head, ok, k_norm, cos, sin, eps, D)
        tl.store(k_cache + entry, x.to(k_cache.dtype.element_ty), mask=ok[:, None])
    else:
        source += (HEADS + KV_HEADS) * D
        v = tl.load(source + head[:, None] * D + d[None, :], mask=ok[:, None], other=0.0)
        tl.store(v_cache + entry, v, mask=ok[:, None])


@triton.jit
def fold(top, below, total, query, k, v, ok, scale, WIDE: tl.constexpr):
    """Add keys and values `(BLOCK, D)`, if they are `ok (BLOCK,)`, to the softmax so far: its largest score
    `(M,)` in powers of 2, its denominator `(M,)`, and its numerator `(M, D)`."""
    if WIDE:
        k, v = k.to(tl.float32), v.to(tl.float32)
    score = tl.dot(query, tl.trans(k), input_precision="ieee") * (scale * LOG2_E)
    score = tl.where(ok[None, :], score, float("-inf"))
    higher = tl.maximum(top, tl.max(score, 1))
    share = tl.exp2(score - higher[:, None])
    shrink = tl.exp2(top - higher)
    below = below * shrink + tl.sum(share, 1)
    # the softmax is rounded to the values' type, which their product needs
    total = tl.dot(share.to(v.dtype), v, total * shrink[:, None], input_precision="ieee")
    return higher, below, total


@triton.jit
def attend_span(
    out, weights, qkv, cos, sin, position, rows, k_cache, v_cache, q_norm, k_norm, eps,
    scale, slot_stride, head_stride,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, M: tl.constexpr, D: tl.constexpr,
    SPAN: tl.constexpr, BLOCK: tl.constexpr, SPANS: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """Attend with the GROUP queries of a key head to SPAN positions of a row's slot, BLOCK at a time. Write
    `out (b, KV_HEADS GROUP, SPANS, D)`, and for several spans their `weights (b, KV_HEADS GROUP, SPANS)`.

    `qkv (b, (heads + 2 KV_HEADS) D)` is as the projection left it. Each program rotates its queries, M >=
    GROUP rows of the products. The one whose span holds the position also rotates the new key, and stores it
    and the value before it reads them. A program whose span begins after the position leaves at once. WIDE
    multiplies in float32: the interpreter has no product of bfloat16, and no loop up to a number in a tensor.
    """
    split, h, i = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    at = tl.load(position + i).to(tl.int32)
    slot = tl.load(rows + i).to(tl.int64) * slot_stride + h.to(tl.int64) * head_stride
    heads: tl.constexpr = KV_HEADS * GROUP
    first = split * SPAN
    if first <= at:
        m = tl.arange(0, M)
        d = tl.arange(0, D)
        m_ok = m < GROUP
        t = first + tl.arange(0, BLOCK)
        cell = slot + t[:, None].to(tl.int64) * D + d[None, :]
        if SPAN == BLOCK:
            # loaded early, so that they are on their way during the rotation
            k = tl.load(k_cache + cell, mask=(t < at)[:, None], other=0.0)
            v = tl.load(v_cache + cell, mask=(t < at)[:, None], other=0.0)
        source = qkv + i.to(tl.int64) * ((heads + 2 * KV_HEADS) * D)
        cos += at.to(tl.int64) * (D // 2)
        sin += at.to(tl.int64) * (D // 2)
        if at < first + SPAN:
            one = tl.arange(0, 1)
            new = slot + at.to(tl.int64) * D + one[:, None] + d[None, :]
            key = rotated(source + heads * D, h + one, one < 1, k_norm, cos, sin, eps, D)
            value = tl.load(source + (heads + KV_HEADS + h + one[:, None]) * D + d[None, :])
            tl.store(k_cache + new, key.to(k_cache.dtype.element_ty))
            tl.store(v_cache + new, value)
        query = rotated(source, h * GROUP + m, m_ok, q_norm, cos, sin, eps, D).to(qkv.dtype.element_ty)
        if WIDE:
            query = query.to(tl.float32)
        # one thread reads what another one has stored
        tl.debug_barrier()
        top = tl.full((M,), float("-inf"), tl.float32)
        below = tl.zeros((M,), tl.float32)
        total = tl.zeros((M, D), tl.float32)
        if SPAN == BLOCK:
            k = tl.load(k_cache + cell, mask=(t == at)[:, None], other=k, cache_modifier=".cg")
            v = tl.load(v_cache + cell, mask=(t == at)[:, None], other=v, cache_modifier=".cg")
            top, below, total = fold(top, below, total, query, k, v, t <= at, scale, WIDE)
        else:
            for start in range(0, SPAN if WIDE else tl.minimum(SPAN, at + 1 - first), BLOCK):
                ok = start + t <= at
                cell = slot + (start + t)[:, None].to(tl.int64) * D + d[None, :]
                k = tl.load(k_cache + cell, mask=ok[:, None], other=0.0)
                v = tl.load(v_cache + cell, mask=ok[:, None], other=0.0)
                top, below, total = fold(top, below, total, query, k, v, ok, scale, WIDE)
        mine = (i.to(tl.int64) * heads + h * GROUP + m) * SPANS + split
        total = total / below[:, None]
        tl.store(out + mine[:, None] * D + d[None, :], total.to(out.dtype.element_ty), mask=m_ok[:, None])
        if SPANS > 1:
            tl.store(weights + mine, top + tl.log2(below), mask=m_ok)


@triton.jit
def join(
    out, parts, weights, position,
    SPAN: tl.constexpr, SPANS: tl.constexpr, PADDED: tl.constexpr, D: tl.constexpr,
):  # fmt: skip
    """Compute one head of a row of `out (b, heads, D)`: the mean of its `parts (b, heads, SPANS, D)` up to
    its position, weighted by 2 to the power of their `weights (b, heads, SPANS)`."""
    head, i = tl.program_id(0), tl.program_id(1)
    mine = i.to(tl.int64) * tl.num_programs(0) + head
    s = tl.arange(0, PADDED)
    d = tl.arange(0, D)
    ok = (s < SPANS) & (s * SPAN <= tl.load(position + i))
    weight = tl.load(weights + mine * SPANS + s, mask=ok, other=float("-inf"))
    part = tl.load(parts + (mine * SPANS + s[:, None]) * D + d[None, :], mask=ok[:, None], other=0.0)
    share = tl.exp2(weight - tl.max(weight, 0))
    total = tl.sum(part * share[:, None], 0) / tl.sum(share, 0)
    tl.store(out + mine * D + d, total.to(out.dtype.element_ty))
