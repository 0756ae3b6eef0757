"""Roles: every candidate that is installed can be linked wherever its role's ports say that one can."""

from __future__ import annotations

import pytest

from tests.stand_ins import Gives, Takes
from vflow import Audio, Caps, In, Node, Out, Text
from vflow.graph.loader import load_text
from vflow.graph.registry import Registry
from vflow.graph.roles import ROLES, Role

CANDIDATES = [(role, name) for role in ROLES.values() for name in Registry().candidates(role.name)]
TURNS = Audio(rate=16_000, channels=1, features={"turns"})
CAPS: tuple[Caps, ...] = (
    Audio(),
    Audio(rate=16_000, channels=1),
    TURNS,
    *(Text(kind) for kind in ("word", "chunk", "final", "reply", "verdict", "backchannel")),
    Text("chunk", {"spoken"}),
)


def promised(caps: str) -> Caps:
    """Return the caps that a role's port prints."""
    (found,) = (each for each in CAPS if str(each) == caps)
    return found


def test_each_role_is_found_by_its_name_and_played_by_some_node() -> None:
    assert [role.name for role in ROLES.values()] == list(ROLES)
    assert {role.name for role, _ in CANDIDATES} == set(ROLES)


@pytest.mark.parametrize(("role", "name"), CANDIDATES, ids=[name for _, name in CANDIDATES])
def test_candidate_has_the_ports_and_caps_of_its_role(role: Role, name: str) -> None:
    nodes: dict[str, type[Node]] = {}
    links = []
    for port, caps in role.inputs.items():
        nodes[f"to_{port}"] = type("Giver", (Gives,), {"out": Out(promised(caps))})
        links.append(f"to_{port} -> it.{port}")
    for port, caps in role.outputs.items():
        nodes[f"from_{port}"] = type("Taker", (Takes,), {"into": In(promised(caps))})
        links.append(f"it.{port} -> from_{port}")
    lines = "".join(f"  {node}: {{use: {node}}}\n" for node in nodes)
    text = f"nodes:\n{lines}  it: {{use: {name}}}\nlinks: [{', '.join(links)}]\n"
    graph = load_text(text, nodes=nodes, require_available=False)
    ends = {end for link in graph.links for end in (link.source, link.target)}
    assert nodes.keys() <= ends
