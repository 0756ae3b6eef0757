"""What an interruption and work in advance do to links, in which bins nodes stand, and what leads back."""

from __future__ import annotations

from vflow import Graph, load
from vflow.graph.link_facts import bins_of, flushed, held, leads_back
from vflow.graph.shipped import find


def agent() -> Graph:
    return load(find("voice_agent"), stand_ins={"mic": ("app_source", {}), "speaker": ("app_sink", {})})


def test_all_below_the_generator_is_flushed_but_what_is_kept() -> None:
    graph = agent()
    below = {"generator.chat", "words.spoken", "words", "tts"}
    assert flushed(graph) == {link.name for link in graph.links if link.source in below}


def test_what_is_made_in_advance_is_held_before_the_speaker() -> None:
    graph = agent()
    assert held(graph) == {link.name for link in graph.into("speaker")}


def test_the_bins_of_a_node_are_named_whole() -> None:
    graph = agent()
    assert bins_of(graph, "vad.turn") == ("vad",)
    assert bins_of(graph, "mic") == bins_of(graph, "words.spoken") == ()


def test_a_verdict_leads_back() -> None:
    assert leads_back(agent()) == {"end_of_turn.verdict -> vad.turn.verdict"}
