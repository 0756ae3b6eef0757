"""A graph while it is built: what changes shows at once, and nothing of it shows in what was frozen."""

from __future__ import annotations

import pytest

from vflow import AnyCaps, Audio, In, Node, Out
from vflow.graph.document import Document
from vflow.graph.draft import Draft
from vflow.graph.graph import GraphLink, GraphNode
from vflow.graph.overrides import Overrides
from vflow.graph.registry import Registry


class Pass(Node):
    into = In(AnyCaps())
    out = Out(AnyCaps())


@pytest.fixture
def draft() -> Draft:
    made = Draft(Document("g.yaml"), Registry({}), Overrides({}, {}), True)
    for name in "abc":
        made.add(GraphNode(name, Pass, "pass", "pass", {"x": 1}))
    made.link(GraphLink("a", "out", "b", "into"))
    made.link(GraphLink("b", "out", "c", "into"))
    return made


def names(draft: Draft) -> list[str]:
    return [link.name for link in draft.graph.links]


def test_a_node_is_added_last_or_next_after_another(draft: Draft) -> None:
    draft.add(GraphNode("d", Pass, "pass", "pass", {}), after="a")
    draft.add(GraphNode("e", Pass, "pass", "pass", {}))
    assert list(draft.graph.nodes) == ["a", "d", "b", "c", "e"]


def test_links_are_inserted_before_and_instead_of_others(draft: Draft) -> None:
    first, second = draft.graph.links
    draft.link(GraphLink("c", "out", "a", "into"), before=first)
    draft.relink(second, GraphLink("b", "out", "x", "into"), GraphLink("x", "out", "c", "into"))
    assert names(draft) == [
        "c.out -> a.into", "a.out -> b.into", "b.out -> x.into", "x.out -> c.into",
    ]  # fmt: skip


def test_changed_link_keeps_its_place(draft: Draft) -> None:
    draft.change(draft.graph.links[0], target="c", cut=True)
    assert names(draft)[0] == "a.out -> c.into"
    assert draft.graph.links[0].cut


def test_later_changes_do_not_change_a_frozen_graph(draft: Draft) -> None:
    draft.set_caps("a", "out", Audio(16_000, 1))
    draft.roles["a"] = None  # type: ignore[assignment]
    frozen = draft.frozen()
    draft.set_caps("a", "out", Audio(8_000, 1))
    draft.add(GraphNode("d", Pass, "pass", "pass", {}))
    draft.relink(draft.graph.links[0])
    draft.roles.clear()
    assert frozen.nodes["a"].caps == {"out": Audio(16_000, 1)}
    assert list(frozen.nodes) == ["a", "b", "c"]
    assert len(frozen.links) == 2
    assert list(frozen.roles) == ["a"]


def test_a_warning_leaves_a_draft_sound_and_an_error_does_not(draft: Draft) -> None:
    assert draft.sound
    draft.error("no such port", None)
    assert not draft.sound
    assert draft.frozen().warnings == ("error: no such port",)
