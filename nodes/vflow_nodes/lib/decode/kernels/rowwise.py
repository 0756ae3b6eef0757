# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""The work around products of several rows: norm, gate, and widening of 8-bit weights."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def rms_norm(y, x, weight, eps, K: tl.constexpr, BLOCK: tl.constexpr):
    """Compute `y (b, K)`: a program normalises one row of `x (b, K)`, and rounds once before and once after
    the weight, as `ops_torch.rms_norm` does."""
    row = tl.program_id(0).to(tl.int64) * K
    k = tl.arange(0, BLOCK)
    ok = k < K
    value = tl.load(x + row + k, mask=ok, other=0.0).to(tl.float32)
    gain = tl.load(weight + k, mask=ok, other=0.0).to(tl.float32)
    value = (value * tl.rsqrt(tl.sum(value * value, 0) / K + eps)).to(y.dtype.element_ty)
    tl.store(y + row + k, (value.to(tl.float32) * gain).to(y.dtype.element_ty), mask=ok)


@triton.jit
def silu_mul(y, x, F: tl.constexpr, BLOCK: tl.constexpr):
    """Compute `y (b, F)`: silu of the first half of a row of `x (b, 2 F)`, rounded, times the second half."""
    row = tl.program_id(0).to(tl.int64)
    f = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    gate = tl.load(x + row * (2 * F) + f, mask=f < F, other=0.0).to(tl.float32)
    up = tl.load(x + row * (2 * F) + F + f, mask=f < F, other=0.0).to(tl.float32)
    gate = (gate / (1.0 + tl.exp(-gate))).to(y.dtype.element_ty).to(tl.float32)
    tl.store(y + row * F + f, (gate * up).to(y.dtype.element_ty), mask=f < F)


@triton.jit
def widen(y, w, scale, K: tl.constexpr, BLOCK: tl.constexpr):
    """Compute `y (N, K)`: each row of the 8-bit weights `w (N, K)` times its `scale (N,)`, in y's type."""
    row = tl.program_id(0).to(tl.int64)
    k = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(w + row * K + k, mask=k < K, other=0).to(tl.float32) * tl.load(scale + row)
    tl.store(y + row * K + k, value.to(y.dtype.element_ty), mask=k < K)
