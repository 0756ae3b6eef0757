from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Gate, Pass, graph, run, word
from vflow import AnyCaps, In, Node, NodeError, Out, Packet, Pipeline, Text, TextPacket

CHAIN = """
nodes:
  words: {use: t.words, count: 4}
  a: {use: t.note}
  b: {use: t.odd%s}
  c: {use: t.note}
  end: {use: t.collect}
links:
  - words -> a -> b -> c -> end
"""


class Note(Pass):
    """Emits a new packet for each that comes, and notes those that came in `seen`."""

    def open(self) -> None:
        self.seen: list[TextPacket] = []

    def process(self, packet: TextPacket) -> Any:
        self.seen.append(packet)
        return packet.replace(text=packet.text + "'")


def odd(answer: Callable[[TextPacket], Any]) -> type[Node]:
    """Make a node that returns `answer(packet)` for the packet with index 1, and passes on the others."""

    class Odd(Pass):
        def process(self, packet: TextPacket) -> Any:
            return answer(packet) if packet.index == 1 else packet

    return Odd


def fail(packet: TextPacket) -> Any:
    raise ValueError("no such word")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda packet: packet, ["0''", "1''", "2''", "3''"]),
        (lambda packet: packet.replace(text="new"), ["0''", "new'", "2''", "3''"]),
        (lambda packet: None, ["0''", "2''", "3''"]),
        (lambda packet: [packet, packet], ["0''", "1''", "1''", "2''", "3''"]),
        (lambda packet: iter([packet, None]), ["0''", "1''", "2''", "3''"]),
    ],
    ids=["it", "another", "nothing", "several", "steps"],
)
def test_emissions_of_a_node_in_the_middle_go_on_in_order(answer: Any, expected: list[str]) -> None:
    running = run(CHAIN % "", note=Note, odd=odd(answer))
    assert len(running._wiring.segments["a"].runners) == 4
    assert [packet.text for packet in running.nodes["end"].got] == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "said"),
    [(fail, "no such word"), (lambda packet: Packet(), "emitted Packet, but b.out carries")],
)
def test_error_in_the_middle_is_attributed_to_its_node_and_the_chain_goes_on(answer: Any, said: str) -> None:
    with pytest.raises(NodeError, match=said) as raised:
        run(CHAIN % "", note=Note, odd=odd(answer))
    assert raised.value.node == "b"
    running = run(CHAIN % ", on_error: skip", note=Note, odd=odd(answer))
    assert [packet.index for packet in running.nodes["c"].seen] == [0, 2, 3]  # type: ignore[attr-defined]


class Takes(Node):
    """Takes anything, says that it emits text, and passes on what came."""

    input = In(AnyCaps())
    out = Out(Text("word"))

    def process(self, packet: Packet) -> Packet:
        return packet


class Bare(Node):
    """Emits one packet that is neither audio nor text."""

    out = Out(AnyCaps())

    def produce(self) -> Iterator[Packet]:
        yield Packet()


def test_packet_passed_on_unchanged_is_refused_at_an_output_of_another_class() -> None:
    text = "nodes: {bare: {use: t.bare}, a: {use: t.takes}, b: {use: t.pass}}\nlinks: [bare -> a -> b]\n"
    with pytest.raises(NodeError, match=r"emitted Packet, but a\.out carries"):
        run(text, bare=Bare, takes=Takes)


def turns(turn: int) -> type[Node]:
    """Make a source of four words of one turn."""

    class Turns(Node):
        out = Out(Text("word"))

        def produce(self) -> Iterator[Packet]:
            for index in range(4):
                yield word(index, turn=turn)

    return Turns


class Held(Collect):
    """Blocks with its first word until the gate opens."""

    def open(self) -> None:
        super().open()
        self.gate = Gate()

    def process(self, packet: TextPacket) -> None:
        super().process(packet)
        if packet.index == 0:
            self.gate.pass_through()


class Waits(Note):
    """Blocks for ever if the third word comes first."""

    def open(self) -> None:
        super().open()
        self.gate = Gate()

    def process(self, packet: TextPacket) -> Any:
        made = super().process(packet)
        if len(self.seen) == 3:
            self.gate.pass_through()
            self.ctx.wait_until()
        return made


class Third(Note):
    """Waits at a gate when the third word has come."""

    def open(self) -> None:
        super().open()
        self.gate = Gate()

    def process(self, packet: TextPacket) -> Any:
        made = super().process(packet)
        if len(self.seen) == 3:
            self.gate.pass_through()
        return made


REFUSED = """
nodes:
  turns: {use: t.turns}
  a: {use: t.note}
  b: {use: t.third}
  c: {use: t.note}
  end: {use: t.held}
links:
  - turns -> a -> b -> c
  - {from: c, to: end, queue: {packets: 4}}
"""


@pytest.mark.parametrize(("turn", "again", "played"), [(1, ["2''"] * 2, [0, 2, 3]), (0, ["2''"], [0, 3])])
def test_refused_packet_of_a_newer_turn_is_pushed_again_from_the_flushs_origin(
    turn: int, again: list[str], played: list[int]
) -> None:
    with Pipeline(graph(REFUSED, turns=turns(turn), note=Note, third=Third, held=Held)) as running:
        a, b, c, end = (running.nodes[name] for name in ("a", "b", "c", "end"))
        assert isinstance(a, Note)
        assert isinstance(b, Third)
        assert isinstance(c, Note)
        assert isinstance(end, Held)
        end.gate.wait_reached()
        b.gate.wait_reached()
        running.flush(turn=0, origins=["b"])
        b.gate.open()
        end.gate.open()
        assert running.wait(PATIENCE_S)
        assert [packet.index for packet in a.seen] == [packet.index for packet in b.seen] == [0, 1, 2, 3]
        assert [packet.text for packet in c.seen] == ["0''", "1''", *again, "3''"]
        assert end.indices == played


def test_a_flush_ends_the_wait_of_a_node_in_the_middle_and_a_newer_packet_comes_again() -> None:
    text = REFUSED.replace("b: {use: t.third}", "b: {use: t.note}").replace(
        "c: {use: t.note}", "c: {use: t.waits}"
    )
    with Pipeline(graph(text, turns=turns(1), note=Note, waits=Waits, held=Held)) as running:
        b, c, end = (running.nodes[name] for name in ("b", "c", "end"))
        assert isinstance(b, Note)
        assert isinstance(c, Waits)
        assert isinstance(end, Held)
        c.gate.wait_reached()
        running.flush(turn=0, origins=["b"])
        c.gate.open()
        end.gate.open()
        assert running.wait(PATIENCE_S)
        assert [packet.index for packet in b.seen] == [0, 1, 2, 3]
        assert [packet.text for packet in c.seen] == ["0''", "1''", "2''", "2''", "3''"]
