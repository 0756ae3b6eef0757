"""A node's class by name: the installed ones, and the best candidate of a role."""

from __future__ import annotations

import pytest

from vflow import Node, Unavailable, node_class
from vflow.graph.registry import Registry, UnknownNode
from vflow.graph.resolver import Resolver
from vflow_nodes.detector.energy import EnergyDetector
from vflow_nodes.null import Null


def test_a_name_gives_the_class_of_that_node() -> None:
    assert node_class("null") is Null
    assert node_class("detector.energy") is EnergyDetector


def test_a_role_gives_its_best_candidate() -> None:
    best = next(c for c in Resolver(Registry()).candidates("end_of_turn") if not c.problem)
    assert node_class("end_of_turn") is Registry().load(best.name)


def test_a_name_that_no_node_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNode, match="did you mean 'null'"):
        node_class("nul")


def test_a_bin_and_a_node_that_cannot_run_here_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match=r"vad\.energy is a graph used as a node"):
        node_class("vad.energy")

    class Broken(Node):
        @classmethod
        def unavailable(cls) -> str:
            return "its library is gone"

    monkeypatch.setattr(Registry, "load", lambda self, name: Broken)
    with pytest.raises(Unavailable, match="its library is gone"):
        node_class("null")
