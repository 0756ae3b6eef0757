from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Gate, Heavy, Pass, graph, pipeline, run, unplaced
from vflow import (
    Audio,
    In,
    Message,
    Node,
    NodeError,
    Out,
    Pipeline,
    PropertyError,
    Text,
    TextPacket,
    Unavailable,
    prop,
)
from vflow.graph.loader import load_text
from vflow.runtime.lifecycle import State

CHAIN = """
nodes:
  words: {use: t.words}
  node:  {use: t.node}
  sink:  {use: t.collect}
links: [words -> node -> sink]
"""


def sink(running: Pipeline) -> Collect:
    node = running.nodes["sink"]
    assert isinstance(node, Collect)
    return node


def texts(running: Pipeline, kind: str) -> list[str]:
    return [message.text for message in running.bus if message.kind == kind]


def test_a_pipeline_runs_to_its_end_and_loses_nothing() -> None:
    running = run(CHAIN, node=Heavy)
    assert sink(running).indices == list(range(10))
    assert sink(running).names == ["eos"]
    assert running.state is State.STOPPED
    assert texts(running, "state") == ["ready", "paused", "playing", "stopped"]


def test_a_graph_makes_any_number_of_pipelines() -> None:
    made = graph(CHAIN, node=Pass)
    for _ in range(2):
        with Pipeline(made) as running:
            assert running.wait(PATIENCE_S)
        assert len(sink(running).got) == 10


def test_start_and_stop_may_be_called_twice() -> None:
    running = pipeline(CHAIN, node=Pass)
    assert running.start() is running
    assert running.start() is running
    assert running.stop() == []
    assert running.stop() == []
    assert running.start().state is State.STOPPED


def test_a_pipeline_that_never_started_can_be_stopped() -> None:
    running = pipeline(CHAIN, node=Pass)
    assert running.stop() == []
    assert running.wait(PATIENCE_S)


def test_wait_returns_false_after_its_timeout() -> None:
    with pipeline(CHAIN, node=Waiting) as running:
        assert not running.wait(0.0)
        assert running.state is State.PLAYING


class Waiting(Heavy):
    """Waits for ever, in a wait that the runtime can interrupt."""

    def process(self, packet: TextPacket) -> Any:
        self.ctx.wait_until()


# what fails


class Fails(Pass):
    def process(self, packet: TextPacket) -> Any:
        if packet.index == 3:
            raise ValueError("three")
        return packet


class FailsAtEnd(Pass):
    def on_event(self, event: Any) -> Any:
        raise ValueError("at the end")


def test_an_error_while_draining_is_raised() -> None:
    text = CHAIN.replace("{use: t.words}", "{use: t.words, count: 1000000}")
    running = pipeline(text, node=FailsAtEnd).start()
    running.drain()
    with pytest.raises(NodeError, match="at the end"):
        running.wait(PATIENCE_S)


def test_a_listener_that_raises_fails_nothing() -> None:
    class Told(Pass):
        out = Out(Text("word"), bus=True)

    running = pipeline(CHAIN, node=Told)

    def fail(_: Any) -> None:
        raise ValueError("not today")

    running.bus.listen(fail)
    with running:
        assert running.wait(PATIENCE_S)
    assert len(sink(running).got) == 10


# opening


class Missing(Pass):
    def open(self) -> None:
        raise Unavailable("the model is not here; pull it")


def test_a_node_that_cannot_be_opened_fails_the_start_with_its_place() -> None:
    running = pipeline(CHAIN, node=Missing)
    with pytest.raises(NodeError, match=r"test.yaml:4:\d+: error: node: the model is not here") as raised:
        running.start()
    assert isinstance(raised.value.__cause__, Unavailable)
    assert running.state is State.STOPPED
    assert running.failure is raised.value


class Tracked(Collect):
    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_failing_open_closes_nodes_opened_before_and_after_it() -> None:
    gate, closed = Gate(), threading.Event()

    class Loading(Collect):
        def open(self) -> None:
            gate.pass_through()

        def close(self) -> None:
            closed.set()

    text = """
    nodes:
      words:   {use: t.words}
      missing: {use: t.missing}
      open:    {use: t.tracked}
      loading: {use: t.loading}
    links: [words -> missing, words -> open, words -> loading]
    """
    running = pipeline(text, missing=Missing, tracked=Tracked, loading=Loading)
    with pytest.raises(NodeError, match="missing"):
        running.start()
    assert running.nodes["open"].closed == 1  # type: ignore[attr-defined]
    assert not closed.is_set()
    (warning,) = texts(running, "warning")
    assert warning.endswith(": loading")
    gate.open()
    assert closed.wait(PATIENCE_S)


def test_a_stop_while_a_node_opens_ends_the_start() -> None:
    gate = Gate()

    class Loading(Tracked):
        def open(self) -> None:
            super().open()
            gate.pass_through()

    running = pipeline(CHAIN.replace("t.collect", "t.loading"), node=Pass, loading=Loading)
    starter = threading.Thread(target=running.start)
    starter.start()
    gate.wait_reached()
    stopper = threading.Thread(target=running.stop)
    stopper.start()
    starter.join(PATIENCE_S)  # it does not wait for the node
    gate.open()
    stopper.join(PATIENCE_S)
    assert not starter.is_alive()
    assert not stopper.is_alive()
    assert running.state is State.STOPPED
    assert running.nodes["sink"].closed == 1  # type: ignore[attr-defined]
    assert sink(running).got == []


def test_a_node_that_hangs_in_open_is_named_by_stop() -> None:
    gate = Gate()

    class Loading(Pass):
        def open(self) -> None:
            gate.pass_through()

    running = pipeline(CHAIN, node=Loading)
    starter = threading.Thread(target=running.start)
    starter.start()
    gate.wait_reached()
    assert running.stop(deadline_s=0.2) == ["node"]
    assert running.abandoned
    gate.open()
    starter.join(PATIENCE_S)


