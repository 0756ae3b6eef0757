"""identity, tee and null: whatever comes goes on, or nowhere, and is never copied."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import AudioPacket, Harness, Node, Packet, SpeechEnd, TextPacket
from vflow_nodes.identity import Identity
from vflow_nodes.null import Null
from vflow_nodes.tee import Tee

PACKETS = [
    AudioPacket(data=np.zeros(160, np.float32), rate=16000),
    TextPacket(text="hello", index=2),
    Packet(turn=4),
]


@pytest.mark.parametrize("cls", [Identity, Tee])
def test_every_packet_and_event_passes_uncopied(cls: type[Node]):
    event = SpeechEnd(turn=1)
    with Harness(cls()) as harness:
        for packet in PACKETS:
            harness.push(packet)
        harness.event(event)
        out = harness.pull()
    assert len(out) == 4
    assert all(a is b for a, b in zip(out, [*PACKETS, event], strict=True))


def test_null_counts_what_it_forgets():
    node = Null()
    with Harness(node) as harness:
        for packet in PACKETS:
            assert harness.push(packet) == []
        assert harness.eos() == []
        assert node.packets == 3
        node.open()
        assert node.packets == 0


def test_none_of_them_reaches_the_world():
    assert not any(cls.effect for cls in (Identity, Tee, Null))
