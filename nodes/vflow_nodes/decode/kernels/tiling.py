"""How the kernels cut their work into programs: one small table by shape, and a rule for what is not in it.

A step reads every weight once and does next to nothing with it, so that a good cut is one that keeps enough
bytes in flight: bandwidth times latency is some 2.5 MB on an H100. `benchmarks/kernels.py --sweep` prints
entries.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_ROWS = 32
PROGRAMS = 256
MAX_SPANS = 32


@dataclass(frozen=True, slots=True)
class Tile:
    """A matrix product's program: `block_n` rows of the weights (a power of two; of a gated product, half of
    them gates), read `block_k` columns at a time by `warps` warps. For one row of x only: with `norm_apart` a
    kernel before it normalises x. For several rows only: `splits` programs share one tile's columns; `stages`
    blocks are on their way at once."""

    block_n: int
    block_k: int
    warps: int = 4
    stages: int = 4
    splits: int = 1
    norm_apart: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Attention's program: `span` positions of one slot's key head, `block` of them at a time."""

    span: int
    block: int = 64
    warps: int = 4


Key = tuple[str, int, int, int, int]
"""`linear` or `gated`, rows of the weights, their columns, `bucket(b)`, bits of a weight."""

TILES: dict[Key, Tile] = {}
SPANS: dict[tuple[int, int], Span] = {}
"""By context and batch."""


def bucket(rows: int) -> int:
    """The rows that a program computes, of which `rows` are real: 1, 16 or 32."""
    return 1 if rows == 1 else 16 if rows <= 16 else MAX_ROWS


def power_of_two(size: int) -> int:
    """The least that is not below `size`."""
    return 1 << (size - 1).bit_length()


def tile(kind: str, n: int, k: int, rows: int, bits: int) -> Tile:
    """The cut of `x (rows, k)` times `w (n, k)`."""
    return TILES.get((kind, n, k, bucket(rows), bits)) or _rule(kind, n, k, rows, bits)


def _rule(kind: str, n: int, k: int, rows: int, bits: int) -> Tile:
    if rows == 1:
        block_k = min(1024, max(128, power_of_two(k)))
        # 64 bytes a thread and block, and at least four programs a multiprocessor
        return Tile(block_n=4 if bits > 8 or n < 8192 else 8, block_k=block_k)
    # fp32's product takes no tensor core, and its blocks twice the room
    block_k = min(64 if bits > 16 else 128, max(32, power_of_two(k)))
    block_n = 32 if n <= 8192 or bits > 16 else 64
    programs = -(-n // block_n)
    splits = 1
    while kind == "linear" and programs * splits < 192 and k // splits > 4 * block_k:
        splits *= 2
    return Tile(block_n, block_k, splits=splits)


def span(context: int, rows: int, kv_heads: int) -> Span:
    """The cut of attention over `context` positions by `rows` rows: about two programs a multiprocessor, and
    as few parts as that allows."""
    entry = SPANS.get((context, rows))
    if entry is not None:
        return entry
    parts = min(MAX_SPANS, max(1, power_of_two(PROGRAMS // (rows * kv_heads))))
    size = max(32, power_of_two(context) // parts)
    return Span(size, block=min(64 if rows == 1 else 32, size))
