"""Links that are flushed, held or lead back, outputs that nothing reads, and the bins of a node."""

from __future__ import annotations

from vflow import Graph, load
from vflow.graph.link_facts import bins_of, flushed, held, leads_back, unread_outputs
from vflow.graph.loader import load_text
from vflow.graph.shipped import find


def agent() -> Graph:
    return load(find("voice_agent"), stand_ins={"mic": ("app_source", {}), "speaker": ("app_sink", {})})


def test_links_downstream_of_the_generator_are_flushed_except_keep_links() -> None:
    graph = agent()
    below = {"generator.chat", "words.spoken", "words", "tts"}
    assert flushed(graph) == {link.name for link in graph.links if link.source in below}


def test_work_in_advance_is_held_before_the_speaker() -> None:
    graph = agent()
    assert held(graph) == {link.name for link in graph.into("speaker")}


def test_the_bins_of_a_node_are_named_whole() -> None:
    graph = agent()
    assert bins_of(graph, "vad.turn") == ("vad",)
    assert bins_of(graph, "mic") == bins_of(graph, "words.spoken") == ()


def test_unread_outputs_are_named_except_of_a_sink() -> None:
    graph = load_text(
        "nodes: {a: {use: test_tone}, b: {use: test_tone}, c: {use: app_sink}}\nlinks: [a -> c]\n"
    )
    assert [unread_outputs(graph, name) for name in graph.nodes] == [[], ["audio"], []]


def test_links_of_looks_and_verdicts_lead_back() -> None:
    assert leads_back(agent()) == {
        "end_of_turn.verdict -> vad.turn.verdict",
        "backchannel.looks -> vad.turn.backchannel",
    }
