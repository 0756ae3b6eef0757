"""A node that raises: its `on_error`, and what an application learns of it."""

from __future__ import annotations

import contextlib
import threading
import traceback
from typing import Any

import pytest

from tests.runtime.test_pipeline import CHAIN, Fails, sink, texts
from tests.stand_ins import PATIENCE_S, Collect, Gate, Pass, Words, pipeline, run, unplaced, word
from vflow import (
    ManualClock,
    Message,
    NodeError,
    TextPacket,
    Unavailable,
    VflowError,
    prop,
)


def test_a_node_that_raises_fails_the_pipeline_with_its_place() -> None:
    running = pipeline(CHAIN, node=Fails).start()
    place = f"test_pipeline.py:{Fails.process.__code__.co_firstlineno + 2} in process"
    with pytest.raises(
        NodeError, match=rf"test.yaml:4:\d+: error: node: {place}: ValueError: three"
    ) as raised:
        running.wait(PATIENCE_S)
    assert isinstance(raised.value.__cause__, ValueError)
    assert running.failure is raised.value
    assert texts(running, "error") == [f"{place}: ValueError: three"]


def test_every_wait_raises_the_failure() -> None:
    running = pipeline(CHAIN, node=Fails).start()
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            running.wait(PATIENCE_S)
        except NodeError as error:
            raised.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert raised == [running.failure] * 3


class Exits(Pass):
    def process(self, packet: TextPacket) -> Any:
        raise SystemExit(3)


def test_a_node_that_calls_exit_fails_the_pipeline() -> None:
    running = pipeline(CHAIN, node=Exits).start()
    with pytest.raises(NodeError, match="SystemExit: 3"):
        running.wait(PATIENCE_S)


def test_skip_drops_the_packet_with_a_warning_and_goes_on() -> None:
    running = run(CHAIN.replace("{use: t.node}", "{use: t.node, on_error: skip}"), node=Fails)
    assert sink(running).indices == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert [unplaced(text) for text in texts(running, "warning")] == ["skipped: ValueError: three"]


class Breaks(Pass):
    """Works for three packets after each open, then raises."""

    opened = 0

    def open(self) -> None:
        self.opened += 1
        self.left = 3

    def process(self, packet: TextPacket) -> Any:
        if not self.left:
            raise ValueError("worn out")
        self.left -= 1
        return packet


RESTARTS = CHAIN.replace("{use: t.node}", "{use: t.node, on_error: {restart: 2}}")


def test_restart_opens_the_node_again_and_the_source_plays_once() -> None:
    running = run(RESTARTS, ManualClock(), node=Breaks)
    assert sink(running).indices == [0, 1, 2, 4, 5, 6, 8, 9]
    assert running.nodes["node"].opened == 3  # type: ignore[attr-defined]
    told = [unplaced(text) for text in texts(running, "warning")]
    assert told == [f"restart {n} of 2: ValueError: worn out" for n in (1, 2)]


def test_a_node_that_fails_more_often_than_it_may_restart_fails_the_pipeline() -> None:
    text = RESTARTS.replace("{use: t.words}", "{use: t.words, count: 30}")
    running = pipeline(text, ManualClock(), node=Breaks).start()
    with pytest.raises(NodeError, match="worn out"):
        running.wait(PATIENCE_S)


class NotAgain(Breaks):
    def open(self) -> None:
        super().open()
        if 1 < self.opened < 4:
            raise Unavailable("the device is still away")


def test_an_open_that_fails_is_tried_again_as_often_as_restart_says() -> None:
    text = CHAIN.replace("{use: t.node}", "{use: t.node, on_error: {restart: 5}}")
    running = run(text, ManualClock(), node=NotAgain)
    assert running.nodes["node"].opened >= 4  # type: ignore[attr-defined]
    assert "restart 2 of 5: the device is still away" in texts(running, "warning")


