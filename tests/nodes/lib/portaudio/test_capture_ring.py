"""Samples that were recorded and not taken yet: in order, bounded, and counted where it is lost."""

from __future__ import annotations

import numpy as np

from vflow_nodes.lib.portaudio.capture_ring import Ring


def test_a_ring_gives_blocks_in_order_and_says_that_they_continue() -> None:
    ring = Ring(4)
    assert ring.get() is None
    for k in range(3):
        ring.put(np.full(10, k, np.float32), 0, 0, False)
    taken = [(block.at, block.samples[0], continues) for block, continues in iter(ring.get, None)]
    assert taken == [(0, 0, True), (10, 1, True), (20, 2, True)]
    assert (ring.lost, ring.overflows) == (0, 0)


def test_a_full_ring_loses_its_oldest_blocks_and_counts_them() -> None:
    ring = Ring(4)
    for k in range(10):
        ring.put(np.full(10, k, np.float32), 0, 0, k == 9)
    taken = [(block.at, continues) for block, continues in iter(ring.get, None)]
    assert taken == [(60, False), (70, True), (80, True), (90, False)]
    assert (ring.lost, ring.overflows) == (60, 1)
