# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Sorting inside a program, and keys that sort as scores do: the largest first, of equal ones the first.

`triton.language.topk` does the same, but Triton's interpreter takes a second for a thousand entries of it.
Source: K. E. Batcher, "Sorting networks and their applications", 1968; the selection of the largest as in
A. Shanbhag et al., "Efficient Top-K Query Processing on Massively Parallel Hardware", 2018.
"""

from __future__ import annotations

import triton
import triton.language as tl

LOWEST = tl.constexpr(-(2**63))
"""A key that is below all of `ranked`'s."""
FIRST = tl.constexpr(0xFFFFFFFF)


@triton.jit
def log2(size: tl.constexpr):
    """Of a power of two."""
    exponent: tl.constexpr = size.bit_length() - 1
    return exponent


@triton.jit
def ranked(score, token):
    """`sampling.ranked` of float32 `score` and int64 `token`."""
    bits = tl.where(score == 0.0, 0.0, score).to(tl.int32, bitcast=True)  # -0 is equal to 0
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.to(tl.int64) << 32) + (FIRST - token)


@triton.jit
def token_of(key):
    """The token in a key: int64."""
    return FIRST - (key & FIRST)


@triton.jit
def score_of(key):
    """The score in a key: float32."""
    ordered = (key >> 32).to(tl.int32)
    return (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)


@triton.jit
def exchanged(x, stage, DISTANCE: tl.constexpr):
    """Put each two of the columns of `x (rows, columns)` that are DISTANCE apart in order: down, or up where
    the column's bit `stage` is set."""
    rows: tl.constexpr = x.shape[0]
    columns: tl.constexpr = x.shape[1]
    pairs: tl.constexpr = columns // (2 * DISTANCE)
    y = tl.reshape(x, (rows, pairs, 2, DISTANCE))
    other = tl.sum(y, 2, keep_dims=True) - y  # exact: int64 wraps around twice
    up = ((tl.arange(0, pairs) * (2 * DISTANCE)) >> stage) & 1
    second = tl.arange(0, 2)
    keeps_larger = up[:, None] == second[None, :]
    y = tl.where((y > other) == keeps_larger[None, :, :, None], y, other)
    return tl.reshape(y, (rows, columns))


@triton.jit
def merged(x, stage, LENGTH: tl.constexpr):
    """Sort every LENGTH columns of x, each of which rises and then falls or falls and then rises: down, or
    up where the column's bit `stage` is set."""
    for step in tl.static_range(0, LENGTH.bit_length() - 1):
        x = exchanged(x, stage, LENGTH >> (step + 1))
    return x
