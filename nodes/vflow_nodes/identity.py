"""A node that does nothing."""

from __future__ import annotations

from vflow import AnyCaps, In, Node, Out, Packet


class Identity(Node):
    """Pass on each packet as it is: a place for a queue, a name or a measurement."""

    example = "here: {use: identity}"

    input = In(AnyCaps())
    out = Out(AnyCaps())

    def process(self, packet: Packet) -> Packet:
        return packet
