"""`vflow graph`: drawings of chains, branches, fan-in, cycles, converters and bins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Vflow
from vflow.cli.graph import printable

CHAIN = """\
nodes:
  tone: {use: test_tone}
  low:  {use: resample, rate: 8000}
  end:  {use: "null"}
links:
  - tone -> low -> end
"""
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


def draw(vflow: Vflow, text: str, *options: str) -> str:
    ran = vflow("graph", "g.yaml", *options, files={"g.yaml": text})
    assert ran.code == 0
    assert ran.err == ""
    return ran.out


def test_a_chain_goes_straight_down(vflow: Vflow) -> None:
    assert draw(vflow, CHAIN).splitlines()[:5] == [
        "tone  test_tone  thread 1",
        "║     audio > audio   audio(rate=16000, channels=1)   1024 packets, 2s, leaky-oldest",
        "low   resample   thread 2",
        "│     out > input   audio(rate=8000, channels=1)",
        "end   null       thread 2",
    ]


def test_a_branch_is_drawn_beside_and_fan_in_below_its_last_input(vflow: Vflow) -> None:
    drawn = [line[:18].rstrip() for line in draw(vflow, BRANCHES).splitlines()]
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


def test_a_cycle_is_drawn_once_around(vflow: Vflow) -> None:
    out = draw(vflow, CYCLE)
    assert [name for name in ("tone", "a", "b", "end") if re.search(rf"^{name} ", out, re.MULTILINE)] == [
        "tone",
        "a",
        "b",
        "end",
    ]
    assert out.count("a (above)") == 1
    assert "a (below)" not in out
    assert re.search(r"a \(above\).*leaky-oldest, at most 1s old, keep", out)


def test_bins_and_converters_are_told_from_nodes(vflow: Vflow) -> None:
    out = draw(vflow, BIN)
    assert "vad is a bin: vad.energy" in out
    assert re.search(r"^vad.detector +detector.energy +thread", out, re.MULTILINE)
    assert re.search(r"^vad.detector.resample +resample \(converter, inserted\)", out, re.MULTILINE)


def test_an_output_that_goes_nowhere_is_drawn(vflow: Vflow) -> None:
    out = draw(vflow, "nodes:\n  tone: {use: test_tone}\n")
    assert "·     audio   audio(rate=16000, channels=1)   not linked" in out


@pytest.mark.parametrize("text", GRAPHS)
def test_every_node_and_link_is_in_the_mermaid_chart(vflow: Vflow, text: str) -> None:
    lines = draw(vflow, text, "--format", "mermaid").splitlines()
    assert lines[0] == "flowchart LR"
    assert sum(line.strip() == "end" for line in lines) == sum("subgraph" in line for line in lines)
    nodes = [m for line in lines if (m := re.fullmatch(r'    (n\d+)(\["[^"]+"\]|\{\{"[^"]+"\}\})', line))]
    links = [m for line in lines if (m := re.fullmatch(r'  (n\d+) (==>|-->)\|"[^"]+"\| (n\d+)', line))]
    ids = {node[1] for node in nodes}
    assert len(nodes) == len(ids)
    assert {link[1] for link in links} | {link[3] for link in links} == ids
    others = ("flowchart", "  subgraph", "  end", "  classDef", "  class ")
    assert len(nodes) + len(links) == sum(not line.startswith(others) for line in lines)


def test_a_converter_is_a_hexagon_in_mermaid_and_dot(vflow: Vflow) -> None:
    assert '{{"vad.detector.resample<br/>resample (converter, inserted)"}}' in draw(
        vflow, BIN, "--format", "mermaid"
    )
    assert re.search(r'"vad.detector.resample" \[.*shape=hexagon', draw(vflow, BIN, "--format", "dot"))


@pytest.mark.parametrize("text", GRAPHS)
def test_dot_has_a_cluster_for_each_thread_and_quotes_all_names(vflow: Vflow, text: str) -> None:
    out = draw(vflow, text, "--format", "dot")
    assert out.startswith("digraph vflow {\n")
    assert out.count("{") == out.count("}")
    assert out.count('"') % 2 == 0
    threads = {int(n) for n in re.findall(r"thread (\d+)", draw(vflow, text))}
    assert {int(n) for n in re.findall(r"subgraph cluster_(\d+)", out)} == threads


def test_a_link_that_crosses_threads_is_drawn_bold_with_its_queue(vflow: Vflow) -> None:
    lines = draw(vflow, CHAIN, "--format", "dot").splitlines()
    assert any('"tone" -> "low"' in line and "leaky-oldest" in line and "penwidth" in line for line in lines)
    assert any(
        '"low" -> "end"' in line and "packets" not in line and "penwidth" not in line for line in lines
    )


def test_the_drawing_goes_to_a_file(vflow: Vflow, tmp_path: Path) -> None:
    assert draw(vflow, CHAIN, "-o", "out.txt") == ""
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == draw(vflow, CHAIN)


def test_a_file_that_cannot_be_written_is_told(vflow: Vflow) -> None:
    ran = vflow("graph", "g.yaml", "-o", "no/out.dot", files={"g.yaml": CHAIN})
    assert ran.code == 2
    assert ran.err == "no/out.dot: error: cannot be written: No such file or directory\n"


def test_a_wrong_graph_is_not_drawn(vflow: Vflow) -> None:
    ran = vflow("graph", "g.yaml", files={"g.yaml": CHAIN.replace("test_tone", "test_tome")})
    assert ran.code == 2
    assert ran.out == ""
    assert "did you mean 'test_tone'?" in ran.err


def test_a_terminal_without_line_drawing_gets_ascii(vflow: Vflow) -> None:
    drawn = draw(vflow, BRANCHES)
    assert printable(drawn, "utf-8") == drawn
    assert printable(drawn, "ascii").isascii()
    assert "|   +== join (below)" in printable(drawn, "ascii")


def test_without_a_terminal_nothing_is_drawn_and_nothing_fails(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert vflow("graph", "g.yaml", files={"g.yaml": CHAIN}).code == 0
