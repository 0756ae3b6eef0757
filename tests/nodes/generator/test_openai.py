"""`generator.openai`: a speech-to-text and a remote language model, as one generator."""

from __future__ import annotations

from vflow.graph.loader import load_text
from vflow_nodes.chat.openai import OpenAiChat
from vflow_nodes.generator.cascade import Cascade
from vflow_nodes.generator.openai import OpenAiCascade

GRAPH = """
nodes:
  mic: {use: test_tone}
  vad: {use: vad.energy}
  generator: {use: generator.openai, model: tiny, base_url: 'http://localhost:1/v1', key_env: A_KEY}
  end: {use: 'null'}
links: [mic -> vad -> generator, generator.words -> end]
"""


def test_openai_cascade_links_stt_to_the_remote_model_and_passes_properties_on() -> None:
    graph = load_text(GRAPH, require_available=False)
    assert "generator.stt.transcript -> generator.chat.text" in {link.name for link in graph.links}
    chat = graph.nodes["generator.chat"]
    assert chat.cls is OpenAiChat
    assert (chat.values["model"], chat.values["key_env"]) == ("tiny", "A_KEY")


def test_an_interruption_starts_at_its_words() -> None:
    assert load_text(GRAPH, require_available=False).generators(below="vad.turn") == {"generator.chat"}


def test_openai_cascade_ranks_below_local_models() -> None:
    assert OpenAiCascade.rank < 0 < Cascade.rank
