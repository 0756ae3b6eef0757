"""Products with a matrix: functions of `ops_torch` that launch kernels, or cuBLAS where that is faster.

One row is multiplied by a kernel that also does the norm and the gate. Several rows are multiplied by cuBLAS,
with kernels for norm and gate; weights of 8 bits, by a kernel that reads them directly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from vflow_nodes.lib.decode.kernels import tiling
from vflow_nodes.lib.decode.kernels.deferred import kernels
from vflow_nodes.lib.decode.kernels.scratch import tickets
from vflow_nodes.lib.decode.weights import Int8, Matrix

NARROW_ROWS = 64
"""Most rows for which 8-bit weights are read as they are, once for each 32 rows. For more rows the weights
are widened first, which pays for itself."""


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """Do what `ops_torch.rms_norm` does, for `x (b, K)`."""
    rowwise = kernels().rowwise
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    k = x.shape[1]
    block = tiling.power_of_two(k)
    rowwise.rms_norm[(len(x),)](
        y, x.contiguous(), weight, eps, K=k, BLOCK=block, num_warps=max(1, min(8, block // 512))
    )
    return y


def silu_mul(x: torch.Tensor) -> torch.Tensor:
    """Return `silu(x[:, :F]) * x[:, F:]` of `x (b, 2 F)`, rounded as torch does: `(b, F)`."""
    rowwise = kernels().rowwise
    rows, f = len(x), x.shape[1] // 2
    y = torch.empty(rows, f, dtype=x.dtype, device=x.device)
    block = min(1024, tiling.power_of_two(f))
    rowwise.silu_mul[(rows, -(-f // block))](y, x.contiguous(), F=f, BLOCK=block)
    return y


def widen(w: Int8, dtype: torch.dtype) -> torch.Tensor:
    """Return the matrix `(N, K)` in another type."""
    rowwise = kernels().rowwise
    n, k = w.weight.shape
    y = torch.empty(n, k, dtype=dtype, device=w.weight.device)
    block = min(4096, tiling.power_of_two(k))
    rowwise.widen[(n, -(-k // block))](y, w.weight.contiguous(), w.scale, K=k, BLOCK=block)
    return y


def linear(
    x: torch.Tensor,
    w: Matrix,
    *,
    bias: torch.Tensor | None = None,
    norm: torch.Tensor | None = None,
    eps: float = 0.0,
    residual: torch.Tensor | None = None,
) -> torch.Tensor:
    """Do what `ops_torch.linear` does, for any number of rows."""
    if len(x) == 1:
        return _one_row(x, w, bias, norm, eps, residual, gated=False)
    if norm is not None:
        x = rms_norm(x, norm, eps)
    if isinstance(w, Int8):
        if len(x) <= NARROW_ROWS:
            return _narrow(x, w, bias, residual, gated=False)
        w = widen(w, x.dtype)
    if residual is not None and bias is None:
        return torch.addmm(residual, x, w.t())
    y = F.linear(x, w, bias)
    return y if residual is None else y + residual


def gated(x: torch.Tensor, w: Matrix, *, norm: torch.Tensor, eps: float) -> torch.Tensor:
    """Do what `ops_torch.gated` does, for any number of rows."""
    if len(x) == 1:
        return _one_row(x, w, None, norm, eps, None, gated=True)
    if isinstance(w, Int8) and len(x) <= NARROW_ROWS:
        return _narrow(rms_norm(x, norm, eps), w, None, None, gated=True)
    return silu_mul(linear(x, w, norm=norm, eps=eps))


def _one_row(
    x: torch.Tensor,
    w: Matrix,
    bias: torch.Tensor | None,
    norm: torch.Tensor | None,
    eps: float,
    residual: torch.Tensor | None,
    gated: bool,
) -> torch.Tensor:
    product = kernels().product
    weight, scale = (w.weight, w.scale) if isinstance(w, Int8) else (w, None)
    _require_contiguous(x, weight, residual)
    n, k = weight.shape
    cut = tiling.tile("gated" if gated else "linear", n, k, 1, weight.itemsize * 8)
    outputs = n // 2 if gated else n
    y = torch.empty(1, outputs, dtype=x.dtype, device=x.device)
    product.one_row[(-(-n // cut.block_n),)](
        y, x, weight, scale, bias, norm, residual, eps,
        N=outputs, K=k, GATED=gated, BLOCK_N=cut.block_n, BLOCK_K=cut.block_k,
        BY_ADDING=cut.by_adding, num_warps=cut.warps,
    )  # fmt: skip
    return y


def _narrow(
    x: torch.Tensor, w: Int8, bias: torch.Tensor | None, residual: torch.Tensor | None, gated: bool
) -> torch.Tensor:
    product = kernels().product
    _require_contiguous(x, w.weight, residual)
    n, k = w.weight.shape
    outputs = n // 2 if gated else n
    y = torch.empty(len(x), outputs, dtype=x.dtype, device=x.device)
    widest = 256 if x.itemsize == 2 else 32  # float32 uses registers, not tensor cores
    for first in range(0, len(x), tiling.MAX_ROWS):
        rows = min(tiling.MAX_ROWS, len(x) - first)
        cut = tiling.tile("gated" if gated else "linear", n, k, rows, 8)
        if gated and cut.splits > 1:
            raise ValueError(f"decode kernels: a gate needs whole sums, which {cut} splits")
        tiles, padded = -(-n // cut.block_n), tiling.bucket(rows)
        parts, ticket = y, y
        if cut.splits > 1:
            parts = torch.empty(
                tiles * cut.splits * padded * cut.block_n, dtype=torch.float32, device=x.device
            )
            ticket = tickets(x.device, tiles)
        product.many_rows[(tiles, cut.splits)](
            y[first:], x[first:], w.weight, w.scale, bias, None if residual is None else residual[first:],
            parts, ticket, rows,
            N=outputs, K=k, M=padded, GATED=gated, BLOCK_N=cut.block_n, BLOCK_K=min(widest, cut.block_k),
            SPLITS=cut.splits, WIDE=product.INTERPRETED, num_warps=cut.warps, num_stages=cut.stages,
        )  # fmt: skip
    return y


def _require_contiguous(*tensors: torch.Tensor | None) -> None:
    for tensor in tensors:
        if tensor is not None and not tensor.is_contiguous():
            raise ValueError("decode kernels: x, w and residual must be contiguous; call .contiguous() first")
