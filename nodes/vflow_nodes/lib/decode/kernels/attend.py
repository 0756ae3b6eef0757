"""Rotary positions and attention over a static cache: functions of `ops_torch` that launch kernels."""

from __future__ import annotations

import torch

from vflow_nodes.lib.decode.kernels import tiling
from vflow_nodes.lib.decode.kernels.deferred import kernels


def rope_write(
    qkv: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    position: torch.Tensor,
    rows: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    heads: int,
    kv_heads: int,
    *,
    q_norm: torch.Tensor | None = None,
    k_norm: torch.Tensor | None = None,
    eps: float = 0.0,
) -> torch.Tensor:
    """Do what `ops_torch.rope_write` does, for any number of rows."""
    attention = kernels().attention
    slot_stride, head_stride, size = _layout(k_cache, v_cache)
    q = torch.empty(len(qkv), heads, size, dtype=qkv.dtype, device=qkv.device)
    attention.rotate_and_store[(len(qkv), 3)](
        q, qkv.contiguous(), cos, sin, position, rows, k_cache, v_cache, q_norm, k_norm, eps,
        slot_stride, head_stride, HEADS=heads, KV_HEADS=kv_heads, D=size,
        PADDED=tiling.power_of_two(heads),
    )  # fmt: skip
    return q


def rope_attend(
    qkv: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    position: torch.Tensor,
    rows: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    heads: int,
    kv_heads: int,
    context: int,
    scale: float,
    *,
    q_norm: torch.Tensor | None = None,
    k_norm: torch.Tensor | None = None,
    eps: float = 0.0,
) -> torch.Tensor:
    """Do what `ops_torch.rope_attend` does. Rows at one place of one slot get rubbish, and leave it there."""
    attention = kernels().attention
    slot_stride, head_stride, size = _layout(k_cache, v_cache)
    b, group = len(qkv), heads // kv_heads
    cut = tiling.span(context, b, kv_heads)
    # float32 uses registers, not tensor cores
    block, warps = (min(cut.block, cut.span), cut.warps) if qkv.itemsize == 2 else (16, 8)
    spans = -(-context // cut.span)
    out = torch.empty(b, heads * size, dtype=qkv.dtype, device=qkv.device)
    parts, weights = out, out
    if spans > 1:
        parts = torch.empty(b * heads * spans, size, dtype=torch.float32, device=qkv.device)
        weights = torch.empty(b * heads * spans, dtype=torch.float32, device=qkv.device)
    attention.attend_span[(spans, kv_heads, b)](
        parts, weights, qkv.contiguous(), cos, sin, position, rows,
        k_cache, v_cache, q_norm, k_norm, eps, scale, slot_stride, head_stride,
        KV_HEADS=kv_heads, GROUP=group, M=max(16, tiling.power_of_two(group)), D=size,
        SPAN=cut.span, BLOCK=block, SPANS=spans, WIDE=attention.INTERPRETED,
        num_warps=warps, num_stages=cut.stages,
    )  # fmt: skip
    if spans > 1:
        attention.join[(heads, b)](
            out, parts, weights, position,
            SPAN=cut.span, SPANS=spans, PADDED=tiling.power_of_two(spans), D=size,
        )  # fmt: skip
    return out


def attend_chunk(
    q: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    rows: torch.Tensor,
    position: torch.Tensor,
    context: int,
    scale: float,
) -> torch.Tensor:
    """Do what `ops_torch.attend_chunk` does; only the first entries of `rows` and `position` are read."""
    chunk = kernels().chunk
    slot_stride, head_stride, size = _layout(k_cache, v_cache)
    n, heads, _ = q.shape
    out = torch.empty(n, heads * size, dtype=q.dtype, device=q.device)
    # two blocks of keys and values fit 99 KB of shared memory
    block, keys, warps = (64, 64, 4) if q.itemsize == 2 else (32, 32, 8)
    chunk.attend_block[(-(-n // block), heads)](
        out, q.contiguous(), k_cache, v_cache, rows, position, n, context, scale, slot_stride, head_stride,
        HEADS=heads, GROUP=heads // k_cache.shape[1], D=size, BLOCK_M=block, BLOCK_N=keys,
        BOUND=context if chunk.INTERPRETED else 0, num_warps=warps, num_stages=2,
    )  # fmt: skip
    return out


def _layout(k_cache: torch.Tensor, v_cache: torch.Tensor) -> tuple[int, int, int]:
    """Return the strides of a slot and of a head, in elements, and the size of a head.

    Raises:
        ValueError: the caches differ, or a head's entries are not next to one another.
    """
    size = k_cache.shape[-1]
    if k_cache.stride() != v_cache.stride() or k_cache.stride()[2:] != (size, 1):
        raise ValueError(
            f"decode kernels: caches with strides {k_cache.stride()} and {v_cache.stride()}; both must be"
            " (slots, kv_heads, length, head_dim), contiguous from length on, with the same strides"
        )
    if size & (size - 1):
        raise ValueError(f"decode kernels: heads of {size}, which is no power of two; use plain torch")
    return k_cache.stride(0), k_cache.stride(1), size
