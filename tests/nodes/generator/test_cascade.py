"""`generator.cascade`: a speech-to-text and a language model, as one generator."""

from __future__ import annotations

from vflow.graph.loader import load_text
from vflow.graph.roles import ROLES
from vflow_nodes.generator.cascade import Cascade

GRAPH = """
nodes:
  mic: {use: test_tone}
  vad: {use: vad.energy}
  generator: {use: generator.cascade, persona: Be brief., max_tokens: 7}
  end: {use: 'null'}
  told: {use: 'null'}
links:
  - mic -> vad -> generator
  - generator.words -> end
  - generator.transcript -> told
"""


def test_cascade_has_the_ports_of_a_generator_and_links_stt_to_chat() -> None:
    graph = load_text(GRAPH, require_available=False)
    links = {link.name for link in graph.links}
    assert "vad.turn.speech -> generator.stt.audio" in links
    assert "generator.stt.transcript -> generator.chat.text" in links
    assert "generator.chat.words -> end.input" in links
    assert "generator.stt.transcript -> told.input" in links


def test_properties_of_the_cascade_reach_the_language_model() -> None:
    chat = load_text(GRAPH, require_available=False).nodes["generator.chat"]
    assert (chat.values["persona"], chat.values["max_tokens"]) == ("Be brief.", 7)


def test_interruption_flushes_from_the_chat_node_on() -> None:
    graph = load_text(GRAPH, require_available=False)
    assert graph.generators(below="vad.turn") == {"generator.chat"}
    assert graph.reach(["generator.chat"]).nodes == {"end"}


def test_cascade_takes_every_property_of_its_role_and_ranks_below_an_audio_model() -> None:
    from vflow.props import props_of
    from vflow_nodes.chat import Chat

    assert set(ROLES["generator"].properties) <= props_of(Chat).keys()
    assert Cascade.rank < 50
