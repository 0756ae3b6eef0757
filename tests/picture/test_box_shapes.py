"""Boxes: their texts, and where their ports are."""

from __future__ import annotations

import pytest

from tests.picture.graphs import agent
from vflow.graph.loader import load_text
from vflow.picture.box_shapes import Sides, port_at, size_of, texts_of


def test_a_node_of_a_bin_goes_by_its_own_name() -> None:
    assert texts_of(agent(), "vad.turn", 4) == ["turn", "turn · thread 4"]


def test_inserted_node_is_marked() -> None:
    assert texts_of(agent(), "words.spoken", 8)[1] == "spoken (inserted) · thread 8"


def test_a_link_to_itself_is_told_in_the_box() -> None:
    loop = "{from: a, to: a, queue: {policy: leaky-oldest}}"
    graph = load_text(f"nodes: {{a: {{use: identity}}}}\nlinks: [{loop}]\n")
    assert texts_of(graph, "a", 1)[2:] == ["out → input: itself"]


def test_ports_are_spread_about_the_middle() -> None:
    sides = Sides(("in",), ("left", "right"))
    assert port_at(sides, "in") == 0
    assert port_at(sides, "left") < 0 < port_at(sides, "right")
    with pytest.raises(ValueError, match="no port other"):
        port_at(sides, "other")


def test_a_box_is_as_wide_as_its_widest_line() -> None:
    narrow, wide = size_of(["a", "b"], Sides((), ())), size_of(["a", "b"], Sides((), ("port" * 20,)))
    assert wide[0] > narrow[0]
    assert wide[1] > narrow[1]
