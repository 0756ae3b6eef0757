"""null: whatever comes goes nowhere, and is counted."""

from __future__ import annotations

import numpy as np

from vflow import AudioPacket, Harness, Packet, TextPacket
from vflow_nodes.null import Null


def test_null_counts_what_it_forgets() -> None:
    node = Null()
    with Harness(node) as harness:
        for packet in (
            AudioPacket(data=np.zeros(160, np.float32), rate=16000),
            TextPacket(text="a"),
            Packet(),
        ):
            assert harness.push(packet) == []
        assert harness.eos() == []
        assert node.packets == 3
        node.open()
        assert node.packets == 0


def test_null_has_no_effect() -> None:
    assert not Null.effect
