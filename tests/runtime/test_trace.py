"""A trace is of the format, says who worked on what when, and leaves what nodes do as it was."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Heavy, Words
from vflow import Eos, Event, Pipeline, SpeechEnd, TextPacket
from vflow.graph.loader import load_text
from vflow.runtime.trace import Trace

CHAIN = """
nodes:
  words: {use: t.words}
  node:  {use: t.node}
  sink:  {use: t.collect}
links: [words -> node -> sink]
"""


class Plain(Heavy):
    def process(self, packet: TextPacket) -> Any:
        return packet.replace(text=packet.text.upper())


class Steps(Heavy):
    """Yields two packets and an event for each, and says where it was closed."""

    def process(self, packet: TextPacket) -> Iterator[TextPacket | Event]:
        yield packet
        yield SpeechEnd(turn=7, pts_ns=packet.pts_ns)
        yield packet.replace(text="again")

    def on_event(self, event: Event) -> None:
        assert isinstance(event, Eos)


class Several(Heavy):
    def process(self, packet: TextPacket) -> list[TextPacket]:
        return [packet, packet.replace(text="more")]


class Awaits(Heavy):
    async def process(self, packet: TextPacket) -> AsyncIterator[TextPacket]:
        await asyncio.sleep(0)
        yield packet


class Waits(Heavy):
    """A coroutine, which returns, and takes events by another."""

    async def process(self, packet: TextPacket) -> TextPacket:
        await asyncio.sleep(0)
        return packet.replace(text=f"{packet.text}!")

    async def on_event(self, event: Event) -> None:
        await asyncio.sleep(0)


class Fails(Heavy):
    def process(self, packet: TextPacket) -> Any:
        raise ValueError("no")


def traced(node: type[Heavy], text: str = CHAIN) -> tuple[list[dict[str, Any]], list[str]]:
    """Run to the end; the entries of the trace, and what came out."""
    trace = Trace()
    nodes: dict[str, Any] = {"t.words": Words, "t.node": node, "t.collect": Collect}
    pipeline = Pipeline(trace.of(load_text(text, nodes=nodes)))
    pipeline.bus.listen(trace.listen)
    with pipeline:
        assert pipeline.wait(PATIENCE_S)
    sink: Any = pipeline.nodes["sink"]
    return list(trace.events()), [packet.text for packet in sink.got]


def plain(node: type[Heavy]) -> list[str]:
    nodes: dict[str, Any] = {"t.words": Words, "t.node": node, "t.collect": Collect}
    with Pipeline(load_text(CHAIN, nodes=nodes)) as pipeline:
        assert pipeline.wait(PATIENCE_S)
    sink: Any = pipeline.nodes["sink"]
    return [packet.text for packet in sink.got]


@pytest.mark.parametrize("node", [Plain, Steps, Several, Awaits, Waits])
def test_traced_nodes_behave_as_without_a_trace(node: type[Heavy]) -> None:
    assert traced(node)[1] == plain(node) != []


@pytest.mark.parametrize("node", [Plain, Steps, Several, Awaits, Waits])
def test_every_entry_is_of_the_format_and_slices_of_a_thread_do_not_cross(node: type[Heavy]) -> None:
    entries, _ = traced(node)
    needed = {
        "X": {"dur", "args"}, "s": {"id", "cat"}, "t": {"id", "cat", "bp"}, "i": {"s"}, "M": {"args"},
        "b": {"id", "cat", "args"}, "e": {"id", "cat"},
    }  # fmt: skip
    slices: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for entry in entries:
        assert {"name", "pid", "tid"} | needed[entry["ph"]] <= entry.keys()
        if entry["ph"] == "X":
            assert entry["dur"] >= 0
            slices[entry["tid"]].append((entry["ts"], entry["ts"] + entry["dur"]))
    named = {entry["tid"] for entry in entries if entry["ph"] == "M"}
    assert {entry["tid"] for entry in entries} == named
    for found in slices.values():
        open_until: list[float] = []
        for start, end in sorted(found, key=lambda pair: (pair[0], -pair[1])):
            while open_until and open_until[-1] <= start:
                open_until.pop()
            assert not open_until or end <= open_until[-1]
            open_until.append(end)
    times = [entry["ts"] for entry in entries if entry["ph"] != "M"]
    assert times == sorted(times)


def test_arrow_leads_from_a_packets_maker_to_its_taker() -> None:
    entries, texts = traced(Steps)
    starts = {entry["id"]: entry for entry in entries if entry["ph"] == "s"}
    ends = [entry for entry in entries if entry["ph"] == "t"]
    assert len(ends) == len(texts) + len(texts) // 2  # into the sink, and into the node
    assert all(starts[end["id"]]["ts"] <= end["ts"] for end in ends)
    assert all(starts[end["id"]]["tid"] != end["tid"] for end in ends), "they are in threads of their own"
    for end in ends:  # an arrow ends at a slice
        assert any(e["ph"] == "X" and e["tid"] == end["tid"] and e["ts"] == end["ts"] for e in entries)


@pytest.mark.parametrize("node", [Awaits, Waits])
def test_a_coroutine_is_a_slice_that_may_wait_and_arrows_lead_through_it(node: type[Heavy]) -> None:
    entries, texts = traced(node)
    begun = {entry["id"]: entry for entry in entries if entry["ph"] == "b"}
    ended = {entry["id"]: entry for entry in entries if entry["ph"] == "e"}
    assert begun.keys() == ended.keys()
    assert all(begun[number]["ts"] <= ended[number]["ts"] for number in begun)
    assert all(begun[number]["name"] == ended[number]["name"] for number in begun)
    assert [entry["name"] for entry in begun.values()].count("node") >= len(texts)
    arrows = [entry for entry in entries if entry["ph"] == "t"]
    assert len(arrows) == 2 * len(texts)  # into the node, and into the sink
    for arrow in (entry for entry in entries if entry["ph"] in "st"):  # each lies in a slice of its thread
        assert any(
            each["ph"] == "X"
            and each["tid"] == arrow["tid"]
            and each["ts"] <= arrow["ts"] <= each["ts"] + each["dur"]
            for each in entries
        )


def test_coroutines_that_wait_at_once_are_told_apart() -> None:
    trace = Trace()

    async def wait(packet: TextPacket) -> None:
        await gate.wait()

    async def both() -> None:
        tasks = [asyncio.create_task(call(TextPacket(text="a", turn=turn))) for turn in (1, 2)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)

    gate = asyncio.Event()
    call = trace._awaited("node", wait)
    asyncio.run(both())
    found = [(entry["ph"], entry["id"]) for entry in trace.events() if entry["ph"] in "be"]
    assert found == [("b", 1), ("b", 2), ("e", 1), ("e", 2)]
    turns = [entry["args"]["turn"] for entry in trace.events() if entry["ph"] == "b"]
    assert turns == [1, 2]


def test_open_spans_end_with_the_trace_and_ends_without_a_begin_are_dropped() -> None:
    trace = Trace(most=3)
    first = trace._begin("node", ())
    trace._begin("node", ())
    trace._end("node", first)  # pushes its own begin out
    phases = [(entry["ph"], entry["id"]) for entry in trace.events() if entry["ph"] in "be"]
    assert phases == [("b", 2), ("e", 2)]


def test_each_packet_is_a_slice_of_its_node_and_each_event_a_mark() -> None:
    entries, texts = traced(Steps)
    slices = [entry["name"] for entry in entries if entry["ph"] == "X"]
    assert slices.count("sink") == len(texts)
    assert "node.on_event" in slices
    marks = [entry["name"] for entry in entries if entry["ph"] == "i"]
    assert marks == ["SpeechEnd 7"] * (len(texts) // 2)


def test_a_flush_is_marked_across_all_threads() -> None:
    trace = Trace()
    nodes: dict[str, Any] = {"t.words": Words, "t.node": Plain, "t.collect": Collect}
    pipeline = Pipeline(trace.of(load_text(CHAIN, nodes=nodes)))
    pipeline.bus.listen(trace.listen)
    with pipeline:
        pipeline.flush(3)
    (mark,) = [entry for entry in trace.events() if entry["name"].startswith("flush")]
    assert (mark["ph"], mark["s"], mark["name"]) == ("i", "g", "flush 3")


def test_a_call_that_raises_is_a_slice_too() -> None:
    entries, _ = traced(Fails, CHAIN.replace("{use: t.node}", "{use: t.node, on_error: skip}"))
    assert [entry["name"] for entry in entries if entry["ph"] == "X"].count("node") > 0


def test_only_the_newest_entries_are_kept() -> None:
    trace = Trace(most=10)
    nodes: dict[str, Any] = {"t.words": Words, "t.node": Plain, "t.collect": Collect}
    with Pipeline(trace.of(load_text(CHAIN, nodes=nodes))) as pipeline:
        assert pipeline.wait(PATIENCE_S)
    assert sum(entry["ph"] != "M" for entry in trace.events()) == 10
