"""`vflow inspect`: every installed node, and a name that none has."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Vflow
from vflow import Audio, In, Node, Out, prop
from vflow.graph.registry import Registry


def test_the_overview_has_a_line_for_every_node(vflow: Vflow) -> None:
    ran = vflow("inspect")
    assert ran.code == 0
    listed = {line.split()[0] for line in ran.out.splitlines() if line.startswith("    ")}
    assert set(Registry().names()) <= listed
    assert "  vad: finds utterances and mints turns" in ran.out.splitlines()


@pytest.mark.parametrize("name", Registry().names())
def test_every_installed_node_can_be_inspected(vflow: Vflow, name: str) -> None:
    ran = vflow("inspect", name)
    assert ran.code == 0
    assert ran.out.startswith(f"{name} (")
    assert "no description" not in ran.out
    assert "example:" in ran.out


@pytest.mark.parametrize(
    ("name", "near"), [("tts.hibaro", "tts.hibari"), ("speakr", "speaker"), ("testtone", "test_tone")]
)
def test_an_unknown_name_is_refused_with_the_nearest(vflow: Vflow, name: str, near: str) -> None:
    ran = vflow("inspect", name)
    assert ran.code == 2
    assert ran.err == f"vflow inspect: error: no node is named {name!r}; did you mean {near!r}?\n"


def test_no_line_of_a_nodes_texts_looks_like_one_of_the_reference(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sly(Node):
        """Does little."""

        level: int = prop(3, unit="dB\nvad: gone")
        audio = In(Audio(), doc="sound\nexample:")

        @classmethod
        def unavailable(cls) -> str:
            return "no driver\nroles: none"

    monkeypatch.setattr(Registry, "names", lambda self: ["sly"])
    monkeypatch.setattr(Registry, "load", lambda self, name: Sly)
    lines = vflow("inspect", "sly").out.splitlines()
    for shown in ("vad: gone", "example:", "roles: none"):
        (line,) = [line for line in lines if line.lstrip().startswith(shown)]
        assert line.startswith("    ")


@pytest.mark.parametrize("error", [OSError("no bus"), SystemExit("no bus"), GeneratorExit("no bus")])
def test_a_node_whose_devices_cannot_be_listed_is_shown_without(
    vflow: Vflow, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    class Mic(Node):
        """Records."""

        audio = Out(Audio())

        @classmethod
        def devices(cls) -> list[str]:
            raise error

    monkeypatch.setattr(Registry, "names", lambda self: ["mic.own"])
    monkeypatch.setattr(Registry, "load", lambda self, name: Mic)
    ran = vflow("inspect", "mic.own")
    assert ran.code == 0
    assert f"devices: cannot be listed: {type(error).__name__}: no bus" in ran.out.splitlines()
    ran = vflow("doctor")
    assert f"not available: its devices() raised {type(error).__name__}: no bus" in ran.out
