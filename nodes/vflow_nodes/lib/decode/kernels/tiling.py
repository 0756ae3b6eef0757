"""Cut the kernels' work into programs: by a small table of shapes, and a rule for all others.

A step reads every weight once and does next to nothing with it. So a good cut keeps enough bytes in flight:
bandwidth times latency is some 2.5 MB on an H100. `benchmarks/kernels.py --part sweep` prints entries.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_ROWS = 32
SMS = 132
"""Multiprocessors of an H100 and an H200, for which the rules below are made."""
MAX_SPANS = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """A matrix product's program: `block_n` rows of the weights (a power of two; half of them gates in a
    gated product), read `block_k` columns at a time by `warps` warps.

    For one row of x only: `by_adding` turns 8 bits into a float by arithmetic alone. For several rows only:
    `splits` programs share one tile's columns; `stages` blocks are on their way at once.
    """

    block_n: int
    block_k: int
    warps: int = 4
    stages: int = 4
    splits: int = 1
    by_adding: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Attention's program: `span` positions of one slot's key head, `block` of them at a time, of which
    `stages` - 1 are on their way. Warps share a block's positions and wait for one another; a single warp
    never waits."""

    span: int
    block: int = 64
    warps: int = 4
    stages: int = 3


Key = tuple[str, int, int, int, int]
"""`linear` or `gated`; rows and columns of the weights; `bucket(b)`; bits of a weight."""

TILES: dict[Key, Tile] = {
    # Voxtral Mini 3B's shapes, swept on an H200
    ("linear", 6144, 3072, 1, 16): Tile(block_n=8, block_k=512, warps=2),
    ("linear", 3072, 4096, 1, 16): Tile(block_n=2, block_k=2048, warps=8),
    ("gated", 16384, 3072, 1, 16): Tile(block_n=4, block_k=512, warps=2),
    ("linear", 3072, 8192, 1, 16): Tile(block_n=2, block_k=1024, warps=4),
    ("linear", 131072, 3072, 1, 16): Tile(block_n=4, block_k=1024, warps=4),
    ("linear", 6144, 3072, 1, 8): Tile(block_n=4, block_k=512, warps=2, by_adding=True),
    ("linear", 3072, 4096, 1, 8): Tile(block_n=2, block_k=1024, warps=4, by_adding=True),
    ("gated", 16384, 3072, 1, 8): Tile(block_n=4, block_k=512, warps=2, by_adding=True),
    ("linear", 3072, 8192, 1, 8): Tile(block_n=8, block_k=2048, warps=4, by_adding=True),
    ("linear", 131072, 3072, 1, 8): Tile(block_n=4, block_k=512, warps=2, by_adding=True),
}
SPANS: dict[tuple[int, int], Span] = {
    (1024, 1): Span(span=64, block=64, stages=2),
    (8192, 1): Span(span=128, block=32, warps=1),
    (1024, 8): Span(span=128, block=32, warps=1),
    (1024, 32): Span(span=1024, block=32, warps=1, stages=4),
}
"""By context and batch, for 8 key heads of 128."""


def bucket(rows: int) -> int:
    """Return how many rows a program computes, of which `rows` are real: 1, 16 or 32."""
    return 1 if rows == 1 else 16 if rows <= 16 else MAX_ROWS


def power_of_two(size: int) -> int:
    """Return the smallest power of two that is not below `size`."""
    return 1 << (size - 1).bit_length()


def tile(kind: str, n: int, k: int, rows: int, bits: int) -> Tile:
    """Return the cut of `x (rows, k)` times `w (n, k)`."""
    return TILES.get((kind, n, k, bucket(rows), bits)) or (
        _one(n, k, bits) if rows == 1 else _several(kind, n, k)
    )


def _one(n: int, k: int, bits: int) -> Tile:
    """Return a cut for one row: many small programs, which measured faster than a single wave of large ones.
    A warp reads 256 columns at once, so that x's values are where they are multiplied."""
    block_n = 8 if bits == 8 and n >= 8192 else 4
    while block_n > 2 and n // block_n < 2.9 * SMS:
        block_n //= 2
    warps = 2 if bits > 8 and n >= 6144 else 4
    block_k = 256 * warps
    while block_k > 128 and block_k >= 2 * k:
        block_k //= 2
    return Tile(block_n, block_k, max(1, min(warps, block_k // 256)))


def _several(kind: str, n: int, k: int) -> Tile:
    """Return the cut for 8-bit weights; cuBLAS does the others."""
    block_k = min(128, max(32, power_of_two(k)))
    splits = 1
    while kind == "linear" and -(-n // 32) * splits < 2.9 * SMS and k // splits > 4 * block_k:
        splits *= 2
    return Tile(32, block_k, splits=splits)


def span(context: int, rows: int, kv_heads: int) -> Span:
    """Return the cut of attention over `context` positions by `rows` rows: programs of one warp, six of which
    work on each multiprocessor. If these would be few, programs of four warps that take a single block."""
    entry = SPANS.get((context, rows))
    if entry is not None:
        return entry
    parts = min(MAX_SPANS, power_of_two(max(1, 6 * SMS // (rows * kv_heads))))
    # rows differ in length: with long spans few programs would be at work at the end
    size = min(1024, max(64, power_of_two(context) // parts))
    if size == 64 and context // size * rows * kv_heads <= 2 * SMS:
        return Span(size, block=size)
    return Span(size, block=32, warps=1)
