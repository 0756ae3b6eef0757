"""A node that does nothing."""

from __future__ import annotations

from vflow import AnyCaps, In, Node, Out, Packet


class Identity(Node):
    """Passes on whatever comes: a place for a queue, for a name, or for a measurement."""

    example = "here: {use: identity}"

    input = In(AnyCaps())
    out = Out(AnyCaps())

    def process(self, packet: Packet) -> Packet:
        return packet