def test_a_full_link_with_the_policy_error_fails_the_node_that_feeds_it() -> None:
    gate = Gate()

    class Slow(Collect):
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()

    class Flood(Words):
        def produce(self) -> Any:
            yield word(0)
            gate.wait_reached()
            yield from (word(n) for n in range(1, 5))
            gate.open()

    text = """
    nodes:
      words: {use: t.flood}
      node:  {use: t.pass}
      sink:  {use: t.slow}
    links:
      - words -> node
      - {from: node, to: sink, queue: {packets: 2, policy: error}}
    """
    running = pipeline(text, flood=Flood, slow=Slow).start()
    with pytest.raises(NodeError, match=r"node: node\.out -> sink\.text is full") as raised:
        running.wait(PATIENCE_S)
    gate.open()
    assert raised.value.node == "node"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("no module named it"), "it is not installed"),
        (ValueError("no number"), "ValueError: no number"),
    ],
)
def test_nodes_own_reason_replaces_only_a_missing_library(error: Exception, said: str) -> None:
    class Lacking(Pass):
        """Opens with an error."""

        @classmethod
        def unavailable(cls) -> str:
            return "it is not installed: pip install it"

        def open(self) -> None:
            raise error

    text = "nodes: {w: {use: t.words}, it: {use: t.lacking}, c: {use: t.collect}}\nlinks: [w -> it -> c]\n"
    with pytest.raises(NodeError, match=said) as raised:
        pipeline(text, lacking=Lacking).start()
    assert raised.value.node == "it"


@pytest.mark.parametrize("shape", ["text", "cause", "context", "group", "note"])
def test_traceback_of_a_failure_hides_values_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    monkeypatch.setenv("KEY", "hunter2-s3cr3t")

    def made(text: str) -> Exception:
        error, inner = ValueError("no luck"), OSError(text)
        if shape == "cause":
            error.__cause__ = inner
        elif shape == "context":
            error.__context__ = inner
        elif shape == "note":
            error.add_note(text)
        return inner if shape == "text" else ExceptionGroup("g", [inner]) if shape == "group" else error

    class Failing(Pass):
        """Opens with an error that tells of its property."""

        key: str = prop("")

        def open(self) -> None:
            raise made(self.key)

    text = (
        "nodes: {w: {use: t.words}, it: {use: t.failing, key: '${KEY}'}, c: {use: t.collect}}\n"
        "links: [w -> it -> c]\n"
    )
    with pytest.raises(NodeError) as raised:
        pipeline(text, failing=Failing).start()
    shown = "".join(traceback.format_exception(raised.value))
    assert "hunter2" not in shown
    assert "raise made(self.key)" in shown
    with pytest.raises(NodeError) as raised:
        pipeline(text.replace("${KEY}", "plain"), failing=Failing).start()
    assert not isinstance(raised.value.__cause__, VflowError)


def test_missing_library_is_reported_even_if_unavailable_raises() -> None:
    class Mute(Pass):
        """Raises in open an error without a text."""

        @classmethod
        def unavailable(cls) -> str:
            raise SystemExit(1)

        def open(self) -> None:
            raise ImportError("no module named it")

    text = "nodes: {w: {use: t.words}, it: {use: t.mute}, c: {use: t.collect}}\nlinks: [w -> it -> c]\n"
    with pytest.raises(NodeError, match="ImportError: no module named it"):
        pipeline(text, mute=Mute).start()


THREE = """
nodes:
  words: {use: t.words, count: 3, every: 10ms}
  first: {use: t.pass}
  node:  {use: t.node, on_error: skip}
  sink:  {use: t.collect}
links: [words -> first -> node -> sink]
"""
EXITS = (SystemExit, KeyboardInterrupt, GeneratorExit)


def exits_in(method: str, error: type[BaseException]) -> type[Pass]:
    """Make a node one of whose methods raises a BaseException that is not an Exception."""

    class Node(Pass):
        def process(self, packet: Any) -> Any:
            self.ctx.wake_at(0)
            return packet

        def on_timer(self) -> Any:
            return None

    def leave(self: Any, *args: Any) -> Any:
        raise error("enough")

    setattr(Node, method, leave)
    return Node


@pytest.mark.parametrize("error", EXITS)
@pytest.mark.parametrize("method", ["open", "warm_up", "process", "on_event", "on_timer"])
def test_node_that_exits_in_any_method_fails_the_pipeline_in_its_name(
    method: str, error: type[BaseException]
) -> None:
    running = pipeline(THREE, ManualClock(), node=exits_in(method, error))
    with pytest.raises(NodeError, match="enough") as raised, running:
        running.wait(PATIENCE_S)
    assert raised.value.node == "node"
    assert raised.value.place is not None


@pytest.mark.parametrize("error", EXITS)
@pytest.mark.parametrize("method", ["on_flush", "on_cancel"])
def test_node_that_exits_in_on_flush_fails_the_pipeline_in_its_name(
    method: str, error: type[BaseException]
) -> None:
    cls = exits_in(method, error)
    cls.generates = method == "on_cancel"
    cls.heavy = True
    text = THREE.replace("count: 3", "count: 100000")
    running = pipeline(text, node=cls).start()
    running.flush(origins=["node"] if cls.generates else ["words"])
    with pytest.raises(NodeError, match="enough") as raised:
        running.wait(PATIENCE_S)
    assert raised.value.node == "node"
    assert running.stop() == []


