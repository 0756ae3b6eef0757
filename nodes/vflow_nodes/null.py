"""A sink for what nobody needs."""

from __future__ import annotations

from vflow import AnyCaps, In, Node, Packet


class Null(Node):
    """Takes whatever comes and forgets it at once; `packets` counts what came since `open`."""

    example = "nowhere: {use: 'null'}"

    input = In(AnyCaps(), several=True)

    packets = 0

    def open(self) -> None:
        self.packets = 0

    def process(self, packet: Packet) -> None:
        self.packets += 1
