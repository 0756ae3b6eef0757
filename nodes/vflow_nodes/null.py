"""A sink for packets that nobody needs."""

from __future__ import annotations

from vflow import AnyCaps, In, Node, Packet


class Null(Node):
    """Take each packet and forget it; `packets` counts them since `open`."""

    example = "nowhere: {use: 'null'}"

    input = In(AnyCaps(), several=True)

    packets = 0

    def open(self) -> None:
        self.packets = 0

    def process(self, packet: Packet) -> None:
        self.packets += 1
