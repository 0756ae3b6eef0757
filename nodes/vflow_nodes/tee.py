"""A branching point with a name."""

from __future__ import annotations

from vflow import AnyCaps, In, Node, Out, Packet


class Tee(Node):
    """Pass on each packet to every node that is linked to it.

    Any output may be linked to several inputs, so a graph can branch without a tee. Use one where the graph
    reads better with its branching point drawn. Nothing is copied: packets are immutable.
    """

    example = "both: {use: tee}"

    input = In(AnyCaps())
    out = Out(AnyCaps())

    def process(self, packet: Packet) -> Packet:
        return packet
