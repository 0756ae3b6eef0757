"""`ops_torch` on a CPU in float32, each matrix times few rows in the way that is fastest there.

Such a product is bound by memory, and a BLAS library may read it at half the speed in one way than in
another: MKL, on one core of an AMD EPYC, reads 12.6 GB/s for one row, 18.9 for two rows where the matrix
stands on the left of the product, and 6.7 where it stands on the right. So the ways are timed on the weights
at hand.
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
"""Rows of a batch for which ways are compared, at most: more of them are a product of matrices."""
GAIN = 0.95
"""The most of linear's time that a way may take to be used instead."""
LEAST, MOST = 1 << 20, 64 << 20
"""Bytes of a matrix, below which it is not worth it; and of the matrices that one timing reads, at most: more
than a processor's caches hold for one core."""


def matrix_on_the_left(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """`x (b, K)` times `w (N, K)` as w times x: `(b, N)`."""
    return (w @ x.T).T.contiguous()


def with_one_row_more(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """The same with a row of zeros below x's, so that a product of matrices is taken for one of a vector."""
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
        """Time the ways on these weights, for one to `rows` rows: a fraction of a second a row."""
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
        """See `ops_torch.linear`."""
        way = self._ways.get((len(x), *w.shape)) if isinstance(w, torch.Tensor) else None
        if way is None:
            return ops_torch.linear(x, w, bias=bias, norm=norm, eps=eps, residual=residual)
        y = way(x if norm is None else rms_norm(x, norm, eps), w)
        for more in (bias, residual):
            if more is not None:
                y = y.add_(more)
        return y

    def gated(self, x: torch.Tensor, w: Matrix, *, norm: torch.Tensor, eps: float) -> torch.Tensor:
        """See `ops_torch.gated`."""
        gate, up = self.linear(x, w, norm=norm, eps=eps).chunk(2, dim=-1)
        return F.silu(gate) * up


def _by_shape(weights: Weights) -> Iterable[list[torch.Tensor]]:
    """The matrices of a step, those of one shape together, of each shape MOST bytes, or one."""
    found: dict[torch.Size, list[torch.Tensor]] = {}
    for matrix in weights.matrices:
        if isinstance(matrix, torch.Tensor) and matrix.nbytes >= LEAST:
            same = found.setdefault(matrix.shape, [])
            if not same or sum(each.nbytes for each in same) + matrix.nbytes <= MOST:
                same.append(matrix)
    return found.values()


def _seconds(way: Way, x: torch.Tensor, matrices: list[torch.Tensor]) -> float:
    """How long a way takes for all matrices, at best."""
    best = float("inf")
    for _ in range(4):
        began = time.perf_counter()
        for matrix in matrices:
            way(x, matrix)
        best = min(best, time.perf_counter() - began)
    return best
