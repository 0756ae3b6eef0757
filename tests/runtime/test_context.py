"""A node's `self.ctx` in a running pipeline: what it sees of the graph, and what it shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Pass, Words, graph, pipeline, unplaced
from vflow import ManualClock, NodeError, Text
from vflow.runtime import context

TEXT = """
nodes:
  words: {use: t.words, count: 2}
  node:  {use: t.node}
  sink:  {use: t.collect}
links: [words -> node -> sink]
"""


class Model:
    """A model that notes how often it was loaded and closed."""

    loaded = closed = 0

    def __init__(self) -> None:
        type(self).loaded += 1

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def model() -> type[Model]:
    return type("Fresh", (Model,), {})


def test_a_node_sees_its_name_its_caps_and_what_is_linked() -> None:
    seen: dict[str, Any] = {}

    class Curious(Pass):
        def open(self) -> None:
            seen.update(name=self.ctx.name, caps=self.ctx.caps("out"), linked=self.ctx.linked("out"))

    with pipeline(TEXT, ManualClock(), node=Curious) as running:
        assert running.wait(PATIENCE_S)
    assert seen == {"name": "node", "caps": Text("word"), "linked": True}


def test_two_nodes_share_one_model_which_is_closed_after_the_last(model: type[Model]) -> None:
    class Shares(Pass):
        def open(self) -> None:
            self.ctx.shared("test_context", model)

    class Keeps(Collect):
        def open(self) -> None:
            super().open()
            self.ctx.shared("test_context", model)

    with pipeline(TEXT, ManualClock(), node=Shares, collect=Keeps) as running:
        assert (model.loaded, model.closed) == (1, 0)
        assert running.wait(PATIENCE_S)
    assert (model.loaded, model.closed) == (1, 1)


def test_models_shared_before_open_failed_are_given_back(model: type[Model]) -> None:
    class Fails(Pass):
        def open(self) -> None:
            self.ctx.shared("test_context", model)
            raise RuntimeError("no room")

    with pytest.raises(NodeError, match="no room"):
        pipeline(TEXT, ManualClock(), node=Fails).start()
    assert (model.loaded, model.closed) == (1, 1)


def test_a_model_that_cannot_be_closed_is_a_warning_in_the_nodes_name() -> None:
    class Broken:
        def close(self) -> None:
            raise OSError("stuck")

    class Shares(Pass):
        def open(self) -> None:
            self.ctx.shared("test_context", Broken)

    warnings = []
    running = pipeline(TEXT, ManualClock(), node=Shares)
    running.bus.listen(lambda m: warnings.append((m.source, m.text)) if m.kind == "warning" else None)
    with running:
        assert running.wait(PATIENCE_S)
    assert [(name, unplaced(text)) for name, text in warnings] == [("node", "close: OSError: stuck")]


def test_cancelled_timer_does_not_run() -> None:
    fired: list[int] = []

    class Timed(Pass):
        def process(self, packet: Any) -> Any:
            self.ctx.wake_at(self.ctx.now_ns() + 1)
            self.ctx.wake_at(None)

        def on_timer(self) -> Any:
            fired.append(self.ctx.now_ns())

    class Slow(Words):
        def produce(self) -> Iterator[Any]:
            for item in super().produce():
                yield item
                self.ctx.wait_until(self.ctx.now_ns() + 1000)

    with pipeline(TEXT, ManualClock(), node=Timed, words=Slow) as running:
        assert running.wait(PATIENCE_S)
    assert fired == []


@pytest.mark.parametrize(("usable", "threads"), [(0.5, 1), (3.0, 1), (4.0, 2), (7.9, 3)])
def test_a_library_gets_half_of_the_usable_cores_unless_the_file_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, usable: float, threads: int
) -> None:
    monkeypatch.setattr(context, "usable_cores", lambda: usable)
    loaded = graph("threads: {onnxruntime: 5}\nnodes: {words: {use: t.words}}\n")
    assert context.threads_of(loaded, "torch") == threads
    assert context.threads_of(loaded, "onnxruntime") == 5
