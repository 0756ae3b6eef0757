"""Nodes, roles and bins of a file: what is taken, passed over and left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.graph.graphs import NODES, Fancy, Mic, build, said
from vflow import (
    Bin,
    GraphError,
    load,
)
from vflow.graph.expansion import MAX_NODES
from vflow.graph.graph import ErrorPolicy, RoleChoice
from vflow.graph.loader import load_text
from vflow.graph.registry import NodeClass, Registry


def test_a_role_is_recorded_with_what_it_took_and_passed_over() -> None:
    choice = build("  m: {use: mic}").roles["m"]
    assert isinstance(choice, RoleChoice)
    assert (choice.role, choice.taken) == ("mic", "mic.plain")
    assert "mic.fancy: no sparkle here" in choice.passed_over


def test_a_property_of_a_role_that_its_candidate_lacks_is_left_out() -> None:
    graph = build("  m: {use: mic, frame: 32ms, device: usb}")
    assert graph.nodes["m"].values == {"device": "usb"}
    (warning,) = graph.warnings
    assert warning.startswith("<text>:2:17: warning: m: mic.plain has no property 'frame': it is ignored")


class Torn(Bin):
    """A bin that names a node that does not exist."""

    rank = 3000
    graph = "ports: {audio: x}\nproxy: [x]\nnodes:\n  x: {use: mike}\n"


class Garbled(Torn):
    graph = "nodes: [1]"


class Unsure(Fancy):
    @classmethod
    def unavailable(cls) -> str:
        raise OSError("no bus")


class Leaves(Fancy):
    @classmethod
    def unavailable(cls) -> str:
        raise SystemExit("enough")


@pytest.mark.parametrize("bad", [Torn, Garbled, Unsure, Leaves])
def test_a_broken_candidate_does_not_break_a_graph_that_names_the_role(bad: NodeClass) -> None:
    text = "nodes:\n  m: {use: mic}\n  e: {use: ear}\nlinks: [m -> e]\n"
    graph = load_text(text, nodes={**NODES, "mic.bad": bad})
    assert graph.nodes["m"].resolved == "mic.plain"


@pytest.mark.parametrize(
    ("bad", "message"),
    [(Torn, "<mic.bad>:4:12: error: no node is named 'mike'"), (Garbled, "<mic.bad>:1:8: error: nodes is a")],
)
@pytest.mark.parametrize("required", [True, False])
def test_a_broken_bin_that_is_named_has_its_errors(bad: NodeClass, message: str, required: bool) -> None:
    text = "nodes:\n  m: {use: mic.bad, device: usb}\n  e: {use: ear}\nlinks: [m -> e]\n"
    with pytest.raises(GraphError, match=message):
        load_text(text, nodes={**NODES, "mic.bad": bad}, require_available=required)


@pytest.mark.parametrize("required", [True, False])
def test_a_role_with_nothing_but_broken_candidates_has_their_errors(required: bool) -> None:
    nodes: dict[str, NodeClass] = dict.fromkeys(
        (name for name in Registry().names() if name.startswith("tts.")), Torn
    )
    with pytest.raises(GraphError, match="no node is named 'mike'"):
        load_text("nodes:\n  t: {use: tts, voice: x}\n", nodes=nodes, require_available=required)


def test_a_property_that_only_another_candidate_has_names_it() -> None:
    assert "mic.fancy has it: write 'use: mic.fancy'" in said("  m: {use: mic, sparkle: 3}")


def test_a_role_that_nothing_can_play_is_an_error_or_a_warning() -> None:
    class Nobody(Mic):
        @classmethod
        def unavailable(cls) -> str:
            return "no device"

    text = "nodes:\n  m: {use: tts}\n"
    nodes: dict[str, NodeClass] = dict.fromkeys(
        (n for n in Registry().names() if n.startswith("tts.")), Nobody
    )
    with pytest.raises(GraphError, match="m: nothing can play the role 'tts' here: tts"):
        load_text(text, nodes=nodes)
    (warning,) = load_text(text, nodes=nodes, require_available=False).warnings
    assert warning.startswith("<text>:2:12: warning: m: nothing can play the role 'tts' here: tts")


def test_unavailable_named_node_is_a_warning_if_nothing_runs() -> None:
    graph = build("  m: {use: mic.fancy}", require_available=False)
    assert graph.warnings == ("<text>:2:12: warning: m: no sparkle here",)


def test_a_bin_of_the_registry_has_params() -> None:
    assert build("  m: {use: box}").nodes["m.inner"].values == {"gain": 2}
    graph = build("  m: {use: box, loudness: 9}")
    assert graph.nodes["m.inner"].values == {"gain": 9}
    assert graph.aliases == {"m": "box"}


def test_a_bins_error_policy_is_that_of_its_nodes() -> None:
    graph = build("  m: {use: box, on_error: {restart: 2}}")
    assert graph.nodes["m.inner"].on_error == ErrorPolicy("restart", 2)


def test_bins_in_bins_have_long_names_and_relative_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "g.yaml").write_text("nodes:\n  a: {use: sub/a.yaml}\n  e: {use: ear}\nlinks: [a -> e]\n")
    inside = "ports: {audio: x.audio}\nproxy: [x]\nnodes:\n  x: {use: %s}\n"
    (tmp_path / "sub" / "a.yaml").write_text(inside % "./b.yaml" + "  # below\n")
    (tmp_path / "sub" / "b.yaml").write_text(inside % "mic")
    graph = load(tmp_path / "g.yaml", nodes=NODES)
    assert list(graph.nodes) == ["a.x.x", "e"]
    assert [link.name for link in graph.links] == ["a.x.x.audio -> e.audio"]
    assert list(graph.roles) == ["a.x.x"]


def test_a_bins_file_can_be_loaded_alone_with_its_own_defaults() -> None:
    text = (
        "params: {gain: 2}\nports: {sound: e.audio, words: e.also}\n"
        'nodes:\n  m: {use: mic, gain: "${gain}"}\n  e: {use: ear}\n'
    )
    assert load_text(text + "links: []\n", nodes=NODES).nodes["m"].values == {"gain": 2}
    with pytest.raises(GraphError, match=r"<text>:2:16: error: port 'sound' of the bin: e has no port"):
        load_text(text.replace("e.audio", "e.oudio") + "links: []\n", nodes=NODES)


def test_bins_that_multiply_are_bounded(tmp_path: Path) -> None:
    for n in range(7):
        inner = "\n".join(f"  x{i}: {{use: ./b{n + 1}.yaml}}" for i in range(10))
        (tmp_path / f"b{n}.yaml").write_text(f"ports: {{audio: x0.audio}}\nnodes:\n{inner}\nlinks: []\n")
    (tmp_path / "b7.yaml").write_text("ports: {audio: x.audio}\nnodes:\n  x: {use: nothing_like_it}\n")
    with pytest.raises(GraphError, match=f"the graph has more than {MAX_NODES:,} nodes"):
        load(tmp_path / "b0.yaml", nodes=NODES)
