"""Send a packet of each kind and an event through a node that passes all of them on."""

from __future__ import annotations

import numpy as np

from vflow import AudioPacket, Event, Harness, Node, Packet, SpeechEnd, TextPacket


def through(node: Node) -> tuple[list[Packet | Event], list[Packet | Event]]:
    """Give a node one item of each kind; return the items that went in, and those that came out."""
    packets = [
        AudioPacket(data=np.zeros(160, np.float32), rate=16000),
        TextPacket(text="hello"),
        Packet(turn=4),
    ]
    event = SpeechEnd(turn=1)
    with Harness(node) as harness:
        for packet in packets:
            harness.push(packet)
        harness.event(event)
        return [*packets, event], harness.pull()