# stopping


def test_a_node_that_hangs_in_process_is_named_by_stop_and_the_rest_is_closed() -> None:
    gate = Gate()

    class Hangs(Heavy):
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()

    running = pipeline(CHAIN.replace("t.collect", "t.tracked"), node=Hangs, tracked=Tracked).start()
    gate.wait_reached()
    assert running.stop(deadline_s=0.2) == ["node"]
    assert running.stop() == ["node"]
    assert running.abandoned
    assert running.nodes["sink"].closed == 1  # type: ignore[attr-defined]
    assert any("abandoned" in text and text.endswith(": node") for text in texts(running, "warning"))
    gate.open()
    for segment in set(running._wiring.segments.values()):
        segment.thread.join(PATIENCE_S)
    assert not running.abandoned


def test_a_node_that_hangs_in_close_is_named_by_stop() -> None:
    gate = Gate()

    class Hangs(Pass):
        def close(self) -> None:
            gate.pass_through()

    running = pipeline(CHAIN, node=Hangs).start()
    assert running.stop(deadline_s=0.2) == ["node"]
    gate.open()


def test_a_close_that_raises_is_a_warning_and_the_others_are_closed() -> None:
    class Raises(Pass):
        def close(self) -> None:
            raise OSError("disk full")

    running = run(CHAIN.replace("t.collect", "t.tracked"), node=Raises, tracked=Tracked)
    assert [unplaced(text) for text in texts(running, "warning")] == ["close: OSError: disk full"]
    assert running.nodes["sink"].closed == 1  # type: ignore[attr-defined]


def test_wait_raises_the_failure_even_if_another_node_hangs() -> None:
    gate = Gate()

    class Hangs(Collect):
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()

    class FailsLater(Fails):
        def process(self, packet: TextPacket) -> Any:
            if packet.index:
                gate.wait_reached()
            return super().process(packet)

    running = pipeline(CHAIN.replace("t.collect", "t.hangs"), node=FailsLater, hangs=Hangs).start()
    with pytest.raises(NodeError, match="three"):
        running.wait(PATIENCE_S)
    gate.open()


def test_second_stop_that_times_out_names_the_nodes_the_first_waits_for() -> None:
    gate = Gate()

    class Hangs(Pass):
        def close(self) -> None:
            gate.pass_through()

    running = pipeline(CHAIN, node=Hangs).start()
    first = threading.Thread(target=running.stop, args=(PATIENCE_S,))
    first.start()
    gate.wait_reached()
    assert running.stop(deadline_s=0.1) == ["node"]
    gate.open()
    first.join(PATIENCE_S)


def test_stop_may_be_called_from_several_threads_and_closes_once() -> None:
    running = pipeline(CHAIN.replace("t.collect", "t.tracked"), node=Waiting, tracked=Tracked).start()
    barrier = threading.Barrier(4)
    answers: list[list[str]] = []

    def stop() -> None:
        barrier.wait(PATIENCE_S)
        answers.append(running.stop())

    threads = [threading.Thread(target=stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert answers == [[]] * 4
    assert running.nodes["sink"].closed == 1  # type: ignore[attr-defined]


def test_a_node_may_stop_its_own_pipeline() -> None:
    answers: list[list[str]] = []

    class Stops(Pass):
        stop: Any = None

        def process(self, packet: TextPacket) -> Any:
            answers.append(self.stop())
            self.ctx.wait_until()

    running = pipeline(CHAIN, node=Stops)
    running.nodes["node"].stop = running.stop  # type: ignore[attr-defined]
    running.start()
    assert running._ended.wait(PATIENCE_S)
    assert running.wait(PATIENCE_S)
    assert answers == [[]]
    assert not running.abandoned


def test_a_listener_may_stop_the_pipeline_while_a_node_opens() -> None:
    class Loading(Pass):
        def open(self) -> None:
            self.ctx.progress("loading")

    running = pipeline(CHAIN, node=Loading)

    def listen(message: Message) -> None:
        if message.kind == "progress":
            running.stop()

    running.bus.listen(listen)
    running.start()
    assert running.wait(PATIENCE_S)
    assert running.stop() == []
    assert running.state is State.STOPPED


def test_ctrl_c_inside_wait_leaves_a_pipeline_that_can_be_stopped() -> None:
    main = threading.main_thread().ident
    assert main is not None
    with pipeline(CHAIN, node=Waiting) as running:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # the signal may come before the wait
            threading.Timer(0, signal.pthread_kill, [main, signal.SIGINT]).start()
            running.wait(PATIENCE_S)
        assert running.state.value == "playing"
    assert running.state.value == "stopped"
    assert not running.abandoned


# draining


# topologies


def test_a_hot_property_changes_while_it_plays_and_others_do_not() -> None:
    class Gain(Node):
        """Scales."""

        factor: float = prop(1.0, ge=0, le=16, hot=True)
        size: int = prop(1)
        audio = In(Audio())

        def process(self, packet: object) -> None:
            return None

    text = "nodes:\n  tone: {use: test_tone}\n  gain: {use: gain}\nlinks:\n  - tone -> gain\n"
    with Pipeline(load_text(text, nodes={"gain": Gain})) as pipeline:
        pipeline.set("gain", "factor", 2)
        assert pipeline.nodes["gain"].factor == 2.0
        for name, value in (("factor", 17), ("size", 2), ("factr", 1)):
            with pytest.raises(PropertyError):
                pipeline.set("gain", name, value)
        with pytest.raises(PropertyError, match="did you mean 'gain'"):
            pipeline.set("gian", "factor", 1)
