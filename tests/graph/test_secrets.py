"""No printed text shows a value from the environment."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.stand_ins import Gives
from vflow import GraphError, Out, Text, Unavailable, prop
from vflow.errors import repr_of
from vflow.graph.loader import load, load_text
from vflow.graph.secrets import Secrets

VALUE = "Hunter2 \\ 'ü'/s3cr3t+x"


@pytest.mark.parametrize(
    "form",
    [VALUE, repr(VALUE), json.dumps(VALUE), quote(VALUE), quote(VALUE, safe=""), VALUE.upper(), "s3cr3t+x",
     f"file_{VALUE}_x", f"{VALUE}.gguf", f"no such file: {Path.cwd() / VALUE}", VALUE.replace("/", "--")],
)  # fmt: skip
def test_a_value_is_hidden_however_it_is_written(form: str) -> None:
    shown = Secrets({VALUE: "${KEY}"}).hide(f"at {form}: no")
    assert "3cr3t" not in shown.lower()
    assert "${KEY}" in shown


def test_a_long_value_is_hidden_where_a_message_cuts_it() -> None:
    value = "sk-" + "abc123" * 40
    assert "abc123" not in Secrets({value: "${KEY}"}).hide(f"takes int, not {repr_of(value)}")


def test_each_line_of_a_value_is_hidden() -> None:
    assert Secrets({"-----BEGIN\nabcdef12\n": "${KEY}"}).hide("bad line: abcdef12") == "bad line: ${KEY}"


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("en", "the end: en", "the end: ${V}"),
        ("3", "3 of 30", "${V} of 30"),
        ("16000", "116000 Hz, not 16000", "116000 Hz, not ${V}"),
        ("turn", "a turn returns", "a ${V} returns"),
        ("-", "a - b", "a - b"),
        ("", "a", "a"),
        ("V", "${V} V", "${V} ${V}"),
    ],
)
def test_a_short_value_is_hidden_as_a_word_alone(value: str, text: str, shown: str) -> None:
    assert Secrets({value: "${V}"}).hide(text) == shown


def test_value_inside_another_value_is_hidden_completely() -> None:
    assert Secrets({"abcd": "${A}", "abcd-efgh1": "${B}"}).hide("x abcd-efgh1 abcd") == "x ${B} ${A}"


class Nosy(Gives):
    """Names its property's value in an error while the graph is built."""

    key: str = prop("")
    words = Out(Text("word"))

    def port_caps(self, port: str) -> Text:
        if self.key.endswith("now"):
            raise Unavailable(f"model_{self.key}.bin is not here")
        return Text("word")


def test_graph_knows_all_values_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "s3cr3t")
    monkeypatch.setenv("OUTER", "0uter-x")
    (tmp_path / "b.yaml").write_text(
        "params: {k: '${KEY}'}\nports: {words: n.words}\nnodes: {n: {use: nosy, key: 'a${k}'}}\n"
    )
    (tmp_path / "g.yaml").write_text(
        "nodes:\n  b: {use: b.yaml}\n  c: {use: b.yaml, k: '${OUTER}'}\n"
        "  z: {use: 'null'}\nlinks: [b -> z, c -> z]\n"
    )
    graph = load(tmp_path / "g.yaml", nodes={"nosy": Nosy})
    assert graph.secrets.values == {"s3cr3t": "${KEY}", "0uter-x": "${OUTER}"}
    assert graph.nodes["c.n"].values == {"key": "a0uter-x"}


def test_a_default_is_no_secret() -> None:
    text = "nodes:\n  n: {use: nosy, key: '${NOT_SET_X:-plain}'}\n  z: {use: 'null'}\nlinks: [n -> z]\n"
    assert load_text(text, nodes={"nosy": Nosy}).secrets.values == {}


@pytest.mark.parametrize(
    "node",
    ["{use: nosy, key: 'a-${KEY}'}", "{use: '${KEY}.yaml'}", "{use: '${KEY}'}", "{use: nosy, '${KEY}': 1}"],
)
def test_no_finding_of_a_graph_shows_a_value_from_the_environment(
    node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "s3cr3t-now")
    with pytest.raises(GraphError) as info:
        load_text(f"nodes:\n  n: {node}\n  z: {{use: 'null'}}\nlinks: [n -> z]\n", nodes={"nosy": Nosy})
    assert "s3cr3t" not in str(info.value)


def test_the_file_of_a_bin_is_named_by_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDER", str(tmp_path))
    (tmp_path / "b.yaml").write_text("ports: {words: n.words}\nnodes: {n: {use: nosy, kee: 1}}\n")
    with pytest.raises(GraphError) as info:
        load_text("nodes: {b: {use: '${FOLDER}/b.yaml'}}\n", nodes={"nosy": Nosy})
    assert str(tmp_path) not in str(info.value)
    assert "${FOLDER}/b.yaml:2" in str(info.value)
