from __future__ import annotations

import threading
import time
from typing import Any

from tests.stand_ins import PATIENCE_S, Gate, Pass
from vflow import Node
from vflow.runtime.lifecycle import Lifecycle


class Logged(Pass):
    """Notes which of its methods are called."""

    gate: Gate | None = None
    error: Exception | None = None

    def log(self, verb: str) -> None:
        self.__dict__.setdefault("done", []).append(verb)

    def open(self) -> None:
        if self.gate is not None:
            self.gate.pass_through()
        self.log("open")
        if self.error is not None:
            raise self.error

    def warm_up(self) -> None:
        self.log("warm_up")

    def close(self) -> None:
        self.log("close")


def lifecycle(**nodes: Node) -> tuple[Lifecycle, list[tuple[str, Exception | None]]]:
    closed: list[tuple[str, Exception | None]] = []
    return Lifecycle(nodes, lambda name, error: closed.append((name, error))), closed


def close(cycle: Lifecycle) -> list[str]:
    until = time.monotonic() + PATIENCE_S
    return cycle.close(until, until)


def done(node: Any) -> list[str]:
    verbs: list[str] = node.done
    return verbs


def test_nodes_are_opened_warmed_up_and_closed_once() -> None:
    node = Logged()
    cycle, closed = lifecycle(node=node, plain=Pass())
    assert cycle.open() is None
    assert cycle.is_open("node")
    assert cycle.is_open("plain")
    assert close(cycle) == close(cycle) == []
    assert done(node) == ["open", "warm_up", "close"]
    assert sorted(closed) == [("node", None), ("plain", None)]
    assert not cycle.is_open("node")
    assert not cycle.busy


def test_nodes_open_side_by_side() -> None:
    one, two = Logged(), Logged()
    barrier = threading.Barrier(2)
    for node in (one, two):
        node.warm_up = lambda: barrier.wait(PATIENCE_S)  # type: ignore[method-assign,assignment]
    cycle, _ = lifecycle(one=one, two=two)
    assert cycle.open() is None
    close(cycle)


def test_first_failure_is_returned_and_a_half_open_node_is_closed() -> None:
    node = Logged()
    node.error = OSError("no device")
    cycle, _ = lifecycle(node=node)
    assert cycle.open() == ("node", node.error)
    assert not cycle.is_open("node")
    close(cycle)
    assert done(node) == ["open", "close"]


def test_node_that_opens_after_the_close_closes_itself_without_warm_up() -> None:
    node = Logged()
    node.gate = Gate()
    cycle, _ = lifecycle(node=node)
    opener = threading.Thread(target=cycle.open)
    opener.start()
    node.gate.wait_reached()
    now = time.monotonic()
    assert cycle.close(now, now) == ["node"]
    opener.join(PATIENCE_S)  # it waits for nothing more
    assert cycle.busy
    node.gate.open()
    assert close(cycle) == []
    assert done(node) == ["open", "close"]


def test_lifecycle_closed_before_it_opened_does_not_open() -> None:
    node = Logged()
    cycle, _ = lifecycle(node=node)
    close(cycle)
    assert cycle.open() is None
    assert not hasattr(node, "done")
