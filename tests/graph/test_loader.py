"""From a file to a checked graph: findings in order, passes in order, and no input that crashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.graphs import NODES, Mic, build, said
from vflow import (
    GraphError,
    In,
    Node,
    Out,
    Pipeline,
    Text,
    TextPacket,
)
from vflow.graph.linker import MAX_FUSED
from vflow.graph.loader import load, load_text


def test_a_node_whose_caps_fail_is_named() -> None:
    class Broken(Mic):
        def port_caps(self, port: str) -> Any:
            raise ZeroDivisionError("oh")

    with pytest.raises(GraphError, match=r"m: port_caps raised test_loader.py:\d+ in port_caps: Zero"):
        load_text("nodes:\n  m: {use: broken}\n", nodes={"broken": Broken})


def test_findings_come_in_the_order_of_the_file() -> None:
    text = said("  a: {use: mic, gian: 1}\n  m: {use: nothing_like_it}", "[a -> ee]")
    assert [line.split(":")[1] for line in text.splitlines()] == ["2", "3", "5"]


def test_text_from_the_environment_stays_text_for_a_text_property(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", "007")
    graph = build('  m: {use: mic, device: "${DEVICE}", gain: "${DEVICE}"}')
    assert graph.nodes["m"].values == {"device": "007", "gain": 7}


def test_a_long_chain_of_light_nodes_is_several_threads_and_runs() -> None:
    ran: list[int] = []

    class Once(Node):
        out = Out(Text("word"))

        def produce(self) -> Iterator[TextPacket]:
            yield TextPacket(text="hello")

    class Hop(Node):
        into = In(Text("word"))
        out = Out(Text("word"))

        def process(self, packet: TextPacket) -> Iterator[TextPacket]:  # a generator: the deepest there is
            ran.append(1)
            yield packet

    names = [f"n{n}" for n in range(2 * MAX_FUSED)]
    hops = "".join(f"  {name}: {{use: hop}}\n" for name in names)
    text = f"nodes:\n  s: {{use: once}}\n{hops}links:\n  - {' -> '.join(['s', *names])}\n"
    graph = load_text(text, nodes={"once": Once, "hop": Hop})
    assert [len(names) for names in graph.segments()] == [MAX_FUSED, MAX_FUSED, 1]
    with Pipeline(graph) as pipeline:
        assert pipeline.wait(timeout_s=30)
    assert len(ran) == len(names)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(),
    st.sampled_from(
        ["m", "e", "m -> e", "mic", "ear", "box", "tape", "20ms", "${X_NOT_SET:-3}", "a.b", "", "->", "."]
    ),
)
WORDS = (
    "vflow doc budget threads convert params ports proxy nodes links use on_error order from to queue keep"
    " max packets time policy restart backoff m e audio device gain file"
)
KEYS = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
NODE = st.fixed_dictionaries(
    {"use": st.sampled_from(list(NODES))}, optional={"gain": VALUES, "params": VALUES}
)
GRAPH = st.fixed_dictionaries(
    {"nodes": st.dictionaries(st.sampled_from("mea"), NODE | VALUES, max_size=3) | VALUES},
    optional={
        key: st.lists(st.sampled_from(["m -> e", "a -> e.also", "e -> m", "m"]) | VALUES, max_size=3) | VALUES
        if key == "links"
        else VALUES
        for key in ("links", "params", "ports", "proxy", "budget", "threads", "convert", "vflow", "doc")
    },
)


@settings(max_examples=300, deadline=None)
@given(GRAPH | VALUES)
def test_any_structure_is_a_graph_or_refused_with_places(tree: Any) -> None:
    try:
        load_text(yaml.safe_dump(tree), nodes=NODES)
    except GraphError as error:
        if not all(d.message and d.place for d in error.diagnostics):
            raise


def test_one_error_causes_no_further_findings() -> None:
    found = said("  m: {use: mic, gain: -1}\n  f: {use: ear}", "[m -> e, m -> x]")
    assert "out of range" in found
    assert "no node 'x'" in found
    assert "nothing feeds" not in found


MAPPING = {"nodes": {"m": {"use": "mic", "gain": 3}, "e": {"use": "null"}}, "links": ["m -> e"]}


def test_a_graph_is_taken_as_a_file_a_text_and_a_mapping(tmp_path: Path) -> None:
    text = yaml.safe_dump(MAPPING)
    path = tmp_path / "g.yaml"
    path.write_text(text)
    loaded = [load(form, nodes=NODES) for form in (path, str(path), text, MAPPING)]  # type: ignore[arg-type]
    assert [graph.nodes["m"].values for graph in loaded] == [{"gain": 3}] * 4
    assert [graph.file for graph in loaded] == [str(path), str(path), "<text>", "<mapping>"]


def test_an_error_in_a_mapping_has_its_line() -> None:
    with pytest.raises(GraphError) as error:
        load({"nodes": {"m": {"use": "mic", "gian": 3}}}, nodes=NODES)
    assert "<mapping>:5:" in str(error.value)
    assert "did you mean 'gain'" in str(error.value)


@pytest.mark.parametrize("value", [object(), float("nan"), {1: {2}}, b"x"])
def test_mapping_with_values_that_no_file_can_hold_is_refused(value: Any) -> None:
    with pytest.raises(GraphError, match=r"the mapping is no graph: .* as a graph file does"):
        load({"nodes": {"m": {"use": "mic", "gain": value}}}, nodes=NODES)


def test_a_mapping_that_holds_itself_is_refused() -> None:
    ring: dict[str, Any] = {}
    ring["nodes"] = ring
    with pytest.raises(GraphError, match="the mapping is no graph"):
        load(ring)
