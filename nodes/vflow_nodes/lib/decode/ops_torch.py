"""The steps of a decoder's forward pass in plain torch: used on the CPU, and the reference for the GPU's
kernels.

`ops_triton` has functions of the same names and signatures. `b` is the number of rows; each row works in a
slot of its own. A cache is `(slots, kv_heads, length, head_dim)`; there is one for keys and one for values.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from vflow_nodes.lib.decode.weights import Int8, Matrix


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """RMSNorm over the last axis, computed in float32.

    Source: B. Zhang, R. Sennrich, "Root Mean Square Layer Normalization", arXiv:1910.07467.
    """
    wide = x.float()  # F.rms_norm takes three times as long on the CPU
    return weight * (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(x.dtype)


def linear(
    x: torch.Tensor,
    w: Matrix,
    *,
    bias: torch.Tensor | None = None,
    norm: torch.Tensor | None = None,
    eps: float = 0.0,
    residual: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return `x (b, K)`, normalised if `norm (K,)` is given, times `w (N, K)`, plus `bias (N,)` and
    `residual (b, N)`."""
    if norm is not None:
        x = rms_norm(x, norm, eps)
    y = _times_int8(x, w, bias) if isinstance(w, Int8) else F.linear(x, w, bias)
    return y if residual is None else y + residual


def _times_int8(x: torch.Tensor, w: Int8, bias: torch.Tensor | None) -> torch.Tensor:
    if x.device.type == "cpu" and x.dtype == torch.bfloat16:
        # reads 8 bits per weight; the scale must have x's type
        y: torch.Tensor = torch._weight_int8pack_mm(x, w.weight, w.scale.to(x.dtype))
    else:
        y = (F.linear(x, w.weight.to(x.dtype)) * w.scale).to(x.dtype)
    return y if bias is None else y + bias


def gated(x: torch.Tensor, w: Matrix, *, norm: torch.Tensor, eps: float) -> torch.Tensor:
    """Return `silu(gate) * up` of the normalised x, `(b, F)`; `w (2F, K)` has the gate's rows first.

    Source: N. Shazeer, "GLU Variants Improve Transformer", arXiv:2002.05202.
    """
    gate, up = linear(x, w, norm=norm, eps=eps).chunk(2, dim=-1)
    return F.silu(gate) * up


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Return `x (b, heads, D)` with rotary positions. Pairs are (i, i + D/2); `cos`, `sin (b, D/2)` float32.

    Source: J. Su et al., "RoFormer", arXiv:2104.09864; the halves as in transformers' `rotate_half`.
    """
    cos, sin = cos.to(x.dtype)[:, None], sin.to(x.dtype)[:, None]
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1)


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
    """Rotate queries and keys, store each row's key and value, and return the queries, `(b, heads, D)`.

    `qkv (b, (heads + 2 kv_heads) D)`; `cos` and `sin (length, D/2)` float32. Row i is in slot `rows[i]` at
    `position[i]`, both `(b,)` int64. `q_norm` and `k_norm (D,)`: RMSNorm of each head before the rotation.
    """
    b, size = len(qkv), k_cache.shape[-1]
    q, k, v = qkv.view(b, -1, size).split((heads, kv_heads, kv_heads), dim=1)
    if q_norm is not None and k_norm is not None:
        q, k = rms_norm(q, q_norm, eps), rms_norm(k, k_norm, eps)
    cos, sin = cos[position], sin[position]
    k_cache[rows, :, position] = rotate(k, cos, sin)
    v_cache[rows, :, position] = v
    return rotate(q, cos, sin)


def attend(
    q: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    rows: torch.Tensor,
    position: torch.Tensor,
    context: int,
    scale: float,
) -> torch.Tensor:
    """Attend with each row's `q (b, heads, D)` to positions 0 to `position[i]` of its slot; `(b, heads D)`.

    `context` is at least the largest position + 1 and at most the cache's length. The heads that share a key
    head are next to one another.
    """
    if q.device.type == "cpu":
        seen = position.tolist()
        return torch.cat(
            [_attend_row(q[i], k_cache[r], v_cache[r], seen[i], scale) for i, r in enumerate(rows.tolist())]
        )
    k, v = k_cache[rows, :, :context], v_cache[rows, :, :context]
    mask = torch.arange(context, device=q.device) <= position[:, None]
    out = F.scaled_dot_product_attention(
        q[:, :, None], k, v, attn_mask=mask[:, None, None], scale=scale, enable_gqa=True
    )
    return out.reshape(len(q), -1)


def _attend_row(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, position: int, scale: float
) -> torch.Tensor:
    """Attend with one row. The heads of a key head are its queries: nothing is masked, expanded or padded."""
    kv_heads, size = k.shape[0], k.shape[-1]
    out = F.scaled_dot_product_attention(
        q.view(1, kv_heads, -1, size), k[None, :, : position + 1], v[None, :, : position + 1], scale=scale
    )
    return out.reshape(1, -1)


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
    """Call `rope_write`, then `attend` with its queries; `(b, heads D)`."""
    q = rope_write(
        qkv, cos, sin, position, rows, k_cache, v_cache, heads, kv_heads,
        q_norm=q_norm, k_norm=k_norm, eps=eps,
    )  # fmt: skip
    return attend(q, k_cache, v_cache, rows, position, context, scale)


def attend_chunk(
    q: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    rows: torch.Tensor,
    position: torch.Tensor,
    context: int,
    scale: float,
) -> torch.Tensor:
    """Attend with a part of a prompt: `q (n, heads, D)` at n consecutive positions of one slot, which `rows
    (n,)` names n times. Each sees its slot up to its own position; `(n, heads D)`.

    `context` is as in `attend`: at least the last position that counts + 1. Later positions get rubbish.
    """
    if q.device.type == "cpu":
        return _attend_here(q, k_cache[rows[0]], v_cache[rows[0]], int(position[0]), scale)
    # a mask, and keys repeated for all heads: without them torch takes its slowest way
    group = q.shape[1] // k_cache.shape[1]
    k, v = (each[rows[:1], :, :context].repeat_interleave(group, dim=1) for each in (k_cache, v_cache))
    mask = torch.arange(context, device=q.device) <= position[:, None]
    out = F.scaled_dot_product_attention(q.transpose(0, 1)[None], k, v, attn_mask=mask, scale=scale)
    return out[0].transpose(0, 1).reshape(len(q), -1)


def _attend_here(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, start: int, scale: float) -> torch.Tensor:
    """Attend with a part of a prompt at `start` of the slot with `k` and `v (kv_heads, length, D)`."""
    n, end = len(q), start + len(q)
    mask = None
    if start and n > 1:
        mask = torch.ones(n, end, dtype=torch.bool).tril(start)
    out = F.scaled_dot_product_attention(
        q.transpose(0, 1)[None], k[None, :, :end], v[None, :, :end],
        attn_mask=mask, is_causal=mask is None and n > 1, scale=scale, enable_gqa=True,
    )  # fmt: skip
    return out[0].transpose(0, 1).reshape(n, -1)
