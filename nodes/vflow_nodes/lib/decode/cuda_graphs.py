"""Record work as CUDA graphs: the same kernels on the same memory, launched by one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(slots=True)
class Part:
    """A captured part of a prompt. Before a replay, write `numbers (2 n + 1,)` int64 (n times the slot, n
    positions, and the last row that counts) and `x (n, hidden)`. It leaves `logits (1, vocabulary)`."""

    numbers: torch.Tensor
    x: torch.Tensor
    logits: torch.Tensor
    replay: Callable[[], None]


@dataclass(slots=True)
class Step:
    """A captured step. It reads the slots from `rows`, which now holds `slots`, and leaves `tokens`."""

    rows: torch.Tensor
    tokens: torch.Tensor
    replay: Callable[[], None]
    slots: list[int]


class Recorder:
    """Records work. All graphs share one pool of memory, since they run one after the other.

    A graph also remembers cuBLAS's workspace. Torch keeps one workspace per stream, for whoever asks first,
    and frees it when other code that records graphs tells it to (torch.compile's `reduce-overhead`). A graph
    would then write into memory that belongs to others, or to nobody. So each recording takes a workspace of
    its own, from its own pool, which lives as long as its graphs.
    """

    def __init__(self) -> None:
        self._pool: Any = None
        self.count = 0

    def record(self, work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, Callable[[], None]]:
        """Run `work` twice, then record it. Return its result, and a function that runs it again into the
        same memory.

        Source: PyTorch's notes on CUDA graphs.
        """
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):  # libraries initialise themselves at their first calls
                work()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        _give_back_workspaces()
        try:
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                made = work()
        finally:
            _give_back_workspaces()
        self._pool = self._pool or graph.pool()
        self.count += 1
        return made, graph.replay


def _give_back_workspaces() -> None:
    """Let torch take new workspaces for cuBLAS when it next needs them.

    Source: torch/_inductor/cudagraph_trees.py, `clear_cublas_manager`.
    """
    clear = getattr(torch._C, "_cuda_clearCublasWorkspaces", None)
    if clear is not None:
        clear()
