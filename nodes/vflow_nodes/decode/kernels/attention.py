# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Rotary positions and attention of one new token in each of several slots, over split keys and values.

A slot's positions are cut into spans, one program each, so that a single row fills the machine too; the last
program of a row and key head puts the parts together. Source: T. Dao et al., "Flash-Decoding for long-context
inference", 2023; the softmax of a part as in M. Milakov, N. Gimelshein, "Online normalizer calculation for
softmax", arXiv:1805.02867.
"""

from __future__ import annotations

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)
INTERPRETED = bool(triton.knobs.runtime.interpret)
AT_ONCE = tl.constexpr(8)


@triton.jit
def rotated(source, head, ok, weight, cos, sin, eps, D: tl.constexpr):
    """`(heads, D)` float32: the heads `head` of `source`, normalised if there is a weight, then rotated by
    `cos` and `sin (D/2,)`; the pairs are (i, i + D/2)."""
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
    """`q (b, HEADS, D)` and the caches' new entries from `qkv (b, (HEADS + 2 KV_HEADS) D)`: one program a row
    for the queries, one for the keys and one for the values."""
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
def attend_span(
    out, parts, weights, tickets, q, cos, sin, position, rows, k_cache, v_cache, q_norm, k_norm, eps,
    scale, slot_stride, head_stride,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, M: tl.constexpr, G: tl.constexpr, D: tl.constexpr,
    SPAN: tl.constexpr, BLOCK: tl.constexpr, SPANS: tl.constexpr,
    FUSED: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """`out (b, KV_HEADS GROUP D)`: the GROUP queries of a key head over SPAN positions of a row's slot.

    M >= GROUP rows of the products, G the power of two at or above GROUP. A program whose span begins
    behind the row's position leaves at once. FUSED: `q` is qkv, `(b, (heads + 2 KV_HEADS) D)`, as the
    projection left it; each program rotates its queries, and the one whose span holds the position also the
    new key; it stores key and value, and takes them from its registers.
    """
    split, h, i = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    at = tl.load(position + i).to(tl.int32)
    # a row that stands behind the context, as a dead one may, must not wait for programs that are not there
    spans = tl.minimum(at // SPAN + 1, SPANS)
    if split < spans:
        m = tl.arange(0, M)
        d = tl.arange(0, D)
        m_ok = m < GROUP
        heads: tl.constexpr = KV_HEADS * GROUP
        slot = tl.load(rows + i).to(tl.int64) * slot_stride + h.to(tl.int64) * head_stride
        keys, values = k_cache + slot, v_cache + slot
        top = tl.full((M,), float("-inf"), tl.float32)
        below = tl.zeros((M,), tl.float32)
        total = tl.zeros((M, D), tl.float32)
        seen = at + 1
        if FUSED:
            source = q + i.to(tl.int64) * ((heads + 2 * KV_HEADS) * D)
            cos += at.to(tl.int64) * (D // 2)
            sin += at.to(tl.int64) * (D // 2)
            query = rotated(source, h * GROUP + m, m_ok, q_norm, cos, sin, eps, D).to(q.dtype.element_ty)
            seen = at
            if split == spans - 1:
                one = tl.arange(0, 1)
                key = rotated(source + heads * D, h + one, one < 1, k_norm, cos, sin, eps, D).to(
                    q.dtype.element_ty
                )
                value = tl.load(source + (heads + KV_HEADS + h + one[:, None]) * D + d[None, :])
                new = at.to(tl.int64) * D + one[:, None] + d[None, :]
                tl.store(keys + new, key)
                tl.store(values + new, value)
                # the new entry alone is where this part of the softmax begins
                top = tl.sum(query.to(tl.float32) * key.to(tl.float32), 1) * (scale * LOG2_E)
                below += 1.0
                total += value.to(tl.float32)
        else:
            first = (i.to(tl.int64) * heads + h * GROUP) * D
            query = tl.load(q + first + m[:, None] * D + d[None, :], mask=m_ok[:, None], other=0.0)
        if WIDE:
            query = query.to(tl.float32)
        for start in range(0, SPAN, BLOCK):
            # a block behind the position reads nothing, and adds nothing
            t = split * SPAN + start + tl.arange(0, BLOCK)
            cell = t[:, None].to(tl.int64) * D + d[None, :]
            k = tl.load(keys + cell, mask=(t < seen)[:, None], other=0.0)
            v = tl.load(values + cell, mask=(t < seen)[:, None], other=0.0)
            if WIDE:
                k, v = k.to(tl.float32), v.to(tl.float32)
            score = tl.dot(query, tl.trans(k), input_precision="ieee") * (scale * LOG2_E)
            score = tl.where((t < seen)[None, :], score, float("-inf"))
            higher = tl.maximum(top, tl.max(score, 1))
            share = tl.exp2(score - higher[:, None])
            shrink = tl.exp2(top - higher)
            below = below * shrink + tl.sum(share, 1)
            # the softmax is rounded to the values' type, as their product takes it
            total = tl.dot(share.to(v.dtype), v, total * shrink[:, None], input_precision="ieee")
            top = higher
        total = total / below[:, None]
        result = out + (i.to(tl.int64) * heads + h * GROUP) * D
        if spans == 1:
            tl.store(result + m[:, None] * D + d[None, :], total.to(out.dtype.element_ty), mask=m_ok[:, None])
        else:
            group = (i * KV_HEADS + h) * SPANS
            mine = (group + split).to(tl.int64) * GROUP + m
            tl.store(parts + mine[:, None] * D + d[None, :], total, mask=m_ok[:, None])
            tl.store(weights + mine, top + tl.log2(below), mask=m_ok)
            # every thread's part is stored before one of them takes the ticket, which releases and acquires
            tl.debug_barrier()
            if tl.atomic_add(tickets + i * KV_HEADS + h, 1, sem="acq_rel") == spans - 1:
                join(result, parts, weights, group, spans, GROUP, G, D, SPANS)
                tl.store(tickets + i * KV_HEADS + h, 0)


@triton.jit
def join(
    result, parts, weights, group, spans,
    GROUP: tl.constexpr, G: tl.constexpr, D: tl.constexpr, SPANS: tl.constexpr,
):  # fmt: skip
    """Store `(GROUP, D)`: the mean of `spans` parts, weighted by 2 to the power of their `weights`."""
    padded: tl.constexpr = triton.next_power_of_2(SPANS)
    g = tl.arange(0, G)
    d = tl.arange(0, D)
    s = tl.arange(0, padded)
    ok = (s < spans)[:, None] & (g < GROUP)[None, :]
    at = (group + s[:, None]).to(tl.int64) * GROUP + g[None, :]
    weight = tl.load(weights + at, mask=ok, other=float("-inf"), cache_modifier=".cg")
    top = tl.where(g < GROUP, tl.max(weight, 0), 0.0)
    below = tl.sum(tl.exp2(weight - top[None, :]), 0)
    total = tl.zeros((G, D), tl.float32)
    count: tl.constexpr = AT_ONCE if padded > AT_ONCE else padded
    for start in tl.static_range(0, padded, count):
        s = start + tl.arange(0, count)
        ok = (s < spans)[:, None] & (g < GROUP)[None, :]
        at = (group + s[:, None]).to(tl.int64) * GROUP + g[None, :]
        weight = tl.load(weights + at, mask=ok, other=float("-inf"), cache_modifier=".cg")
        part = tl.load(
            parts + at[:, :, None] * D + d[None, None, :],
            mask=ok[:, :, None],
            other=0.0,
            cache_modifier=".cg",
        )
        total += tl.sum(part * tl.exp2(weight - top[None, :])[:, :, None], 0)
    total = total / tl.where(g < GROUP, below, 1.0)[:, None]
    tl.store(
        result + g[:, None] * D + d[None, :], total.to(result.dtype.element_ty), mask=(g < GROUP)[:, None]
    )
