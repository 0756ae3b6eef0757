"""Nodes that take a fixed time under a manual clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.stand_ins import PATIENCE_S, Collect, graph
from vflow import MS, Event, ManualClock, Node, Packet, Pause, Pipeline, SpeechEnd, TextPacket
from vflow.bench.battery.charged import Charge, charged
from vflow.caps import Text
from vflow.ports import In, Out


class Source(Node):
    """Emits a packet, a pause, and the end of speech, at time 0."""

    out = Out(Text("word"))

    def produce(self) -> Iterator[Packet | Event | None]:
        yield TextPacket(text="a", turn=1)
        yield Pause(turn=1)
        yield SpeechEnd(turn=1)


class Worker(Node):
    """Answers a packet with two and an empty step, and the end of speech with one."""

    heavy = True
    text = In(Text("word"))
    out = Out(Text("word"))

    def process(self, packet: TextPacket) -> Iterator[TextPacket | None]:
        yield packet
        yield packet
        yield None

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, SpeechEnd):
            yield TextPacket(text="b", turn=1)


class Times(Collect):
    """Keeps the times at which all came, in ms."""

    def open(self) -> None:
        super().open()
        self.times: list[tuple[str, float]] = []

    def process(self, packet: TextPacket) -> None:
        self.times.append((packet.text, self.ctx.now_ns() / MS))

    def on_event(self, event: Event) -> None:
        self.times.append((event.name, self.ctx.now_ns() / MS))


def times(monkeypatch: pytest.MonkeyPatch, charge: Charge | None) -> list[tuple[str, float]]:
    monkeypatch.setattr("vflow.bench.battery.charged.CHARGES", {"worker": charge} if charge else {})
    made = graph(
        "nodes: {s: {use: t.source}, w: {use: t.worker}, c: {use: t.times}}\nlinks: [s -> w -> c]",
        source=Source, worker=Worker, times=Times,
    )  # fmt: skip
    nodes = {
        name: replace(node, resolved=node.resolved.removeprefix("t.")) for name, node in made.nodes.items()
    }
    pipeline = Pipeline(charged(replace(made, nodes=nodes)), clock=ManualClock())
    with pipeline:
        assert pipeline.wait(PATIENCE_S)
    collected = pipeline.nodes["c"]
    assert isinstance(collected, Times)
    return [entry for entry in collected.times if entry[0] != "eos"]


def test_work_takes_no_virtual_time_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {ms for _, ms in times(monkeypatch, None)} == {0}


def test_a_call_is_charged_before_its_first_emission_and_before_each(monkeypatch: pytest.MonkeyPatch) -> None:
    found = times(monkeypatch, Charge(first_ns=80 * MS, each_ns=10 * MS))
    assert found == [("a", 90), ("a", 100), ("pause", 100), ("b", 190), ("speech_end", 190)]


def test_a_pause_is_charged_before_it_has_an_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    found = times(monkeypatch, Charge(pause_ns=50 * MS))
    assert found == [("a", 0), ("a", 0), ("pause", 50), ("b", 50), ("speech_end", 50)]


def test_a_node_without_a_charge_keeps_its_class() -> None:
    made = graph(
        "nodes: {s: {use: t.source}, w: {use: t.worker}}\nlinks: [s -> w]", source=Source, worker=Worker
    )
    assert [node.cls for node in charged(made).nodes.values()] == [Source, Worker]
