"""Keep the samples that a device recorded until the node takes them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vflow import Samples


@dataclass(frozen=True, slots=True)
class Block:
    """The samples of one callback. `at` frames were recorded before it; its last frame ends at `end_ns`; a
    frame of the device's clock took `period_ns`; if `overflowed`, the device lost frames before it."""

    at: int
    samples: Samples
    end_ns: float
    period_ns: float
    overflowed: bool


class Ring:
    """The newest blocks of a microphone. The callback calls `put`, without a lock; the node calls `get`."""

    def __init__(self, blocks: int) -> None:
        self._blocks: deque[Block] = deque(maxlen=blocks)
        self._recorded = 0  # written by the callback
        self._taken = 0  # written by the node, as all below
        self.lost = 0
        """Frames that were overwritten before they were taken."""
        self.overflows = 0
        """How often the device itself reported lost frames; it does not tell how many."""

    def put(self, samples: Samples, end_ns: float, period_ns: float, overflowed: bool) -> None:
        # no lock: a full deque drops its oldest block by itself, and `get` notices the gap in `at`
        self._blocks.append(Block(self._recorded, samples, end_ns, period_ns, overflowed))
        self._recorded += len(samples)

    def get(self) -> tuple[Block, bool] | None:
        """Take the oldest block. Return it and whether it continues the one before; None if there is none."""
        if not self._blocks:
            return None
        block = self._blocks.popleft()
        lost = block.at - self._taken
        self.lost += lost
        self.overflows += block.overflowed
        self._taken = block.at + len(block.samples)
        return block, not lost and not block.overflowed
