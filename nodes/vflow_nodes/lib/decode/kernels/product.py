# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Products of a few rows and a large matrix, with the work around them: norm, scale, gate, bias, residual.

One row is multiplied and added up by plain arithmetic: tensor cores would have nothing to do. RMSNorm's
factor comes at the end, `(x r g) w = r ((x g) w)`, so that no weight waits for the sum of squares. More rows
go through `tl.dot`, padded to 16 or 32. They are normalised before, or each program would do it again.
"""

from __future__ import annotations

import triton
import triton.language as tl

INTERPRETED = bool(triton.knobs.runtime.interpret)
"""Whether these functions run in Triton's interpreter, decided when this module is imported."""


@triton.jit
def weight_rows(tile, j, N: tl.constexpr, BLOCK_N: tl.constexpr, GATED: tl.constexpr):
    """Return the rows of the weights that a tile reads, for `j` in 0 to BLOCK_N - 1. A gated product with N
    outputs reads a gate (row n), its value (row N + n), the next gate, and so on."""
    return tile * (BLOCK_N // 2) + j // 2 + (j % 2) * N if GATED else tile * BLOCK_N + j


@triton.jit
def added(
    bias,
    residual,
    m,
    m_ok,
    tile,
    N: tl.constexpr,
    M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    GATED: tl.constexpr,
):
    """Return bias and residual of a tile's outputs, `(M, BLOCK_N)` float32; half as many columns if gated."""
    columns: tl.constexpr = BLOCK_N // 2 if GATED else BLOCK_N
    n = tile * columns + tl.arange(0, columns)
    total = tl.zeros((M, columns), tl.float32)
    if bias is not None:
        total += tl.load(bias + n, mask=n < N, other=0.0).to(tl.float32)[None, :]
    if residual is not None:
        ok = m_ok[:, None] & (n < N)[None, :]
        total += tl.load(residual + m[:, None] * N + n[None, :], mask=ok, other=0.0).to(tl.float32)
    return total


@triton.jit
def put(
    y, total, plus, m, m_ok, tile, scale,
    N: tl.constexpr, M: tl.constexpr, BLOCK_N: tl.constexpr, GATED: tl.constexpr,
):  # fmt: skip
    """Scale and gate `total (M, BLOCK_N)` float32, add `plus`, and store it to rows `m (M,)` of y."""
    columns: tl.constexpr = BLOCK_N // 2 if GATED else BLOCK_N
    n = tile * columns + tl.arange(0, columns)
    if scale is not None:
        row = weight_rows(tile, tl.arange(0, BLOCK_N), N, BLOCK_N, GATED)
        total *= tl.load(scale + row, mask=row < (2 * N if GATED else N), other=0.0)[None, :]
    if GATED:
        gate, value = tl.split(tl.reshape(total, (M, columns, 2)))
        total = gate / (1.0 + tl.exp(-gate)) * value
    to = y + m[:, None] * N + n[None, :]
    tl.store(to, (total + plus).to(y.dtype.element_ty), mask=m_ok[:, None] & (n < N)[None, :])


@triton.jit
def streamed(at, row_ok, k_ok, EVEN: tl.constexpr):
    """Load a block of weights that nobody reads again. EVEN: the blocks fill the matrix; use no mask."""
    if EVEN:
        return tl.load(at, eviction_policy="evict_first")
    return tl.load(at, mask=row_ok[:, None] & k_ok[None, :], other=0.0, eviction_policy="evict_first")


@triton.jit
def one_row(
    y, x, w, scale, bias, norm, residual, eps,
    N: tl.constexpr, K: tl.constexpr, GATED: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
    BY_ADDING: tl.constexpr,
):  # fmt: skip
    """Compute `y (N,)` from `x (K,)`. A program reads BLOCK_N whole rows of w, one block ahead of
    multiplying.

    Besides the weights, a step costs the work on x, which counts less the more rows a thread has.
    """
    tile = tl.program_id(0)
    row = weight_rows(tile, tl.arange(0, BLOCK_N), N, BLOCK_N, GATED)
    row_ok = row < (2 * N if GATED else N)
    k = tl.arange(0, BLOCK_K)
    EVEN: tl.constexpr = (2 * N if GATED else N) % BLOCK_N == 0 and K % BLOCK_K == 0
    # 8 weights per thread, also of 8 bits: x then has the same layout, and skips shared memory
    at = w + row.to(tl.int64)[:, None] * K + tl.max_contiguous(k, 8)[None, :]
    coming = streamed(at, row_ok, k < K, EVEN)
    m = tl.arange(0, 1)
    plus = added(bias, residual, m, m < 1, tile, N, 1, BLOCK_N, GATED)
    total = tl.zeros((BLOCK_N, BLOCK_K // 8), tl.float32)
    squares = tl.zeros((BLOCK_K,), tl.float32)
    steps: tl.constexpr = (K + BLOCK_K - 1) // BLOCK_K
    for step in tl.static_range(0, steps):
        here = step * BLOCK_K + k
        part = coming
        if step + 1 < steps:
            coming = streamed(at + (step + 1) * BLOCK_K, row_ok, here + BLOCK_K < K, EVEN)
        value = tl.load(x + here, mask=here < K, other=0.0).to(tl.float32)
        if norm is not None:
            squares += value * value
            value *= tl.load(norm + here, mask=here < K, other=0.0).to(tl.float32)
        if BY_ADDING:
            # above 1.5 * 2^23 a float counts in ones: adding an integer to its bits adds it to its value
            wide = (part.to(tl.int32) + 0x4B400000).to(tl.float32, bitcast=True) - 12582912.0
        else:
            wide = part.to(tl.float32)
        product = wide * value[None, :]
        # a thread adds up its own 8 at once and keeps only the sum
        total += tl.sum(tl.reshape(product, (BLOCK_N, BLOCK_K // 8, 8)), 2)
    out = tl.sum(total, 1)
    if norm is not None:
        out *= tl.rsqrt(tl.sum(squares, 0) / K + eps)
    put(y, out[None, :], plus, m, m < 1, tile, scale, N, 1, BLOCK_N, GATED)


@triton.jit(do_not_specialize=["rows"])
def many_rows(
    y, x, w, scale, bias, residual, parts, tickets, rows,
    N: tl.constexpr, K: tl.constexpr, M: tl.constexpr, GATED: tl.constexpr,
    BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, SPLITS: tl.constexpr,
    WIDE: tl.constexpr,
):  # fmt: skip
    """Compute `y (rows, N)` from `x (rows, K)` and weights of 8 bits, with M >= rows.

    With SPLITS > 1, each program sums a part of the columns, leaves it in `parts (tiles, SPLITS, M,
    BLOCK_N)`, and takes a ticket of its tile. The one with the last ticket adds the parts, always in the same
    order, and resets the tickets to 0. WIDE multiplies in float32: the interpreter has no product of
    bfloat16.
    """
    tile, split = tl.program_id(0), tl.program_id(1)
    j = tl.arange(0, BLOCK_N)
    row = weight_rows(tile, j, N, BLOCK_N, GATED)
    row_ok = row < (2 * N if GATED else N)
    m = tl.arange(0, M)
    m_ok = m < rows
    span: tl.constexpr = (K + BLOCK_K * SPLITS - 1) // (BLOCK_K * SPLITS) * BLOCK_K
    k = split * span + tl.arange(0, BLOCK_K)
    left = x + m[:, None] * K + k[None, :]
    right = w + row.to(tl.int64)[None, :] * K + k[:, None]
    total = tl.zeros((M, BLOCK_N), tl.float32)
    for start in range(0, span, BLOCK_K):
        k_ok = start + k < K
        a = tl.load(left + start, mask=m_ok[:, None] & k_ok[None, :], other=0.0)
        b = tl.load(
            right + start, mask=k_ok[:, None] & row_ok[None, :], other=0.0, eviction_policy="evict_first"
        )
        if WIDE:
            a, b = a.to(tl.float32), b.to(tl.float32)
        else:
            b = b.to(a.dtype)
        total = tl.dot(a, b, total, input_precision="ieee")
    if SPLITS == 1:
        plus = added(bias, residual, m, m_ok, tile, N, M, BLOCK_N, GATED)
        put(y, total, plus, m, m_ok, tile, scale, N, M, BLOCK_N, GATED)
    else:
        cell = m[:, None] * BLOCK_N + j[None, :]
        mine = parts + tile * (SPLITS * M * BLOCK_N)
        tl.store(mine + split * (M * BLOCK_N) + cell, total)
        # all threads have stored their parts before one takes the ticket, which releases and acquires
        tl.debug_barrier()
        if tl.atomic_add(tickets + tile, 1, sem="acq_rel") == SPLITS - 1:
            total = tl.zeros((M, BLOCK_N), tl.float32)
            for other in tl.static_range(0, SPLITS):
                total += tl.load(mine + other * (M * BLOCK_N) + cell, cache_modifier=".cg")
            plus = added(bias, residual, m, m_ok, tile, N, M, BLOCK_N, GATED)
            put(y, total, plus, m, m_ok, tile, scale, N, M, BLOCK_N, GATED)
            tl.store(tickets + tile, 0)
