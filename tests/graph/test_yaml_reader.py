"""YAML with places: YAML 1.2's scalars, references, and what is refused before it can do harm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vflow import GraphError
from vflow.errors import Place
from vflow.graph.yaml_reader import MAX_DEPTH, Value, parse, read_file, scalar


def said(text: str) -> str:
    with pytest.raises(GraphError) as info:
        parse(text, "f.yaml")
    return str(info.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("on", "on"),
        ("yes", "yes"),
        ("0x1f", 31),
        ("0o17", 15),
        ("017", 17),
        ("-1_000", -1000),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        (".inf", float("inf")),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("1" * 5000, float("inf")),
        ("480ms", "480ms"),
    ],
)
def test_a_plain_scalar_follows_yaml_1_2(text: str, value: Any) -> None:
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_every_value_and_key_knows_its_place() -> None:
    value = parse("a: 1\nb:\n  - {c: two}\n", "f.yaml")
    assert value.keys is not None
    assert value.keys["b"] == Place("f.yaml", 2, 1)
    (item,) = value.data["b"].data
    assert item.data["c"] == Value("two", Place("f.yaml", 3, 9))
    assert value.plain() == {"a": 1, "b": [{"c": "two"}]}
    assert len(list(value.walk())) == 5


def test_quoted_number_is_text() -> None:
    assert parse("a: '1'\nb: \"on\"\nc: |\n  2\n", "f").plain() == {"a": "1", "b": "on", "c": "2\n"}


def test_a_reference_is_replaced_and_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", "007")
    top = parse('a: ${RATE}\nb: "${RATE}"\nc: "x${RATE}y"\nd: ["${RATE}"]\ne: ${NOT_SET_X:-on}', "f").data
    assert [top[name].plain() for name in "abcde"] == [7, 7, "x007y", [7], "on"]
    assert [str(top[name]) for name in "abcd"] == ["${RATE}", "${RATE}", "x${RATE}y", "${RATE}"]
    assert top["a"].text == "007"


def test_a_parameter_goes_before_the_environment_with_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("rate", "1")
    outer = parse("[1, 2]", "outer.yaml")
    top = parse('a: "${rate}"\nb: "${rate}!"', "f.yaml", {"rate": outer}).data
    assert top["a"] is outer
    assert top["b"].plain() == "[1, 2]!"


def test_keys_are_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "a")
    assert parse("${KEY}: 1", "f").plain() == {"${KEY}": 1}


def test_a_documents_own_params_are_the_defaults() -> None:
    text = "params: {rate: 3, name: a}\nb: ${rate}\nc: ${name}"
    assert parse(text, "f").data["b"].plain() == 3
    found = parse(text, "f", {"rate": Value(4, Place("outer"))}).data
    assert [found[key].plain() for key in "bc"] == [4, "a"]


def test_a_param_in_text_is_written_as_it_was_given() -> None:
    given = {"rate": Value(7, Place("outer"), text="007")}
    assert parse("a: x${rate}", "f", given).data["a"].plain() == "x007"


def test_wrong_param_is_reported_once_beside_other_findings() -> None:
    assert said("params: {rate: !x 3}\nb: ${NOT_SET_X}\nc: ${rate}").count("error:") == 2


def test_all_findings_come_at_once() -> None:
    text = said("a: !x 1\na: 2\n? [k]\n: 1\nb: ${NOT_SET_X}\n")
    assert [line.split(" ")[0] for line in text.splitlines()] == [
        "f.yaml:1:4:",
        "f.yaml:2:1:",
        "f.yaml:3:3:",
        "f.yaml:5:4:",
    ]


@pytest.mark.parametrize(
    "text", ["[" * 90_000, "{a: " * 90_000, "- " * 90_000 + "a", "[" * 90_000 + "]" * 90_000]
)
def test_deep_nesting_is_an_error_and_no_crash(text: str) -> None:
    assert f"nested more than {MAX_DEPTH} deep" in said(text)


def test_nesting_by_aliases_is_bounded_too() -> None:
    lines = ["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000))]
    assert f"nested more than {MAX_DEPTH} deep" in said("\n".join(lines))


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_file(tmp_path / "f.yaml") == "a: 1"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:-[]{}*&!|>'\"#,?\n \t$%@`0.\x00é", max_size=40))
def test_any_text_is_read_or_refused_with_a_message(text: str) -> None:
    try:
        parse(text, "f.yaml").plain()
    except GraphError as error:
        said = [d.message for d in error.diagnostics]
        if not all(said):
            raise


@pytest.mark.parametrize("name", ["a\0b.yaml", "\ud800.yaml", "n" * 300 + ".yaml"])
def test_impossible_file_name_is_an_error(name: str) -> None:
    with pytest.raises(GraphError):
        read_file(Path(name))


def test_a_pipe_that_nobody_writes_to_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "g.yaml")
    with pytest.raises(GraphError, match="is a pipe"):
        read_file(tmp_path / "g.yaml")


def test_a_pipe_of_the_shell_is_read() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a: 1")
    os.close(writer)
    try:
        assert read_file(Path(f"/dev/fd/{reader}")) == "a: 1"
    finally:
        os.close(reader)


def test_unset_variable_is_an_error_only_if_its_value_is_used() -> None:
    found = parse("params: {k: '${NOT_SET_X}'}\na: ${NOT_SET_X}\nb: [1, {c: '-${k}-'}]\nd: 1", "f").data
    assert [len(found[key].all_unset()) for key in "abd"] == [1, 1, 0]


def test_value_knows_which_parts_came_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "hunter2")
    found = parse("params: {k: 'x-${KEY}'}\na: /d/${KEY}/e\nb: ${k}\nc: ${NOT_SET_X:-on}", "f").data
    assert [dict(found[key].secrets) for key in "abc"] == [{"hunter2": "${KEY}"}, {"hunter2": "${KEY}"}, {}]
