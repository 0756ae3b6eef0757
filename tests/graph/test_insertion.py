"""Properties of nodes that a pass inserts, set by a caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
import pytest

from tests.stand_ins import Takes
from vflow import Audio, AudioPacket, Graph, GraphError, In, Node, Out, Played, Sink, Text, TextPacket, prop
from vflow.graph.loader import load_text
from vflow.graph.registry import NodeClass


class Mic(Node):
    live: ClassVar[bool] = True
    rank: ClassVar[int] = 1000
    audio = Out(Audio(rate=48_000, channels=1))

    def produce(self) -> Iterator[AudioPacket]:
        yield AudioPacket(data=np.ones(960, np.float32), rate=48_000, pts_ns=0)


class Aec(Takes):
    strength: int = prop(1, ge=0)
    audio = In(Audio(rate=48_000, channels=1))
    reference = In(Audio(channels=1), optional=True)
    out = Out(Audio(rate=48_000, channels=1))


class Ear(Takes):
    audio = In(Audio(rate=16_000, channels=1))


class Speaker(Sink):
    rank: ClassVar[int] = 1000
    audio = In(Audio(rate=48_000, channels=1))
    played = Out(Audio(rate=48_000, channels=1))

    def process(self, packet: AudioPacket) -> None:
        pass

    def drop(self, epoch: int) -> tuple[Played, ...]:
        return ()

    def lead_ns(self) -> int:
        return 0


class Voice(Node):
    text = In(Text("chunk", {"spoken"}))
    audio = Out(Audio(rate=48_000, channels=1))

    def process(self, packet: TextPacket) -> None:
        pass


NODES: Mapping[str, NodeClass] = {
    "mic.plain": Mic, "aec": Aec, "ear": Ear, "speaker.plain": Speaker, "voice": Voice,
}  # fmt: skip
TEXT = (
    "nodes: {mic: {use: mic.plain}, ear: {use: ear}, text: {use: text_source, text: hi},"
    " words: {use: word_buffer}, voice: {use: voice}, speaker: {use: speaker.plain}}\n"
    "links: [mic -> ear, text -> words -> voice -> speaker]\n"
)


def load(text: str = TEXT, **overrides: str) -> Graph:
    named = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_text(text, nodes=NODES, overrides=named)


def refused(text: str = TEXT, **overrides: str) -> str:
    with pytest.raises(GraphError) as info:
        load(text, **overrides)
    return str(info.value)


def test_property_of_an_inserted_node_is_set_like_one_of_the_file() -> None:
    graph = load(words__spoken__long_words="spell", mic__aec__strength="3", ear__resample__quality="HQ")
    assert graph.nodes["words.spoken"].values == {"takes": "word", "long_words": "spell"}
    assert graph.nodes["mic.aec"].values == {"strength": 3}
    assert graph.nodes["ear.resample"].values == {"quality": "HQ"}
    assert all(graph.nodes[name].converter for name in ("words.spoken", "mic.aec", "ear.resample"))


def test_setting_a_property_changes_nothing_else_of_an_inserted_node() -> None:
    plain, changed = load(), load(words__spoken__long_words="spell", mic__aec__strength="3")
    assert [link.name for link in plain.links] == [link.name for link in changed.links]
    for name, node in plain.nodes.items():
        assert (node.caps, node.order, node.paced) == (
            changed.nodes[name].caps, changed.nodes[name].order, changed.nodes[name].paced,
        )  # fmt: skip


def test_wrong_property_of_an_inserted_node_is_refused_like_one_of_the_file() -> None:
    wrong = refused(words__spoken__long_wrods="spell")
    assert "--set words.spoken.long_wrods=spell: error: words.spoken: no property 'long_wrods'" in wrong
    assert "did you mean 'long_words'?" in wrong
    assert "words.spoken: long_words takes name | spell | shorten, not 'shout'" in refused(
        words__spoken__long_words="shout"
    )
    assert "mic.aec: strength is -1, out of range" in refused(mic__aec__strength="-1")


def test_unknown_name_of_an_inserted_node_is_refused_with_the_nearest() -> None:
    wrong = refused(wrods__spoken__long_words="spell")
    assert "--set wrods.spoken.long_words=spell: error: no node 'wrods.spoken' in <text>" in wrong
    assert "did you mean 'words.spoken'?" in wrong


def test_a_node_that_is_not_inserted_here_has_no_properties() -> None:
    text = "nodes: {mic: {use: mic.plain}, e: {use: ear}}\nlinks: [mic -> e]\n"
    assert load(text, e__resample__quality="HQ").nodes["e.resample"].values == {"quality": "HQ"}
    wrong = refused(text, mic__aec__strength="2")
    assert "no node 'mic.aec' in <text>" in wrong
    assert "no node 'aec' is inserted at 'mic' here" in wrong


def test_an_error_elsewhere_does_not_make_an_inserted_node_unknown() -> None:
    wrong = refused(TEXT.replace("text: hi", "txet: hi"), words__spoken__long_words="spell", x__y="1")
    assert "text: no property 'txet'" in wrong
    assert "words.spoken" not in wrong
    assert "no node 'x'" in wrong


def test_property_that_would_break_the_inserted_nodes_place_is_refused() -> None:
    wrong = refused(ear__resample__rate="8000")
    assert "ear.resample.out would carry" in wrong
    assert "is needed here; leave ear.resample as it is" in wrong
    assert "words.spoken.out would carry" in refused(words__spoken__takes="chunk")
