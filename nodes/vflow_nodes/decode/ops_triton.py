"""The steps of a decoder's forward pass as Triton kernels: `ops_torch`'s functions, for a token of few rows.

On a CUDA device, or on the CPU in Triton's interpreter (`TRITON_INTERPRET=1` before the first call), which is
slow and for tests. No function waits for the device or lets a value in a tensor decide what is launched, so
that a CUDA graph may hold them all; call each once before it is captured, since that is when it is compiled.

Importing this module needs no triton; calling a function does. One thread, and one stream of it, at a time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sysconfig
from pathlib import Path

import torch

from vflow_nodes.decode import ops_torch
from vflow_nodes.decode.kernels import tiling
from vflow_nodes.decode.kernels.scratch import tickets
from vflow_nodes.decode.weights import Int8, Matrix


def available() -> str:
    """'' where these functions run, else why they do not, and what mends it."""
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed: it comes with torch for CUDA on Linux (pip install triton)"
    if _interpreted():
        return ""
    if not torch.cuda.is_available():
        return "torch sees no CUDA device: use a CUDA build of torch and check the driver with nvidia-smi"
    major, minor = torch.cuda.get_device_capability()
    if major < 8:
        return (
            f"the device has compute capability {major}.{minor}, Triton's bfloat16 needs 8.0: use plain torch"
        )
    if not (os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")):
        return "triton finds no C compiler for its launcher: install gcc or clang, or name one in CC"
    if os.environ.get("CPATH") or os.environ.get("C_INCLUDE_PATH"):
        return ""
    # Debian's own default scheme names a folder that holds no headers; Triton looks there no more than this
    scheme = sysconfig.get_default_scheme().replace("posix_local", "posix_prefix")
    header = Path(sysconfig.get_path("include", scheme), "Python.h")
    return "" if header.exists() else f"triton's launcher needs {header}: install python3-dev"


def _interpreted() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"


def linear(
    x: torch.Tensor,
    w: Matrix,
    *,
    bias: torch.Tensor | None = None,
    norm: torch.Tensor | None = None,
    eps: float = 0.0,
    residual: torch.Tensor | None = None,
) -> torch.Tensor:
    """As `ops_torch.linear`; more than 32 rows go there."""
    if len(x) > tiling.MAX_ROWS:
        return ops_torch.linear(x, w, bias=bias, norm=norm, eps=eps, residual=residual)
    return _product(x, w, bias, norm, eps, residual, gated=False)


def gated(x: torch.Tensor, w: Matrix, *, norm: torch.Tensor, eps: float) -> torch.Tensor:
    """As `ops_torch.gated`; more than 32 rows go there."""
    if len(x) > tiling.MAX_ROWS:
        return ops_torch.gated(x, w, norm=norm, eps=eps)
    return _product(x, w, None, norm, eps, None, gated=True)


def _product(
    x: torch.Tensor,
    w: Matrix,
    bias: torch.Tensor | None,
    norm: torch.Tensor | None,
    eps: float,
    residual: torch.Tensor | None,
    gated: bool,
) -> torch.Tensor:
    from vflow_nodes.decode.kernels import product  # loads triton

    weight, scale = (w.weight, w.scale) if isinstance(w, Int8) else (w, None)
    (rows, k), n = x.shape, len(weight)
    outputs = n // 2 if gated else n
    if norm is not None and x.dtype == torch.float16 and rows > 1:
        # the product's operand is x times the norm's weight, which float16 may not hold
        x, norm = ops_torch.rms_norm(x, norm, eps), None
    for tensor in (x, weight, residual):
        if tensor is not None and not tensor.is_contiguous():
            raise ValueError("decode kernels: x, w and residual must be contiguous; call .contiguous() first")
    y = torch.empty(rows, outputs, dtype=x.dtype, device=x.device)
    cut = tiling.tile("gated" if gated else "linear", n, k, rows, weight.itemsize * 8)
    tiles = -(-n // cut.block_n)
    shape = {
        "N": outputs, "K": k, "GATED": gated, "BLOCK_N": cut.block_n, "BLOCK_K": cut.block_k,
        "num_warps": cut.warps,
    }  # fmt: skip
    if rows == 1:
        product.one_row[(tiles,)](y, x, weight, scale, bias, norm, residual, eps, **shape)
        return y
    if cut.splits > 1 and (gated or norm is not None):
        raise ValueError(f"decode kernels: a norm's sum of squares cannot be split, but {cut} does")
    padded = tiling.bucket(rows)
    parts, ticket = y, y
    if cut.splits > 1:
        parts = torch.empty(tiles * cut.splits * padded * cut.block_n, dtype=torch.float32, device=x.device)
        ticket = tickets(x.device, tiles)
    product.many_rows[(tiles, cut.splits)](
        y, x, weight, scale, bias, norm, residual, parts, ticket, rows, eps,
        M=padded, SPLITS=cut.splits, WIDE=product.INTERPRETED, num_stages=cut.stages, **shape,
    )  # fmt: skip
    return y


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
    """As `ops_torch.rope_write`, of any number of rows."""
    from vflow_nodes.decode.kernels import attention  # loads triton

    slot_stride, head_stride, size = _layout(k_cache, v_cache)
    q = torch.empty(len(qkv), heads, size, dtype=qkv.dtype, device=qkv.device)
    attention.rotate_and_store[(len(qkv), 3)](
        q, qkv.contiguous(), cos, sin, position, rows, k_cache, v_cache, q_norm, k_norm, eps,
        slot_stride, head_stride, HEADS=heads, KV_HEADS=kv_heads, D=size,
        PADDED=tiling.power_of_two(heads),
    )  # fmt: skip
    return q


def attend(
    q: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    rows: torch.Tensor,
    position: torch.Tensor,
    context: int,
    scale: float,
) -> torch.Tensor:
    """As `ops_torch.attend`."""
    b, heads, size = q.shape
    out = torch.empty(b, heads * size, dtype=q.dtype, device=q.device)
    _attend(out, q, None, None, position, rows, k_cache, v_cache, None, None, 0.0, heads, context, scale)
    return out


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
    """`rope_write`, then `attend` of what it returns, in one kernel: `(b, heads D)`.

    Where two rows stand in one slot, each attends to its own key and value at its position.
    """
    size = k_cache.shape[-1]
    out = torch.empty(len(qkv), heads * size, dtype=qkv.dtype, device=qkv.device)
    _attend(out, qkv, cos, sin, position, rows, k_cache, v_cache, q_norm, k_norm, eps, heads, context, scale)
    return out


def _attend(
    out: torch.Tensor,
    q: torch.Tensor,
    cos: torch.Tensor | None,
    sin: torch.Tensor | None,
    position: torch.Tensor,
    rows: torch.Tensor,
    k_cache: torch.Tensor,
    v_cache: torch.Tensor,
    q_norm: torch.Tensor | None,
    k_norm: torch.Tensor | None,
    eps: float,
    heads: int,
    context: int,
    scale: float,
) -> None:
    from vflow_nodes.decode.kernels import attention  # loads triton

    slot_stride, head_stride, size = _layout(k_cache, v_cache)
    b, kv_heads = len(q), k_cache.shape[1]
    group = heads // kv_heads
    cut = tiling.span(context, b)
    spans = -(-context // cut.span)
    parts = torch.empty(b * heads * spans, size, dtype=torch.float32, device=q.device)
    weights = torch.empty(b * heads * spans, dtype=torch.float32, device=q.device)
    attention.attend_span[(spans, kv_heads, b)](
        out, parts, weights, tickets(q.device, b * kv_heads), q.contiguous(), cos, sin, position, rows,
        k_cache, v_cache, q_norm, k_norm, eps, scale, slot_stride, head_stride,
        KV_HEADS=kv_heads, GROUP=group, M=max(16, tiling.power_of_two(group)), G=tiling.power_of_two(group),
        D=size, SPAN=cut.span, BLOCK=min(cut.block, cut.span), SPANS=spans, FUSED=cos is not None,
        WIDE=attention.INTERPRETED, num_warps=cut.warps, num_stages=cut.stages,
    )  # fmt: skip


def _layout(k_cache: torch.Tensor, v_cache: torch.Tensor) -> tuple[int, int, int]:
    """Strides of a slot and of a head in elements, and the size of a head.

    Raises:
        ValueError: the caches differ, or a head's entries do not stand side by side.
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
