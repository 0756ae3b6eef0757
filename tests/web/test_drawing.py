"""The drawing of a graph that clients get: without what is not for them, and within bounds."""

from __future__ import annotations

import json

from tests.picture.graphs import agent, chain, hard
from vflow.web.drawing import MOST_BYTES, MOST_LINKS, MOST_NODES, drawing_of


def test_it_is_the_scene_of_the_graph() -> None:
    drawn = drawing_of(agent())
    assert drawn is not None
    assert {box["name"] for box in drawn["boxes"]} == set(agent().nodes)
    assert json.loads(json.dumps(drawn)) == drawn
    assert all(isinstance(box["rect"]["x"], float) for box in drawn["boxes"])


def test_clients_are_not_told_properties() -> None:
    for properties in (False, True):
        drawn = drawing_of(hard(), properties=properties)
        assert ("sehr" in json.dumps(drawn)) is properties


def test_a_graph_that_is_too_large_is_not_drawn() -> None:
    largest = drawing_of(chain(MOST_NODES))
    assert largest is not None
    assert len(json.dumps(largest)) < 2 * MOST_BYTES
    assert drawing_of(chain(MOST_NODES + 1)) is None
    assert MOST_LINKS >= MOST_NODES


def test_names_that_are_too_much_are_not_drawn() -> None:
    assert drawing_of(chain(100, name="n" * 900)) is None
