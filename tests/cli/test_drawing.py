"""Drawings of chains, branches, fan-in, cycles and bins: as a tree, for mermaid and for Graphviz."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.cli.test_graph import CHAIN
from vflow import Graph, load
from vflow.cli import drawing
from vflow.graph.loader import load_text
from vflow.graph.shipped import find

BRANCHES = """\
nodes:
  tone:  {use: test_tone}
  both:  {use: tee}
  left:  {use: identity}
  right: {use: identity}
  join:  {use: "null"}
links:
  - tone -> both -> left -> join
  - both -> right -> join
"""
CYCLE = """\
nodes:
  tone: {use: test_tone}
  a: {use: identity}
  b: {use: identity}
  end: {use: "null"}
links:
  - tone -> a -> b -> end
  - {from: b, to: a, queue: {policy: leaky-oldest, max_age: 1s}, keep: true}
"""
BIN = """\
nodes:
  t:    {use: test_tone}
  tone: {use: resample, rate: 48000}
  vad:  {use: vad.energy}
  end:  {use: "null"}
links:
  - t -> tone -> vad -> end
"""
GRAPHS = (CHAIN, BRANCHES, CYCLE, BIN)


PAIRS = [(False, False), (True, False), (True, True), (False, True)]


def agent() -> Graph:
    return load(find("voice_agent"), stand_ins={"mic": ("app_source", {}), "speaker": ("app_sink", {})})


def draw(text: str, form: Callable[[Graph], str] = drawing.text) -> str:
    return form(load_text(text))


def test_a_chain_goes_straight_down() -> None:
    assert draw(CHAIN).splitlines()[:5] == [
        "tone  test_tone  thread 1",
        "║     audio > audio   audio(rate=16000, channels=1)   1024 packets, 2s, leaky-oldest",
        "low   resample   thread 2",
        "│     out > input   audio(rate=8000, channels=1)",
        "end   null       thread 2",
    ]


def test_a_branch_is_drawn_beside_and_fan_in_below_its_last_input() -> None:
    drawn = [line[:18].rstrip() for line in draw(BRANCHES).splitlines()]
    assert drawn[2:9] == [
        "both",
        "├──",
        "│   left",
        "│   ╚══ join (belo",
        "│",
        "right",
        "║",
    ]
    assert drawn[9] == "join"


def test_a_cycle_is_drawn_once_around() -> None:
    out = draw(CYCLE)
    assert [name for name in ("tone", "a", "b", "end") if re.search(rf"^{name} ", out, re.MULTILINE)] == [
        "tone",
        "a",
        "b",
        "end",
    ]
    assert out.count("a (above)") == 1
    assert "a (below)" not in out
    assert re.search(r"a \(above\).*leaky-oldest, at most 1s old, keep", out)


def test_bins_and_converters_are_told_from_nodes() -> None:
    out = draw(BIN)
    assert "vad is a bin: vad.energy" in out
    assert re.search(r"^vad.detector +detector.energy +thread", out, re.MULTILINE)
    assert re.search(r"^vad.detector.resample +resample \(converter, inserted\)", out, re.MULTILINE)


def test_an_output_that_goes_nowhere_is_drawn() -> None:
    out = draw("nodes:\n  tone: {use: test_tone}\n")
    assert "·     audio   audio(rate=16000, channels=1)   not linked" in out


@pytest.mark.parametrize("text", GRAPHS)
def test_every_node_and_link_is_in_the_mermaid_chart(text: str) -> None:
    lines = draw(text, drawing.mermaid).splitlines()
    assert lines[0] == "flowchart LR"
    assert sum(line.strip() == "end" for line in lines) == sum("subgraph" in line for line in lines)
    nodes = [m for line in lines if (m := re.fullmatch(r' +(n\d+)(\["[^"]+"\]|\{\{"[^"]+"\}\})', line))]
    links = [m for line in lines if (m := re.fullmatch(r'  (n\d+) (==>|-->)\|"[^"]+"\| (n\d+)', line))]
    ids = {node[1] for node in nodes}
    assert len(nodes) == len(ids)
    assert {link[1] for link in links} | {link[3] for link in links} == ids
    others = ("flowchart", "subgraph", "end", "classDef", "class ")
    assert len(nodes) + len(links) == sum(not line.strip().startswith(others) for line in lines)


def test_a_converter_is_a_hexagon_in_mermaid_and_dot() -> None:
    hexagon = '{{"vad.detector.resample<br/>resample (converter, inserted) · thread 2"}}'
    assert hexagon in draw(BIN, drawing.mermaid)
    assert re.search(r'"vad.detector.resample" \[.*shape=hexagon', draw(BIN, drawing.dot))


@pytest.mark.parametrize("text", GRAPHS)
def test_dot_has_a_cluster_for_each_bin_and_quotes_all_names(text: str) -> None:
    out = draw(text, drawing.dot)
    assert out.startswith("digraph vflow {\n")
    assert out.count("{") == out.count("}")
    assert out.count('"') % 2 == 0
    assert out.count("subgraph cluster_") == len(load_text(text).aliases)
    assert set(re.findall(r"thread \d+", out)) == set(re.findall(r"thread \d+", draw(text)))


@pytest.mark.parametrize("form", [drawing.mermaid, drawing.dot])
def test_the_nodes_of_a_bin_stand_in_it(form: Callable[[Graph], str]) -> None:
    depth, found = 0, {}
    for line in map(str.strip, form(agent()).splitlines()):
        depth += line.startswith("subgraph")
        depth -= line in ("end", "}")
        if name := re.match(r'(?:n\d+[\[{]+)?"([a-z_.]+)', line):
            found.setdefault(name[1], depth)
    inside = {name for name, deep in found.items() if deep}
    assert inside == {"vad.detector", "vad.turn", "generator.stt", "generator.chat"}


def test_links_that_lead_back_do_not_change_the_layout() -> None:
    (back,) = [line for line in draw(CYCLE, drawing.dot).splitlines() if '"b" -> "a"' in line]
    assert "constraint=false" in back
    assert draw(CYCLE, drawing.dot).count("constraint=false") == 1


@pytest.mark.parametrize("form", [drawing.text, drawing.mermaid, drawing.dot])
def test_links_are_marked_as_flushed_or_held(form: Callable[[Graph], str]) -> None:
    lines = [line for line in form(agent()).splitlines() if "packets" in line]
    words = {(f, h): sum(("flushed" in line, "held" in line) == (f, h) for line in lines) for f, h in PAIRS}
    assert words == {(False, False): len(lines) - 4, (True, False): 3, (True, True): 1, (False, True): 0}


def test_a_link_that_crosses_threads_is_drawn_bold_with_its_queue() -> None:
    lines = draw(CHAIN, drawing.dot).splitlines()
    assert any('"tone" -> "low"' in line and "leaky-oldest" in line and "penwidth" in line for line in lines)
    assert any(
        '"low" -> "end"' in line and "packets" not in line and "penwidth" not in line for line in lines
    )
