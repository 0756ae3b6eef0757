"""The picture as SVG: well formed, whole, and escaped."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.picture.graphs import HARD, agent, chain, hard
from vflow.picture.scene import scene
from vflow.picture.svg import svg

SVG = "{http://www.w3.org/2000/svg}"


def test_every_node_and_link_of_the_agent_is_drawn() -> None:
    graph = agent()
    root = ElementTree.fromstring(svg(scene(graph)))
    nodes = [g.attrib["data-node"] for g in root.iter(f"{SVG}g") if "data-node" in g.attrib]
    links = [g.find(f"{SVG}title").text for g in root.iter(f"{SVG}g") if "data-source" in g.attrib]  # type: ignore[union-attr]
    assert nodes == list(graph.nodes)
    assert [str(link).split("\n")[0] for link in links] == [link.name for link in graph.links]
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"turn", "held until the turn ends", "vad · vad.silero", "voice_agent.yaml"} <= texts


def test_a_notebook_shows_the_same() -> None:
    graph = agent()
    assert graph._repr_svg_() == svg(scene(graph))


def test_every_text_is_drawn_as_wide_as_it_was_measured() -> None:
    root = ElementTree.fromstring(svg(scene(agent())))
    assert all("textLength" in text.attrib for text in root.iter(f"{SVG}text"))


def test_special_characters_are_escaped() -> None:
    root = ElementTree.fromstring(svg(scene(hard())))
    assert any(HARD in (title.text or "") for title in root.iter(f"{SVG}title"))


def test_three_hundred_nodes_are_drawn() -> None:
    root = ElementTree.fromstring(svg(scene(chain(300))))
    assert sum("data-node" in g.attrib for g in root.iter(f"{SVG}g")) == 300


def test_the_legend_tells_of_the_lines_that_are_there() -> None:
    drawn = svg(scene(chain(3)))
    assert "the next node is called directly" in drawn
    assert "leads back" not in drawn