def test_node_that_exits_in_its_close_gives_back_its_shared_models() -> None:
    closed = []

    class Model:
        def close(self) -> None:
            closed.append(1)

    class Node(Pass):
        def open(self) -> None:
            self.ctx.shared("test_failures", Model)

        def process(self, packet: Any) -> Any:
            if packet.index == 0:
                raise ValueError("once")
            return packet

        def close(self) -> None:
            raise SystemExit("enough")

    text = THREE.replace("on_error: skip", "on_error: {restart: {max: 2, backoff: 1ms}}")
    warnings = []
    running = pipeline(text, ManualClock(), node=Node)
    running.bus.listen(lambda m: warnings.append(m.text) if m.kind == "warning" else None)
    with running:
        assert running.wait(PATIENCE_S)
    assert closed == [1, 1]
    assert [unplaced(text) for text in warnings].count("close: SystemExit: enough") == 2


class Nosy(Pass):
    """Names its property's value in progress and warnings, and in errors of `open` or `process`."""

    key: str = prop("")
    at: str = prop("open")

    def open(self) -> None:
        self.ctx.progress(f"opening {self.key}")
        self.ctx.warn(f"about {self.key!r}")
        self._raise("open")

    def process(self, packet: TextPacket) -> Any:
        self._raise("process")
        return packet

    def _raise(self, at: str) -> None:
        if self.at == at:
            raise Unavailable(f"no model_{self.key}/x") from ValueError(self.key)


@pytest.mark.parametrize("at", ["open", "process"])
@pytest.mark.parametrize("policy", ["fail", "skip", "{restart: {max: 1, backoff: 1ms}}"])
def test_values_given_to_a_node_by_the_environment_appear_in_no_message(
    at: str, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "hunter2-s3cr3t")
    text = CHAIN.replace("{use: t.node", f"{{use: t.node, key: '${{KEY}}', at: {at}, on_error: {policy}")
    running = pipeline(text, node=Nosy)
    told: list[str] = []
    running.bus.listen(lambda message: told.append(message.text))
    with contextlib.suppress(NodeError), running:
        running.wait(PATIENCE_S)
    assert "opening ${KEY}" in told
    assert any("no model_${KEY}/x" in text for text in told)
    assert not [text for text in [*told, str(running.failure)] if "s3cr3t" in text]


class Mute(Exception):
    """An error whose own text fails, as those of some libraries do."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("method", ["open", "process", "on_event"])
def test_error_whose_text_fails_is_reported_by_its_kind(method: str) -> None:
    running = pipeline(THREE.replace(", on_error: skip", ""), ManualClock(), node=exits_in(method, Mute))
    with pytest.raises(NodeError, match="Mute") as raised, running:
        running.wait(PATIENCE_S)
    assert raised.value.node == "node"


def test_close_and_listener_errors_whose_text_fails_are_warnings() -> None:
    def listen(message: Message) -> None:
        if message.kind == "state":
            raise Mute

    running = pipeline(THREE, ManualClock(), node=exits_in("close", Mute))
    running.bus.listen(listen)
    with running:
        assert running.wait(PATIENCE_S)
    warnings = [message.text for message in running.bus if message.kind == "warning"]
    assert any(unplaced(text).startswith("close: Mute") for text in warnings)
    assert any(text.startswith("a listener failed: Mute") for text in warnings)


def test_node_reopened_too_late_gives_back_its_shared_models() -> None:
    gate, closed = Gate(), []

    class Model:
        def close(self) -> None:
            closed.append(1)

    class Node(Pass):
        heavy = True
        opened = 0

        def open(self) -> None:
            self.opened += 1
            if self.opened > 1:
                gate.pass_through()
            self.ctx.shared("test_failures_late", Model)

        def process(self, packet: Any) -> Any:
            raise ValueError("always")

    text = THREE.replace("on_error: skip", "on_error: {restart: {max: 2, backoff: 1ms}}")
    running = pipeline(text, node=Node).start()
    gate.wait_reached()
    assert running.stop(deadline_s=0.2) == ["node"]
    gate.open()
    for segment in running.threads.segments:
        segment.thread.join(PATIENCE_S)
    assert closed == [1, 1]
