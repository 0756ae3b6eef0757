"""The samples that a device recorded and nobody took yet."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vflow import Samples


@dataclass(frozen=True, slots=True)
class Block:
    """The samples of one callback: `at` frames were recorded before it, its last one ends at `end_ns`, the
    device's clock ran at `period_ns` a frame, and lost some before it where `overflowed`."""

    at: int
    samples: Samples
    end_ns: float
    period_ns: float
    overflowed: bool


class Ring:
    """The newest blocks of a microphone. `put` is the callback's and takes no lock; `get` is the node's."""

    def __init__(self, blocks: int) -> None:
        self._blocks: deque[Block] = deque(maxlen=blocks)
        self._recorded = 0  # the callback's
        self._taken = 0  # the node's, as all below
        self.lost = 0
        """Frames that were overwritten before they were taken."""
        self.overflows = 0
        """How often the device itself says that it lost frames; it does not say how many."""

    def put(self, samples: Samples, end_ns: float, period_ns: float, overflowed: bool) -> None:
        self._blocks.append(Block(self._recorded, samples, end_ns, period_ns, overflowed))
        self._recorded += len(samples)

    def get(self) -> tuple[Block, bool] | None:
        """The oldest block, and whether it continues the one before; None where there is none."""
        if not self._blocks:
            return None
        block = self._blocks.popleft()
        lost = block.at - self._taken
        self.lost += lost
        self.overflows += block.overflowed
        self._taken = block.at + len(block.samples)
        return block, not lost and not block.overflowed
