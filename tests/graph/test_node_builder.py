"""A node of a graph: what its own code raises at check time is a finding with a place, never a traceback."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stand_ins import Gives, Takes, unplaced
from vflow import Audio, Caps, GraphError, In, Node, Out, Unavailable, prop
from vflow.graph.loader import load_text


class Ear(Takes):
    audio = In(Audio())


class Own(Gives):
    """Its constructor is not `Node`'s."""

    key: str = prop("")
    audio = Out(Audio(rate=16_000, channels=1))

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        raise RuntimeError(f"no luck with {self.key}")


class Paced(Gives):
    audio = Out(Audio())

    def paced(self) -> bool:
        raise ZeroDivisionError("no pace")


class Capped(Gives):
    audio = Out(Audio())

    def port_caps(self, port: str) -> Caps:
        raise ValueError(f"{port} is bad")


class Exits(Capped):
    def port_caps(self, port: str) -> Caps:
        raise SystemExit("enough")


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Ends(Capped):
    def port_caps(self, port: str) -> Caps:
        raise BaseExceptionGroup("all", [GeneratorExit()])


class Untold(Capped):
    def port_caps(self, port: str) -> Caps:
        raise Mute


class Absent(Capped):
    def port_caps(self, port: str) -> Caps:
        raise Unavailable("no file")


class NoCaps(Capped):
    def port_caps(self, port: str) -> Caps:
        return "audio"  # type: ignore[return-value]  # what this test is about


def said(cls: type[Node], head: str = "", values: str = "") -> str:
    text = f"{head}nodes:\n  bad: {{use: mine{values}}}\n  ear: {{use: ear}}\nlinks: [bad -> ear]\n"
    with pytest.raises(GraphError) as info:
        load_text(text, nodes={"mine": cls, "ear": Ear})
    return str(info.value)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Own, "__init__ raised RuntimeError: no luck with "),
        (Paced, "paced raised ZeroDivisionError: no pace"),
        (Capped, "port_caps raised ValueError: audio is bad"),
        (Exits, "port_caps raised SystemExit: enough"),
        (Ends, "port_caps raised BaseExceptionGroup: all"),
        (Untold, "port_caps raised Mute (whose text cannot be had)"),
        (Absent, "no file"),
        (NoCaps, "port_caps gave 'audio' for 'audio', which is no caps; return Audio(...), Text(...)"),
    ],
)
def test_error_in_a_nodes_own_code_is_reported_at_the_nodes_place(cls: type[Node], message: str) -> None:
    assert unplaced(said(cls)).startswith(f"<text>:2:3: error: bad: {message}")


def test_values_of_variables_are_hidden_in_errors_that_a_node_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "open-up")
    found = said(Own, values=', key: "${env:SESAME}"')
    assert "no luck with ${env:SESAME}" in found
    assert "open-up" not in found
