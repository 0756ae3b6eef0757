"""Errors that only the whole graph shows: cycles that block, inputs without a link, waits without an end."""

from __future__ import annotations

import pytest

from tests.graph.graphs import NODES, build, said
from tests.graph.test_graph import graph
from tests.stand_ins import Gives, Takes
from vflow import AnyCaps, GraphError, In, Out, Text
from vflow.graph.loader import load_text
from vflow.graph.whole_graph_checks import unlinked


def test_an_optional_input_need_not_be_linked() -> None:
    assert unlinked(build("  m: {use: mic}")) == []


def test_inputs_that_nothing_feeds_are_listed() -> None:
    assert unlinked(graph("a b")) == [("a", "into")]


def test_order_by_pts_is_refused_downstream_of_a_sparse_node() -> None:
    class Silent(Gives):
        sparse = True
        text = Out(Text("final"))

    text = (
        "nodes:\n  m: {use: mic.plain}\n  s: {use: silent}\n  e: {use: ear, order: pts}\n"
        "links: [m -> e, s -> e.also]\n"
    )
    with pytest.raises(GraphError, match="e waits for every input") as info:
        load_text(text, nodes={**NODES, "silent": Silent})
    assert "s may be silent for long; use 'order: arrival'" in str(info.value)


def test_inner_input_without_a_port_of_its_bin_must_be_fed() -> None:
    text = "ports: {words: e.also}\nnodes:\n  e: {use: ear}\n"
    with pytest.raises(GraphError, match=r"nothing feeds e.audio"):
        load_text(text, nodes=NODES)


class Hop(Takes):
    into = In(AnyCaps())
    out = Out(AnyCaps())


LOOP = """
nodes:
  m: {use: mic.plain}
  a: {use: hop}
  b: {use: hop}
links:
  - m -> a -> b
  - {from: b, to: a%s}
"""


def test_a_cycle_of_links_that_block_is_refused_at_one_of_its_nodes() -> None:
    with pytest.raises(GraphError) as info:
        load_text(LOOP % "", nodes={**NODES, "hop": Hop})
    (found,) = info.value.diagnostics
    assert found.message in (
        "the cycle a -> b -> a would deadlock: every link in it blocks",
        "the cycle b -> a -> b would deadlock: every link in it blocks",
    )
    assert found.place is not None
    assert found.place.line in (4, 5)
    assert found.mend == "give one of its links 'queue: {policy: leaky-oldest}'"


@pytest.mark.parametrize("policy", ["leaky-oldest", "leaky-newest"])
def test_a_cycle_with_one_link_that_leaks_is_accepted(policy: str) -> None:
    made = load_text(LOOP % f", queue: {{policy: {policy}}}", nodes={**NODES, "hop": Hop})
    assert made.blocking_cycle() == []


def test_an_input_that_nothing_feeds_is_refused_at_its_node_with_what_to_write() -> None:
    assert (
        said("  m: {use: mic}", "[]")
        == "<text>:3:3: error: nothing feeds e.audio; link a node to it: '- ... -> e'"
    )


def test_input_that_lost_its_link_to_an_error_is_not_a_second_error() -> None:
    assert "nothing feeds" not in said("  m: {use: mic}", "[m.audoi -> e]")


def test_order_by_pts_is_refused_for_a_sparse_node_further_up_too() -> None:
    class Silent(Gives):
        sparse = True
        text = Out(Text("final"))

    nodes = {**NODES, "silent": Silent, "hop": Hop}
    with pytest.raises(GraphError, match=r"e waits for every input \(order: pts\), but s may be silent"):
        load_text(
            "nodes:\n  m: {use: mic.plain}\n  s: {use: silent}\n  h: {use: hop}\n"
            "  e: {use: ear, order: pts}\nlinks: [m -> e, s -> h -> e.also]\n",
            nodes=nodes,
        )
