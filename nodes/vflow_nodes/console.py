"""Text on standard output."""

from __future__ import annotations

from vflow import AnyCaps, Eos, Event, In, Node, Packet, TextPacket, prop


class Console(Node):
    """Prints each text packet on a line of its own; audio passes in silence."""

    effect = True
    example = "shown: {use: console, prefix: 'agent: '}"

    prefix: str = prop("", doc="stands in front of each line")
    events: bool = prop(False, doc="print a line for each event too")
    input = In(AnyCaps())

    def process(self, packet: Packet) -> None:
        if isinstance(packet, TextPacket):
            self._print(packet.text)

    def on_event(self, event: Event) -> None:
        if self.events:
            turn = f" turn={event.turn}" if event.turn and not isinstance(event, Eos) else ""
            self._print(f"[{event.name}{turn}]")

    def _print(self, text: str) -> None:
        # flushed: whoever reads a pipe wants the word when it is said
        print(self.prefix + text, flush=True)
