"""A graph file is read into records."""

from __future__ import annotations

import pytest

from vflow import SECOND, GraphError, QueueOptions
from vflow.errors import Diagnostic
from vflow.graph.document import Document, read
from vflow.graph.graph import Budget
from vflow.graph.yaml_reader import parse


def document(text: str) -> Document:
    diagnostics: list[Diagnostic] = []
    found = read(parse(text, "g.yaml"), "g.yaml", diagnostics)
    assert diagnostics == []
    return found


def said(text: str) -> list[str]:
    diagnostics: list[Diagnostic] = []
    read(parse(text, "g.yaml"), "g.yaml", diagnostics)
    return [str(d) for d in diagnostics]


NODES = "nodes:\n  a: {use: x}\n  b: {use: y}\n"


def test_chain_becomes_a_link_for_each_arrow_at_the_place_of_its_source() -> None:
    links = document(NODES + "links:\n  - a -> b.in -> a.x\n").links
    ends = [(x.source.node, x.source.port, x.target.node, x.target.port) for x in links]
    assert ends == [("a", None, "b", "in"), ("b", "in", "a", "x")]
    assert [link.place.column for link in links] == [5, 10]
    assert [link.target.place.column for link in links] == [10, 18]


def test_a_link_with_options_changes_the_ports_bounds_only_where_it_says_so() -> None:
    text = "links:\n  - {from: a, to: b, queue: {packets: 5, max_age: 3s}, keep: true, convert: never}\n"
    (link,) = document(NODES + text).links
    assert link.queue is not None
    assert link.queue(QueueOptions(time_ns=9, policy="error")) == QueueOptions(
        5, 9, "error", 3 * SECOND, True
    )
    assert not link.convert


def test_properties_are_read_beside_use_and_below_params() -> None:
    node = document("nodes:\n  a: {use: x, rate: 3, params: {size: 4}, order: pts}\n").nodes["a"]
    assert {name: value.plain() for name, value in node.values.items()} == {"rate": 3, "size": 4}
    assert node.keys["size"].column == 33
    assert node.order == "pts"


def test_the_node_null_needs_no_quotes() -> None:
    assert document("nodes:\n  a: {use: null}\n").nodes["a"].use == "null"


def test_budget_threads_and_the_keys_of_a_bin_are_read() -> None:
    found = document(
        "doc: hello\nbudget: {from: voice_off, to: first_audio, max: 1s}\nthreads: {torch: 2}\n"
        "params: {rate: 8000}\nports: {in: a.x, out: b}\nproxy: [a]\n" + NODES + "links: []\n"
    )
    assert isinstance(found.budget, Budget)
    assert (found.budget.start, found.budget.limit_ns) == ("voice_off", SECOND)
    assert found.threads == {"torch": 2}
    assert found.params["rate"].plain() == 8000
    assert [(n, e.node, e.port) for n, e in found.ports.items()] == [("in", "a", "x"), ("out", "b", None)]
    assert found.proxy == ["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("budget: {from: speech_end}", "g.yaml:1:9: error: a budget has a 'max'; add 'max: 800ms'"),
        ("budget: {max: 0}", "g.yaml:1:15: error: max is longer than 0"),
        ("budget: {max: 1s, from: speech_ned}", "g.yaml:1:25: error: from is one of speech_end, voice_off"),
        ("threads: {torhc: 1}", "g.yaml:1:11: error: unknown key 'torhc' in threads; did you mean 'torch'?"),
        ("threads: {openmp: 1}", "g.yaml:1:11: error: unknown key 'openmp' in threads; known: torch, onnx"),
        ("name: x", "g.yaml:1:1: error: unknown key 'name' in a graph"),
        ("threads: {torch: yes}", "g.yaml:1:18: error: torch is a whole number of at least 1, not 'yes'"),
        ("convert: [1]", "g.yaml:1:10: error: convert is one of auto, never; not [1]"),
        ("params: [1]", "g.yaml:1:9: error: params is a mapping, not a list"),
        ("ports: [1]", "g.yaml:1:8: error: ports is a mapping, not a list"),
        ("proxy: {a: 1}", "g.yaml:1:8: error: proxy is a list of nodes, not a mapping; write '[name]'"),
        ("links: {a: b}", "g.yaml:1:8: error: links is a list, not a mapping; write '- a -> b -> c'"),
        ("links: [[a]]", "g.yaml:1:9: error: a link is a mapping, not a list; write '- a -> b'"),
        ("links: [3]", "g.yaml:1:9: error: a link is a mapping, not 3"),
        ("links: ['a. -> b']", "g.yaml:1:9: error: 'a.' is not the end of a link"),
        ("links: [{from: a, to: b, queue: 5}]", "g.yaml:1:33: error: queue is a mapping, not 5"),
    ],
)
def test_each_error_is_reported_with_its_place(text: str, message: str) -> None:
    found = said(text)
    assert any(line.startswith(message) for line in found), found


def test_valid_entries_are_read_beside_wrong_ones() -> None:
    diagnostics: list[Diagnostic] = []
    found = read(parse("nodes:\n  a: {use: x}\n  b: 3\n  c:\nlinks: [a]\n", "g"), "g", diagnostics)
    assert list(found.nodes) == ["a"]
    assert found.broken == {"b", "c"}
    assert len(diagnostics) == 3


@pytest.mark.parametrize("end", ["[a]", "{a: b}", "null", "''"])
def test_end_of_a_link_must_be_a_name(end: str) -> None:
    text = f"nodes: {{a: {{use: x}}, b: {{use: y}}}}\nlinks: [{{from: {end}, to: b}}]"
    found: list[Diagnostic] = []
    read(parse(text, "f"), "f", found)
    assert [d.message.endswith("is not the end of a link") for d in found] == [True]
    assert "Value(" not in found[0].message


def test_node_name_that_yaml_reads_as_a_number_or_word_stays_text() -> None:
    found: list[Diagnostic] = []
    text = "nodes: {true: {use: x}, null: {use: y}}\nlinks: [true -> null, {from: true, to: true}]"
    document = read(parse(text, "f"), "f", found)
    assert not found
    ends = [(link.source.node, link.target.node) for link in document.links]
    assert ends == [("true", "null"), ("true", "true")]


@pytest.mark.parametrize(
    "text",
    [
        "threads: {torch: 9999}",
        f"threads: {{onnxruntime: {'9' * 90}}}",
        f"threads: {{torch: {'9' * 400}}}",
        f"links: [{{from: a, to: a, queue: {{packets: {'9' * 99}}}}}]",
        f"links: [{{from: a, to: a, queue: {{time: {'9' * 400}s}}}}]",
        f"links: [{{from: a, to: a, queue: {{max_age: {'9' * 5000}h}}}}]",
        f"budget: {{max: {'9' * 400}ms}}",
        f"budget: {{max: {'9' * 400}}}",
    ],
)
def test_a_number_without_bounds_is_refused(text: str) -> None:
    found: list[Diagnostic] = []
    read(parse(f"nodes: {{a: {{use: x}}}}\n{text}", "f"), "f", found)
    assert len(found) == 1
    assert len(found[0].message) < 200


def test_a_variable_in_the_structure_must_be_set() -> None:
    with pytest.raises(GraphError, match="NOT_SET_X is not set"):
        read(parse("nodes: {a: {use: '${NOT_SET_X}', b: 1}}", "f"), "f", [])
