"""Negotiation: open fields are filled along the data's way, and converters stand where audio differs."""

from __future__ import annotations

import pytest

from tests.stand_ins import Gives, Takes
from vflow import AnyCaps, Audio, Graph, GraphError, In, Node, Out, QueueOptions, Text
from vflow.graph.loader import load_text


class Open(Gives):
    """A source of any audio."""

    audio = Out(Audio())


class Wide(Gives):
    audio = Out(Audio(rate=48_000, channels=2, features={"speech"}))


class Live(Wide):
    live = True


class Words(Gives):
    words = Out(Text("word"))


class Narrow(Takes):
    audio = In(Audio(rate=16_000, channels=1))


class Half(Takes):
    """Takes mono at any rate, and emits the same."""

    audio = In(Audio(channels=1))
    out = Out(Audio())


class End(Takes):
    into = In(AnyCaps())


NODES: dict[str, type[Node]] = {
    "open": Open,
    "wide": Wide,
    "words": Words,
    "narrow": Narrow,
    "half": Half,
    "end": End,
}


def build(links: str, head: str = "") -> Graph:
    """Load a graph whose nodes are named after their class, with a number if there are several."""
    names = dict.fromkeys(name for name in links.replace("->", " ").replace(",", " ").split())
    nodes = "".join(f"  {name}: {{use: {name.rstrip('0123456789')}}}\n" for name in names)
    lines = "".join(f"  - {link.strip()}\n" for link in links.split(","))
    return load_text(f"{head}nodes:\n{nodes}links:\n{lines}", nodes=NODES)


def caps(graph: Graph, node: str, port: str) -> str:
    return str(graph.nodes[node].caps[port])


def test_source_with_open_caps_takes_those_of_its_consumer() -> None:
    graph = build("open -> narrow")
    assert caps(graph, "open", "audio") == "audio(rate=16000, channels=1)"
    assert not any(node.converter for node in graph.nodes.values())


def test_open_source_before_an_open_sink_gets_the_default_caps() -> None:
    assert caps(build("open -> end"), "end", "into") == "audio(rate=16000, channels=1)"


def test_consumers_features_are_not_given_to_the_producer() -> None:
    assert "speech" not in caps(build("open -> end"), "open", "audio")


def test_converter_is_inserted_before_the_input_that_differs() -> None:
    graph = build("wide -> narrow, wide -> end")
    assert [link.name for link in graph.links] == [
        "wide.audio -> narrow.resample.audio",
        "narrow.resample.out -> narrow.audio",
        "wide.audio -> end.into",
    ]
    assert graph.nodes["narrow.resample"].converter
    assert caps(graph, "narrow.resample", "out").startswith("audio(rate=16000, channels=1")
    assert caps(graph, "end", "into") == "audio(rate=48000, channels=2, speech)"


def test_live_sources_queue_stays_before_the_converter() -> None:
    text = "nodes:\n  m: {use: live}\n  n: {use: narrow}\nlinks:\n  - {from: m, to: n%s}\n"
    graph = load_text(text % ", queue: {packets: 8}, keep: true", nodes={**NODES, "live": Live})
    first, second = graph.links
    assert (first.explicit, second.explicit) == (True, False)
    assert graph.queue(first) == QueueOptions(packets=8, policy="leaky-oldest", keep=True)
    assert graph.segments() == [["m"], ["n.resample", "n"]]
    graph = load_text((text % ", queue: {packets: 8}").replace("live", "wide"), nodes=NODES)
    assert [link.explicit for link in graph.links] == [False, True]


def test_only_inputs_that_differ_get_a_converter() -> None:
    graph = build("wide -> half -> end")
    assert caps(graph, "half", "audio").startswith("audio(rate=48000, channels=1")
    assert caps(graph, "end", "into").startswith("audio(rate=48000, channels=1")


def test_channel_counts_that_meet_only_in_mono_are_converted_too() -> None:
    class Ring(Gives):
        audio = Out(Audio(rate=48_000, channels=6))

    class Pair(Takes):
        audio = In(Audio(rate=16_000, channels=2))

    text = "nodes:\n  r: {use: ring}\n  p: {use: pair}\nlinks: [r -> p]\n"
    graph = load_text(text, nodes={"ring": Ring, "pair": Pair})
    assert caps(graph, "p.resample", "audio") == "audio(rate=48000, channels=6)"
    assert caps(graph, "p.resample", "out") == "audio(rate=16000, channels=2)"


def test_each_input_has_a_converter_of_its_own() -> None:
    graph = build("wide -> narrow, wide -> narrow2")
    assert [name for name, node in graph.nodes.items() if node.converter] == [
        "narrow.resample",
        "narrow2.resample",
    ]


def test_a_converter_can_be_forbidden() -> None:
    with pytest.raises(GraphError, match="'convert: never' forbids a converter"):
        build("wide -> narrow", "convert: never\n")


def test_text_caps_pass_through_nodes_that_take_anything() -> None:
    assert caps(build("words -> end"), "end", "into") == "text/word"


def test_text_is_never_converted() -> None:
    with pytest.raises(GraphError, match=r"words.words carries text/word, but narrow.audio takes audio"):
        build("words -> narrow")
