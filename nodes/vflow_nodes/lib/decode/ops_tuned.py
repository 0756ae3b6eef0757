"""`ops_torch` on a CPU in float32, with each matrix multiplied by few rows in the fastest way there.

Memory bounds such a product, and a BLAS library may read it at half the speed in one way than in another. MKL
on one core of an AMD EPYC reads 12.6 GB/s for one row; for two rows it reads 18.9 GB/s with the matrix on the
left of the product, and 6.7 with it on the right. So the ways are timed on the weights at hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F

from vflow_nodes.lib.decode import ops_torch
from vflow_nodes.lib.decode.ops_torch import attend, attend_chunk, rms_norm, rope_attend, rope_write
from vflow_nodes.lib.decode.weights import Matrix, Weights

Way = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
ROWS = 8
"""Most rows of a batch for which ways are compared: more rows are a product of two matrices."""
GAIN = 0.95
"""A way is used instead of linear if it takes at most this share of its time."""
LEAST, MOST = 1 << 20, 64 << 20
"""Bytes: smallest matrix worth the timing, and most that one timing reads, which is more than a processor's
caches hold for one core."""


def matrix_on_the_left(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Return `x (b, K)` times `w (N, K)`, computed as w times x: `(b, N)`."""
    return (w @ x.T).T.contiguous()


def with_one_row_more(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Do the same with a row of zeros below x's: BLAS then takes a product of matrices, not of a vector."""
    return (w @ F.pad(x, (0, 0, 0, 1)).T)[:, : len(x)].T.contiguous()


class TunedOps:
    """The functions of a forward pass. One thread. Before `tune` they are those of `ops_torch`."""

    rope_write = staticmethod(rope_write)
    rope_attend = staticmethod(rope_attend)
    attend = staticmethod(attend)
    attend_chunk = staticmethod(attend_chunk)

    def __init__(self) -> None:
        self._ways: dict[tuple[int, int, int], Way] = {}  # by rows and the matrix's shape

    def tune(self, weights: Weights, rows: int) -> None:
        """Time the ways on these weights, for one to `rows` rows; a fraction of a second per row."""
        for matrices in _by_shape(weights):
            for b in range(1, min(rows, ROWS) + 1):
                x = torch.randn(b, matrices[0].shape[1])
                ways: list[Way] = [F.linear, matrix_on_the_left, *([with_one_row_more] if b == 1 else [])]
                taken = {way: _seconds(way, x, matrices) for way in ways}
                best = min(taken, key=lambda way: taken[way])
                if taken[best] < GAIN * taken[F.linear]:
                    self._ways[b, *matrices[0].shape] = best

    def linear(
        self,
        x: torch.Tensor,
        w: Matrix,
        *,
        bias: torch.Tensor | None = None,
        norm: torch.Tensor | None = None,
        eps: float = 0.0,
        residual: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Do what `ops_torch.linear` does."""
        way = self._ways.get((len(x), *w.shape)) if isinstance(w, torch.Tensor) else None
        if way is None:
            return ops_torch.linear(x, w, bias=bias, norm=norm, eps=eps, residual=residual)
        y = way(x if norm is None else rms_norm(x, norm, eps), w)
        for more in (bias, residual):
            if more is not None:
                y = y.add_(more)
        return y

    def gated(self, x: torch.Tensor, w: Matrix, *, norm: torch.Tensor, eps: float) -> torch.Tensor:
        """Do what `ops_torch.gated` does."""
        gate, up = self.linear(x, w, norm=norm, eps=eps).chunk(2, dim=-1)
        return F.silu(gate) * up


def _by_shape(weights: Weights) -> Iterable[list[torch.Tensor]]:
    """Return the matrices of a step by shape: of each shape as many as fit into MOST bytes, at least one."""
    found: dict[torch.Size, list[torch.Tensor]] = {}
    for matrix in weights.matrices:
        if isinstance(matrix, torch.Tensor) and matrix.nbytes >= LEAST:
            same = found.setdefault(matrix.shape, [])
            if not same or sum(each.nbytes for each in same) + matrix.nbytes <= MOST:
                same.append(matrix)
    return found.values()


def _seconds(way: Way, x: torch.Tensor, matrices: list[torch.Tensor]) -> float:
    """Return the shortest time of a way for all matrices."""
    best = float("inf")
    for _ in range(4):
        began = time.perf_counter()
        for matrix in matrices:
            way(x, matrix)
        best = min(best, time.perf_counter() - began)
    return best
