"""identity: whatever comes goes on, and is never copied."""

from __future__ import annotations

import numpy as np

from vflow import AudioPacket, Harness, Packet, SpeechEnd, TextPacket
from vflow_nodes.identity import Identity


def test_every_packet_and_event_passes_uncopied() -> None:
    packets = [
        AudioPacket(data=np.zeros(160, np.float32), rate=16000),
        TextPacket(text="hello"),
        Packet(turn=4),
    ]
    event = SpeechEnd(turn=1)
    with Harness(Identity()) as harness:
        for packet in packets:
            harness.push(packet)
        harness.event(event)
        out = harness.pull()
    assert len(out) == 4
    assert all(a is b for a, b in zip(out, [*packets, event], strict=True))


def test_it_does_not_reach_the_world() -> None:
    assert not Identity.effect
