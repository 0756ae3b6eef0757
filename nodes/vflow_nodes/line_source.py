"""Read lines from standard input, typed or out of a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from vflow import LineReader, Node, Out, Text, TextPacket, prop


class LineSource(Node):
    """Hand in each line of standard input as a turn that the user typed; skip empty lines.

    At a terminal a line interrupts the reply. Lines out of a pipe are answered one after the other.
    """

    sparse = True
    example = "typed: {use: line_source}"

    interrupts: Literal["auto", "yes", "no"] = prop(
        "auto", doc="whether a line interrupts the reply before it; auto: only at a terminal"
    )
    text = Out(Text("final"), doc="what the user typed", bus=True)

    _reader: LineReader | None = None

    def open(self) -> None:
        self._reader = LineReader(self.ctx.notify, self.ctx.warn, self.ctx.name)

    def close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def produce(self) -> Iterator[TextPacket]:
        reader = self._reader
        assert reader is not None
        cuts = self.interrupts == "yes" or (self.interrupts == "auto" and reader.at_terminal)
        while True:
            over = reader.over
            if (line := reader.take()) is not None:
                turn = self.ctx.new_turn()
                if cuts:
                    self.ctx.interrupt(turn - 1)
                yield TextPacket(text=line, turn=turn, pts_ns=self.ctx.now_ns())
            elif over:
                return
            else:
                self.ctx.wait_until()
