"""Links: the ports that their ends mean, and the bounds between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests import stand_ins
from tests.graph.graphs import NODES, Mic, build, said
from tests.stand_ins import Gives, Takes
from vflow import Audio, Graph, GraphError, In, Out, QueueOptions, Text
from vflow.graph.loader import load_text

LIVE = QueueOptions(packets=1024, policy="leaky-oldest")


class Twice(Gives):
    left = Out(Audio())
    right = Out(Audio())


def test_caps_choose_the_port_that_fits() -> None:
    (link,) = build("  m: {use: mic}").links
    assert link.into == "audio"


def test_a_link_without_ports_is_refused_where_several_pairs_fit() -> None:
    found = said("  m: {use: twice}", classes={**NODES, "twice": Twice})
    assert "m -> e may mean several links; name the ports: m.left -> e.audio, m.right -> e.audio" in found


def test_link_without_a_fitting_pair_of_ports_is_refused_with_both_lists() -> None:
    found = said("  m: {use: mic}", "[m -> e, e -> m]")
    assert "m has no inputs" in found
    found = said("  m: {use: mic}\n  w: {use: console}", "[m -> w.input, m -> e.also]")
    assert "m.audio carries audio(rate=16000, channels=1), but e.also takes text" in found


def test_the_same_ports_are_linked_once() -> None:
    found = said("  m: {use: mic}", "[m -> e, {from: m.audio, to: e.audio}]")
    assert "m.audio -> e.audio is linked twice; remove one of them" in found


def test_a_link_of_a_bin_leads_to_the_node_inside_that_has_the_port() -> None:
    (link,) = build("  m: {use: box}").links
    assert link.name == "m.inner.audio -> e.audio"


def test_link_to_a_broken_node_is_not_a_second_error() -> None:
    assert said("  m: {use: nothing_like_it}").count("error:") == 1


def test_a_link_takes_the_bounds_of_the_input_unless_it_has_its_own() -> None:
    (link,) = build("  m: {use: mic}").links
    assert (link.queue, link.explicit) == (QueueOptions(packets=7), False)
    (link,) = build("  m: {use: mic}", "[{from: m, to: e, queue: {time: 1s}}]").links
    assert (link.queue, link.explicit) == (QueueOptions(packets=7, time_ns=10**9), True)


@pytest.mark.parametrize(
    ("queue", "options"),
    [
        ("", QueueOptions(packets=7, policy="leaky-oldest")),
        (", queue: {time: 1s}", QueueOptions(packets=7, time_ns=10**9, policy="leaky-oldest")),
        (", queue: {packets: 8}", QueueOptions(packets=8, policy="leaky-oldest")),
        (", queue: {policy: block}", QueueOptions(packets=7)),
        (", queue: {policy: error}", QueueOptions(packets=7, policy="error")),
    ],
)
def test_link_after_a_live_source_never_blocks_unless_the_file_says_so(
    queue: str, options: QueueOptions
) -> None:
    graph = load_live("ear", queue)
    assert graph.queue(graph.links[0]) == options


@pytest.mark.parametrize(
    ("queue", "options"),
    [
        ("", LIVE),
        (", keep: true", replace(LIVE, keep=True)),
        (", queue: {packets: 8}", replace(LIVE, packets=8)),
    ],
)
def test_unnamed_bounds_of_a_live_link_are_those_of_its_ring_buffer(
    queue: str, options: QueueOptions
) -> None:
    graph = load_live("nose", queue)
    assert graph.queue(graph.links[0]) == options


def load_live(target: str, queue: str) -> Graph:
    class Live(Mic):
        live = True

    class Nose(Takes):
        audio = In(Audio())

    text = f"nodes:\n  m: {{use: live}}\n  t: {{use: {target}}}\nlinks:\n  - {{from: m, to: t{queue}}}\n"
    return load_text(text, nodes={**NODES, "live": Live, "nose": Nose})


def test_a_thread_is_cut_where_it_would_become_too_deep_and_a_branch_stays_whole() -> None:
    """The branch leaves after the 22nd node, in the same thread; it does not count for the other nodes."""
    names = [*(f"n{n}" for n in range(250)), "x", "y"]
    nodes = "".join(f"  {name}: {{use: t.pass}}\n" for name in names)
    chain = " -> ".join(["words", *names[:250]])
    text = f"nodes:\n  words: {{use: t.words}}\n{nodes}links: [{chain}, n20 -> x -> y]\n"
    made = stand_ins.graph(text)
    segments = made.segments()
    assert [len(segment) for segment in segments] == [102, 100, 51]
    assert segments[0][21:25] == ["n20", "n21", "n22", "n23"]
    assert sum(made.is_boundary(link) for link in made.links) == 2
    assert {"x", "y"} < set(segments[0])


class Chooses(Takes):
    more = In(Text("final"), optional=True)
    text = In(Text("final"))


class Asks(Gives):
    out = Out(Text("final"))


def test_required_input_is_chosen_before_optional_ones_that_fit() -> None:
    text = "nodes: {asks: {use: asks}, it: {use: chooses}}\nlinks: [asks -> it]\n"
    (link,) = load_text(text, nodes={"asks": Asks, "chooses": Chooses}).links
    assert link.into == "text"


class Cutter(Takes):
    audio = In(Audio())
    speech = Out(Audio(rate=16_000, channels=1, features={"turns"}))


class Rates(Takes):
    audio = In(Audio(features={"turns"}))
    verdict = Out(Text("verdict"))


@pytest.mark.parametrize("back", ["v", "v.verdict"])
def test_node_that_only_feeds_an_input_missing_in_a_stand_in_is_left_out(back: str) -> None:
    text = """
nodes: {m: {use: mic.plain}, v: {use: vad}, r: {use: rates}, e: {use: ear}, more: {use: ear}}
links: [m -> v -> e, v -> r -> BACK]
"""
    classes = {**NODES, "cutter": Cutter, "rates": Rates}
    options: Any = {"nodes": classes, "stand_ins": {"vad": ("cutter", {})}}
    made = load_text(text.replace("BACK", back).replace(", more: {use: ear}", ""), **options)
    assert list(made.nodes) == ["m", "v", "e"]
    assert [link.name for link in made.links] == ["m.audio -> v.audio", "v.speech -> e.audio"]
    made = load_text(text.replace("BACK]", f"{back}, r -> more.also, m -> more]"), **options)
    assert "r" in made.nodes, "somebody else hears it"
    with pytest.raises(GraphError, match="verdict carries text/verdict, but v"):
        load_text(text.replace("BACK", "v").replace("use: vad", "use: cutter"), nodes=classes)
