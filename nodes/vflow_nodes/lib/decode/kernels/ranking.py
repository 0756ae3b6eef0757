# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
"""Keys that sort as scores do (the largest first, of equal ones the first token), and sorting in a program.

`triton.language.topk` finds the same, but in Triton's interpreter a thousand entries take it a second.
Source: K. E. Batcher, "Sorting networks and their applications", 1968; the selection of the largest as in
A. Shanbhag et al., "Efficient Top-K Query Processing on Massively Parallel Hardware", 2018.
"""

from __future__ import annotations

import triton
import triton.language as tl
from triton.runtime.jit import constexpr_function

LOWEST = tl.constexpr(-(2**63))
"""A key below all others."""
LAST = tl.constexpr(0xFFFFFFFF)


@constexpr_function
def log2(size):
    """Return the logarithm of a power of two."""
    return size.bit_length() - 1


@triton.jit
def ranked(score, token):
    """Return keys as `sampling.ranked` does, of float32 `score` and int64 `token`."""
    bits = tl.where(score == 0.0, 0.0, score).to(tl.int32, bitcast=True)  # -0 is equal to 0
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.to(tl.int64) << 32) + (LAST - token)


@triton.jit
def token_of(key):
    """Return the token in a key, int64."""
    return LAST - (key & LAST)


@triton.jit
def score_of(key):
    """Return the score in a key, float32."""
    ordered = (key >> 32).to(tl.int32)
    return (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)


@triton.jit
def exchanged(x, STAGE: tl.constexpr, APART: tl.constexpr):
    """Order each two entries of `x (n,) int64` that are APART from each other: the larger first, or last if
    bit STAGE of their place is set."""
    n: tl.constexpr = x.shape[0]
    pairs: tl.constexpr = n // (2 * APART)
    pair = tl.reshape(x, (pairs, 2, APART))
    other = tl.sum(pair, 1, keep_dims=True) - pair  # exact, though the sum may wrap
    rising = ((tl.arange(0, pairs) * (2 * APART)) >> STAGE) & 1
    takes_larger = rising[:, None] == tl.arange(0, 2)[None, :]
    pair = tl.where((pair > other) == takes_larger[:, :, None], pair, other)
    return tl.reshape(pair, (n,))


@triton.jit
def merged(x, STAGE: tl.constexpr):
    """Sort runs of 2 to the power of STAGE, each of which rises and then falls, or the reverse. The results
    fall and rise in turn."""
    for step in tl.static_range(0, STAGE):
        x = exchanged(x, STAGE, 1 << (STAGE - 1 - step))
    return x


@triton.jit
def largest(x, K: tl.constexpr, SORTED: tl.constexpr):
    """Return the K largest of `x (n,) int64`, falling; K and n are powers of two. SORTED: runs of K already
    fall and rise in turn."""
    if not SORTED:
        for stage in tl.static_range(1, log2(K) + 1):
            x = merged(x, stage)
    for _ in tl.static_range(0, log2(x.shape[0] // K)):
        # of a falling and a rising run, the larger ones place by place are the K largest of both
        x = tl.max(tl.reshape(x, (x.shape[0] // (2 * K), 2, K)), 1)
        x = merged(tl.reshape(x, (x.shape[0] * K,)), log2(K))
    return x
