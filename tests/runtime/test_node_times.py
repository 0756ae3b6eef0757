"""Nodes that share a thread are timed one by one, and do what they do without it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Words
from vflow import In, Node, Out, Pipeline, Text, TextPacket
from vflow.graph.loader import load_text
from vflow.runtime.node_times import counts_of, timed

FUSED = """
nodes:
  words: {use: t.words}
  first: {use: t.first}
  then:  {use: t.then}
  sink:  {use: t.collect}
links: [words -> first -> then -> sink]
"""
SLOW_S = 0.003


class Light(Node):
    text = In(Text("word"))
    out = Out(Text("word"))

    def process(self, packet: TextPacket) -> Any:
        return packet.replace(text=packet.text.upper())


class Busy(Light):
    def process(self, packet: TextPacket) -> Any:
        time.sleep(SLOW_S)
        return packet


class Steps(Light):
    def process(self, packet: TextPacket) -> Iterator[TextPacket]:
        yield packet
        time.sleep(SLOW_S)
        yield packet.replace(text="again")


class Fails(Light):
    def process(self, packet: TextPacket) -> Any:
        raise ValueError("no")


def run(first: type[Node], then: type[Node], is_timed: bool, text: str = FUSED) -> tuple[Pipeline, list[str]]:
    nodes: dict[str, Any] = {"t.words": Words, "t.first": first, "t.then": then, "t.collect": Collect}
    graph = load_text(text, nodes=nodes)
    with Pipeline(timed(graph) if is_timed else graph) as pipeline:
        assert pipeline.wait(PATIENCE_S)
    sink: Any = pipeline.nodes["sink"]
    return pipeline, [packet.text for packet in sink.got]


@pytest.mark.parametrize("first", [Light, Steps, Busy])
@pytest.mark.parametrize("then", [Light, Steps])
def test_timed_nodes_behave_as_untimed_ones(first: type[Node], then: type[Node]) -> None:
    assert run(first, then, True)[1] == run(first, then, False)[1] != []


@pytest.mark.parametrize("slow", [Busy, Steps])
def test_of_two_in_one_thread_the_slow_one_is_told(slow: type[Node]) -> None:
    pipeline, _ = run(slow, Light, True)
    counts = counts_of(pipeline.graph)
    stats = {name: each.stats() for name, each in counts.items()}
    assert stats.keys() == {"first", "then"}
    assert stats["first"].calls == 10
    assert stats["first"].p50_ms >= 0.8 * SLOW_S * 1_000
    assert stats["then"].busy < stats["first"].busy


def test_a_call_that_raises_counts() -> None:
    pipeline, _ = run(Fails, Light, True, FUSED.replace("{use: t.first}", "{use: t.first, on_error: skip}"))
    assert counts_of(pipeline.graph)["first"].calls > 0


def test_nodes_alone_in_their_threads_and_untimed_graphs_are_left_as_they_are() -> None:
    untimed, _ = run(Light, Light, False)
    assert counts_of(untimed.graph) == {}
    lone, _ = run(Busy, Busy, True)
    for names in lone.graph.segments():
        if len(names) == 1:
            assert names[0] not in counts_of(lone.graph)
