"""Two streams of audio in one input: refused where they can sound at once, with what mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stand_ins import Gives, Takes
from vflow import Audio, Graph, GraphError, In, Node, Out, Text
from vflow.graph.loader import load_text


class Live(Gives):
    live = True
    audio = Out(Audio(rate=16_000, channels=1))


class File(Gives):
    audio = Out(Audio(rate=24_000, channels=2))


class Words(Gives):
    words = Out(Text("chunk"))


class Router(Takes):
    into = In(Text("chunk"))
    left = Out(Text("chunk"))
    right = Out(Text("chunk"))


class Voice(Takes):
    text = In(Text("chunk"))
    audio = Out(Audio(rate=24_000, channels=1))


class Agent(Takes):
    generates = True
    audio = In(Audio(rate=16_000, channels=1))
    reply = Out(Audio(rate=24_000, channels=1))


class Pass(Takes):
    audio = In(Audio())
    out = Out(Audio())


class Ear(Takes):
    audio = In(Audio(rate=16_000, channels=1))


class Ears(Takes):
    audio = In(Audio(rate=16_000, channels=1), several=True)


class Canceller(Takes):
    audio = In(Audio(rate=16_000, channels=1))
    reference = In(Audio(rate=16_000, channels=1))


NODES: dict[str, type[Node]] = {cls.__name__.lower(): cls for cls in (
    Live, File, Words, Router, Voice, Agent, Pass, Ear, Ears, Canceller
)}  # fmt: skip


def build(*links: str, order: str = "") -> Graph:
    """Load a graph whose nodes are named after their class, with a number if there are several."""
    names = dict.fromkeys(part.partition(".")[0] for link in links for part in link.split(" -> "))
    lines = ["nodes:"]
    for name in names:
        keys = ", order: pts" if name == order else ""
        lines.append(f"  {name}: {{use: {name.rstrip('0123456789')}{keys}}}")
    return load_text("\n".join([*lines, "links:", *(f"  - {link}" for link in links)]) + "\n", nodes=NODES)


def refused(*links: str) -> str:
    with pytest.raises(GraphError) as raised:
        build(*links)
    (found,) = raised.value.diagnostics
    assert found.place is not None
    return f"line {found.place.line}: {found}"


@pytest.mark.parametrize(
    "links",
    [
        ("live1 -> ear", "live2 -> ear"),
        ("live -> ear", "file -> ear"),
        ("file1 -> ear", "file2 -> ear"),
        ("live1 -> pass1 -> ear", "live2 -> pass2 -> ear"),
        ("live -> ear", "words -> voice -> ear"),
        ("words -> voice -> ear", "file -> ear"),
        ("live -> agent -> ear", "file -> ear"),
        ("live -> pass1 -> ear", "live -> pass2 -> ear"),
        ("live -> ear", "live -> pass -> ear"),
        ("words -> voice -> pass1 -> ear", "voice -> pass2 -> ear"),
        ("words -> voice1 -> ear", "words -> voice2 -> ear"),
        ("live1 -> canceller.reference", "file -> canceller.reference", "live1 -> canceller.audio"),
    ],
)
def test_streams_that_can_sound_at_once_are_refused(links: tuple[str, ...]) -> None:
    assert "mix" in refused(*links)


@pytest.mark.parametrize(
    "links",
    [
        ("live1 -> ears", "live2 -> ears"),
        ("words1 -> voice1 -> ear", "words2 -> voice2 -> ear"),
        ("words -> router", "router.left -> voice1 -> ear", "router.right -> voice2 -> ear"),
        ("live -> agent1 -> ear", "live -> agent2 -> ear"),
        ("live -> agent -> ear", "words -> voice -> ear"),
        ("live1 -> canceller.audio", "live2 -> canceller.reference"),
        ("live -> ear1", "live -> ear2"),
    ],
)
def test_streams_of_turns_and_inputs_that_take_several_are_allowed(links: tuple[str, ...]) -> None:
    build(*links)


def test_an_order_by_pts_is_allowed() -> None:
    build("live1 -> ear", "live2 -> ear", order="ear")


def test_a_link_that_closes_a_cycle_is_allowed() -> None:
    nodes = "nodes:\n  live: {use: live}\n  a: {use: pass}\n  b: {use: pass}\nlinks:\n  - live -> a -> b\n"
    load_text(nodes + "  - {from: b, to: a, queue: {policy: leaky-oldest}}\n", nodes=NODES)


def test_error_is_placed_at_the_second_link_with_its_mend() -> None:
    said = refused("live1 -> ear", "file -> ear")
    assert said.startswith("line 7:")
    assert "live1 and file can sound at once" in said
    assert "'live1 -> mix -> ear' and 'file -> mix'" in said


def test_graph_mixed_as_advised_loads() -> None:
    nodes = "nodes:\n  live1: {use: live}\n  file: {use: file}\n  ear: {use: ear}\n  mix: {use: mix}\n"
    graph = load_text(nodes + "links:\n  - live1 -> mix -> ear\n  - file -> mix\n", nodes=NODES)
    assert len(graph.into("ear")) == 1


def test_mend_names_the_bin_and_not_a_node_inside_it(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text("nodes:\n  capsule: {use: live}\nports: {audio: capsule.audio}\n")
    nodes = f"nodes:\n  desk: {{use: {tmp_path}/desk.yaml}}\n  file: {{use: file}}\n  ear: {{use: ear}}\n"
    with pytest.raises(GraphError, match="'desk -> mix -> ear' and 'file -> mix'"):
        load_text(nodes + "links:\n  - desk -> ear\n  - file -> ear\n", nodes=NODES)
