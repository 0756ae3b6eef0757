"""A branching point with a name."""

from __future__ import annotations

from vflow import AnyCaps, In, Node, Out, Packet


class Tee(Node):
    """Passes on whatever comes to each node that is linked to it.

    Every output may be linked to several inputs, so a graph branches without one too; a tee is for graphs
    that read better with the branching point drawn. Packets are immutable: nothing is copied.
    """

    example = "both: {use: tee}"

    input = In(AnyCaps())
    out = Out(AnyCaps())

    def process(self, packet: Packet) -> Packet:
        return packet
