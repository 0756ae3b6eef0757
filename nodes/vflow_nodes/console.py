"""Print text on standard output."""

from __future__ import annotations

from vflow import AnyCaps, Eos, Event, In, Node, Packet, TextPacket, print_line, prop


class Console(Node):
    r"""Print each text packet on a line of its own, and ignore audio.

    Control characters are shown as `\x1b` and ends of lines as `\n`, also in a pipe, so that one line is one
    packet. Characters that the stream's encoding lacks become `?`. If the reader goes away, the run goes on.
    """

    effect = True
    example = "shown: {use: console, prefix: 'agent: '}"

    prefix: str = prop("", doc="put before each line")
    events: bool = prop(False, doc="print a line for each event too")
    input = In(AnyCaps())

    _gone = False

    def process(self, packet: Packet) -> None:
        if isinstance(packet, TextPacket):
            self._print(packet.text)

    def on_event(self, event: Event) -> None:
        if self.events:
            turn = f" turn={event.turn}" if event.turn and not isinstance(event, Eos) else ""
            self._print(f"[{event.name}{turn}]")

    def _print(self, text: str) -> None:
        if self._gone or print_line(self.prefix + text):
            return
        self._gone = True
        self.ctx.warn("standard output has gone: nothing more is printed")
