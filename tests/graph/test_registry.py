"""The registry: installed nodes by entry point, and those of the application."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins import Gives
from vflow import Node, Unavailable, VflowError, prop
from vflow.graph import registry as module
from vflow.graph.registry import GROUP, Registry, UnknownNode


class Mine(Gives):
    """Mine."""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "tee": "vflow_nodes.tee:Tee",
        "tts.gone": "no_such_package.tts:Tts",
        "tts.lost": "vflow_nodes.tee:Lost",
        "tts.odd": "vflow.errors:nearest",
    }
    points = {n: importlib.metadata.EntryPoint(n, v, GROUP) for n, v in values.items()}
    monkeypatch.setattr(module, "_entry_points", lambda: points)


@pytest.mark.usefixtures("installed")
def test_names_are_listed_without_importing() -> None:
    assert Registry().names() == ["tee", "tts.gone", "tts.lost", "tts.odd"]
    assert Registry().candidates("tts") == ["tts.gone", "tts.lost", "tts.odd"]


@pytest.mark.usefixtures("installed")
def test_the_applications_node_goes_before_the_installed_one() -> None:
    registry = Registry({"tee": Mine, "mine": Mine})
    assert registry.load("tee") is Mine
    assert registry.names()[0] == "mine"
    assert Registry().load("tee").__name__ == "Tee"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "tts.gone",
            "no_such_package.tts:Tts cannot be imported: ModuleNotFoundError: No module named 'no_",
        ),
        ("tts.lost", "vflow_nodes.tee:Lost cannot be imported"),
        ("tts.odd", "vflow.errors:nearest is neither a Node nor a Bin"),
    ],
)
def test_an_entry_point_that_holds_no_node_is_unavailable(name: str, message: str) -> None:
    with pytest.raises(Unavailable, match=message):
        Registry().load(name)


@pytest.mark.usefixtures("installed")
def test_an_unknown_name_has_the_nearest_as_its_mend() -> None:
    with pytest.raises(UnknownNode, match="did you mean 'tee'"):
        Registry().load("te")
    with pytest.raises(VflowError, match="'vflow inspect' lists all nodes"):
        Registry().load("xyzzy")


def test_a_node_whose_annotations_mean_nothing_is_unavailable() -> None:
    class Odd(Node):
        level: "Decibel" = prop(1)  # type: ignore[name-defined]  # noqa: F821, UP037 - what this test is about

    with pytest.raises(Unavailable, match="the properties of odd cannot be read: NameError: name 'Decibel'"):
        Registry({"odd": Odd}).load("odd")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Mine(), "mine is an instance: name the class Mine, and set its properties in the graph"),
        (len, "mine is neither a Node nor a Bin"),
        (int, "mine is neither a Node nor a Bin"),
    ],
)
def test_application_must_give_classes_of_nodes(given: Any, message: str) -> None:
    with pytest.raises(Unavailable, match=message):
        Registry({"mine": given}).load("mine")


def test_a_node_of_vflows_own_is_one_of_its_distribution_that_no_application_has_replaced() -> None:
    assert Registry().is_own("tee")
    assert not Registry({"tee": Mine}).is_own("tee")
    assert not Registry().is_own("xyzzy")


def test_every_installed_entry_point_loads() -> None:
    registry = Registry()
    assert registry.names()
    for name in registry.names():
        registry.load(name)


def test_package_with_broken_metadata_hides_no_other_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in (
        ("torn", b"[vflow.nodes]\nx = \xff:Y\n"),
        ("bare", b"[vflow.nodes]\nx\n"),
        ("good", b"[vflow.nodes]\nz = a:B\n"),
    ):
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info" / "entry_points.txt").write_bytes(data)
    monkeypatch.syspath_prepend(tmp_path)
    module._listing.cache_clear()
    try:
        assert {"z", "tee"} <= set(Registry().names())
        with pytest.raises(UnknownNode, match=r"torn-1\.dist-info"):
            Registry().load("x")
    finally:
        module._listing.cache_clear()
