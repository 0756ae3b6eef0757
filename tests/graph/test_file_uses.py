"""Files that a graph would overwrite: by whatever name, before anything is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from vflow import GraphError, Node, Out, Text, load, prop
from vflow.graph.file_uses import FileUse, clashes, missing


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    soundfile.write("in.wav", np.full(160, 0.1), 16000)
    return tmp_path


def copying(target: str, more: str = "") -> str:
    """Return a graph that copies in.wav to `target`."""
    return (
        "vflow: 1\nnodes:\n  a: {use: wav_source, file: in.wav, pace: free}\n"
        f"  b: {{use: wav_sink, file: {target!r}, sync: false}}\n{more}links:\n  - a -> b\n"
    )


def refusal(text: str) -> str:
    Path("g.yaml").write_text(text)
    with pytest.raises(GraphError) as caught:
        load("g.yaml")
    return str(caught.value)


def link(make: Callable[[], object], name: str) -> str:
    make()
    return name


@pytest.mark.parametrize(
    "name",
    [
        lambda: "in.wav",
        lambda: "./in.wav",
        lambda: os.path.abspath("in.wav"),
        lambda: link(lambda: os.mkdir("below"), "below/../in.wav"),
        lambda: link(lambda: os.symlink("in.wav", "soft.wav"), "soft.wav"),
        lambda: link(lambda: os.link("in.wav", "hard.wav"), "hard.wav"),
        lambda: link(lambda: os.symlink(".", "here"), "here/in.wav"),
    ],
)
def test_sink_that_would_overwrite_a_sources_file_is_refused_under_any_name(name: Callable[[], str]) -> None:
    said = refusal(copying(name()))
    assert said.startswith("g.yaml:4:")
    assert "b would overwrite what the run reads: a reads the same file; name another file" in said


def test_sink_that_would_overwrite_the_graph_file_is_refused() -> None:
    assert "the graph itself reads the same file" in refusal(copying("g.yaml"))


def test_sink_that_would_overwrite_a_bins_file_is_refused() -> None:
    Path("bin.yaml").write_text(
        "vflow: 1\nports: {audio: i.any}\nnodes:\n  i: {use: 'null'}\nlinks: []\n".replace("i.any", "i")
    )
    said = refusal(copying("bin.yaml", "  c: {use: bin.yaml}\n"))
    assert "the graph of the bin c reads the same file" in said


def test_two_sinks_on_one_file_are_refused_before_the_file_exists() -> None:
    said = refusal(
        copying("out.wav", "  c: {use: wav_sink, file: ./out.wav}\n").replace("a -> b", "a -> [b, c]")
    )
    assert "c would overwrite what the run writes: b writes the same file" in said


def test_property_declared_as_a_file_is_protected_in_any_node() -> None:
    class Notes(Node):
        log: str = prop(file="writes")
        words = Out(Text("word"))

        def produce(self) -> list[None]:
            return []

    text = "vflow: 1\nnodes:\n  n: {use: notes, log: g.yaml}\nlinks: []\n"
    Path("g.yaml").write_text(text)
    with pytest.raises(GraphError, match="n would overwrite what the run reads: the graph itself"):
        load("g.yaml", nodes={"notes": Notes})


@pytest.mark.parametrize("given", ["[out.txt, in.wav]", "[[in.wav]]", "{a: in.wav}"])
def test_each_file_of_a_property_that_names_several_is_protected(given: str) -> None:
    class Joined(Node):
        files: Any = prop(file="reads")
        words = Out(Text("word"))

        def produce(self) -> list[None]:
            return []

    text = f"nodes:\n  j: {{use: joined, files: {given}}}\nlinks: []\n"
    Path("g.yaml").write_text(text)
    graph = load("g.yaml", nodes={"joined": Joined})
    (found,) = clashes([*graph.files, FileUse("in.wav", "writes", "the report")])
    assert "j reads the same file" in found.message


def test_a_file_that_is_read_from_the_users_home_is_protected(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    assert list(clashes([FileUse("~/in.wav", "reads", "chat"), FileUse("in.wav", "writes", "sink")]))


def test_value_of_an_environment_variable_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    os.link("in.wav", "hidden.wav")
    monkeypatch.setenv("SECRET", "hidden.wav")
    assert "hidden" not in refusal(copying("${SECRET}"))


def test_devices_may_be_written_by_many() -> None:
    uses = [FileUse(os.devnull, "writes", name) for name in "ab"]
    assert not list(clashes(uses))


def test_a_file_of_a_model_is_not_overwritten_but_a_recording_beside_it_is(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"weights")
    reads = FileUse(str(folder), "reads", "tts")
    assert list(clashes([reads, FileUse("model.onnx", "writes", "sink")]))
    assert not list(clashes([reads, FileUse("in.wav", "writes", "sink")]))
    assert not list(clashes([reads, FileUse("new.wav", "writes", "sink")]))


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "gone/out.wav", ""])
def test_file_name_that_cannot_be_written_is_no_clash(name: str) -> None:
    assert not list(clashes([FileUse("in.wav", "reads", "a"), FileUse(name, "writes", "b")]))


@pytest.mark.parametrize(
    ("file", "count"), [("smollm2", 0), ("owner/name", 0), ("./gone", 1), ("/a/b/gone", 1), ("a/b/c", 1)]
)
def test_only_a_path_is_reported_as_missing(file: str, count: int) -> None:
    assert len(list(missing([FileUse(file, "reads", "it")]))) == count
    assert not list(missing([FileUse(file, "writes", "it")]))


class Keeper(Node):
    """Reads a folder."""

    model: str = prop("", file="reads", doc="a folder")
    words = Out(Text("word"))

    def produce(self) -> Iterator[None]:
        yield from ()


class Lender(Node):
    """Drives another node when it fails."""

    instead: dict[str, object] = prop({}, doc="a node in its place")
    words = Out(Text("word"))

    def produce(self) -> Iterator[None]:
        yield from ()


@pytest.mark.parametrize(
    ("instead", "found"),
    [("{use: keeper, model: ./gone}", ["a: ./gone is not here"]), ("{use: no_such}", []), ("{use: 7}", [])],
)
def test_the_files_of_a_node_that_takes_anothers_place_are_known(instead: str, found: list[str]) -> None:
    text = f"nodes:\n  a: {{use: lender, instead: {instead}}}\n  b: {{use: null}}\nlinks: [a -> b]\n"
    Path("g.yaml").write_text(text)
    graph = load("g.yaml", nodes={"keeper": Keeper, "lender": Lender})
    assert [warning.message for warning in missing(graph.files)] == found
