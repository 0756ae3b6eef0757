"""Where the spoken form is inserted, and which warnings a graph gets if it cannot be."""

from __future__ import annotations

from typing import ClassVar

import pytest

from vflow import Graph, GraphError, In, Node, Out, Text, TextPacket
from vflow.cli import graph_summary
from vflow.graph.loader import load_text


class Voice(Node):
    """Asks for the spoken form."""

    text = In(Text("chunk", {"spoken"}))

    def process(self, packet: TextPacket) -> None:
        pass


class Plain(Node):
    """Takes any text."""

    text = In(Text())

    def process(self, packet: TextPacket) -> None:
        pass


class Chunks(Node):
    """Makes chunks of its own."""

    out = Out(Text("chunk"))

    def produce(self) -> list[TextPacket]:
        return [TextPacket(text="It is $5 now.")]


class Rewriter(Node):
    """Says it in other words."""

    text = In(Text("word"))
    out = Out(Text("word"))

    def process(self, packet: TextPacket) -> TextPacket:
        return packet


class Loop(Node):
    """Passes on what it is given, and what comes back."""

    text = In(Text("word"))
    back = In(Text("word"), optional=True)
    out = Out(Text("word", features=None))

    def process(self, packet: TextPacket) -> TextPacket:
        return packet


NODES: dict[str, type[Node]] = {
    "voice": Voice, "plain": Plain, "chunks": Chunks, "rewriter": Rewriter, "loop": Loop
}  # fmt: skip


class Load:
    ends: ClassVar = "text: {use: text_source, text: hi}, words: {use: word_buffer}, voice: {use: voice}"

    def __call__(self, links: str, more: str = "") -> Graph:
        nodes = f"{{{self.ends}{more and ', ' + more}}}"
        return load_text(f"vflow: 1\nnodes: {nodes}\nlinks: [{links}]\n", nodes=NODES)


load = Load()


def links(graph: Graph) -> list[str]:
    return [f"{link.source} -> {link.target}" for link in graph.links]


def test_spoken_form_is_inserted_before_the_node_that_groups_words() -> None:
    graph = load("text -> words -> voice")
    assert links(graph) == ["text -> words.spoken", "words.spoken -> words", "words -> voice"]
    assert graph.nodes["words.spoken"].resolved == "spoken"
    assert graph.nodes["words"].caps["out"] == graph.nodes["voice"].caps["text"] == Text("chunk", {"spoken"})


def test_spoken_form_is_inserted_before_the_voice_if_nothing_groups_words() -> None:
    nodes = "{text: {use: chunks}, voice: {use: voice}}"
    graph = load_text(f"vflow: 1\nnodes: {nodes}\nlinks: [text -> voice]\n", nodes=NODES)
    assert links(graph) == ["text -> voice.spoken", "voice.spoken -> voice"]
    assert graph.nodes["voice.spoken"].values == {"takes": "chunk"}
    assert graph.nodes["voice.spoken"].caps == {"text": Text("chunk"), "out": Text("chunk", {"spoken"})}


def test_spoken_form_in_the_file_is_not_doubled() -> None:
    graph = load("text -> mine -> words -> voice", "mine: {use: spoken}")
    assert links(graph) == ["text -> mine", "mine -> words", "words -> voice"]


def test_branches_without_a_voice_get_no_spoken_form() -> None:
    graph = load(
        "text -> split, split -> words -> voice, split -> end", "split: {use: tee}, end: {use: plain}"
    )
    assert "split -> end" in links(graph)
    assert "split -> words.spoken" in links(graph)
    assert graph.nodes["end"].caps["text"] == Text("word")


def test_tee_after_the_chunks_is_passed_over() -> None:
    graph = load(
        "text -> words -> split, split -> voice, split -> other",
        "split: {use: tee}, other: {use: voice}",
    )
    assert [name for name, node in graph.nodes.items() if node.resolved == "spoken"] == ["words.spoken"]


def test_two_sources_of_one_port_share_a_node() -> None:
    graph = load("text -> words -> voice, more -> words", "more: {use: text_source, text: ho}")
    assert links(graph) == [
        "text -> words.spoken", "words.spoken -> words", "words -> voice", "more -> words.spoken",
    ]  # fmt: skip


def test_source_with_spoken_text_gets_no_spoken_form() -> None:
    graph = load(
        "text -> mine -> words -> voice, more -> words",
        "mine: {use: spoken}, more: {use: text_source, text: ho}",
    )
    assert {"mine -> words", "more -> words.spoken", "words.spoken -> words"} <= {*links(graph)}


def test_words_of_a_rewriter_get_a_spoken_form_of_their_own() -> None:
    graph = load("text -> other -> words -> voice", "other: {use: rewriter}")
    assert "other -> words.spoken" in links(graph)


def test_a_cycle_is_walked_once() -> None:
    graph = load(
        "text -> round.text, round -> again, round -> words -> voice,"
        "{from: again, to: round.back, queue: {policy: leaky-oldest}}",
        "round: {use: loop}, again: {use: identity}",
    )
    assert {"text -> round.spoken"} <= {*links(graph)}


def test_bounds_in_the_file_stay_at_their_link() -> None:
    graph = load("{from: text, to: words, queue: {packets: 7}}, words -> voice")
    before, after, _ = graph.links
    assert [link.explicit for link in (before, after)] == [True, False]
    assert [link.queue and link.queue.packets for link in (before, after)] == [7, 256]


def test_link_that_forbids_the_spoken_form_is_refused() -> None:
    with pytest.raises(GraphError, match=r"text\.words -> words\.text carries no spoken form") as error:
        load("{from: text, to: words, convert: never}, words -> voice")
    assert "insert '{use: spoken}', or allow it" in str(error.value)


def test_description_names_the_spoken_form() -> None:
    said = "\n".join(graph_summary.describe(load("text -> words -> voice")))
    assert "spoken forms inserted:\n  words.spoken: how to say text.words" in said
