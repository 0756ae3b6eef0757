"""Sample in two Triton kernels: the choices of `sampling.Sampler` without its fifty launches.

They run on a CUDA device, or on the CPU in Triton's interpreter (`TRITON_INTERPRET=1` before the first call),
which is slow and for tests. Importing this module needs no triton; drawing does. Draw once before a graph is
captured, since that compiles the kernels.
"""

from __future__ import annotations

import torch

from vflow_nodes.lib.decode.kernels import tiling
from vflow_nodes.lib.decode.kernels.deferred import kernels
from vflow_nodes.lib.decode.sampling import CANDIDATES, Sampler, SamplingState

BLOCK = 1024
"""Tokens of a program's block: with a vocabulary of 131,072, each of a GPU's processors has a program."""
LISTS = 128
"""Most blocks, since one program holds the best of all of them; a larger vocabulary has larger blocks."""


class TritonSampler(Sampler):
    """Draws as `Sampler` does, unless two tokens are equally likely up to float32's rounding."""

    def draw(
        self, logits: torch.Tensor, state: SamplingState, rows: torch.Tensor, greedy: bool
    ) -> torch.Tensor:
        choosing = kernels().choosing
        if logits.stride(1) != 1:
            raise ValueError("decode kernels: each row of the logits must be contiguous; call .contiguous()")
        b, vocabulary = logits.shape
        kept = 1 if greedy else CANDIDATES
        size = block_of(vocabulary)
        blocks = -(-vocabulary // size)
        best = torch.empty(b, blocks, kept, dtype=torch.int64, device=logits.device)
        chosen = torch.empty(b, dtype=torch.int64, device=logits.device)
        choosing.best_of_block[(blocks, b)](
            best, logits, rows, state.history, state.count, state.words, state.real, state.whole, self._ends,
            vocabulary, logits.stride(0), BLOCK=size, KEPT=kept, ENDS=len(self._ends),
            num_warps=4 if greedy or size < BLOCK else 8,
        )  # fmt: skip
        choosing.choose[(b,)](
            chosen, best, rows, state.tokens, state.history, state.count, state.words, state.gap, state.real,
            state.whole, self._opens, self._joins, self._gaps, vocabulary, blocks,
            KEPT=kept, LISTS=tiling.power_of_two(blocks), num_warps=4 if greedy or blocks < 64 else 8,
        )  # fmt: skip
        return chosen


def block_of(vocabulary: int) -> int:
    """Return the number of tokens in a block: a power of two, at least CANDIDATES."""
    fits = tiling.power_of_two(vocabulary)
    return max(CANDIDATES, min(BLOCK, fits), tiling.power_of_two(-(-vocabulary // LISTS)))
