from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S, Collect, Gate, Heavy, Pass, Words, graph, pipeline, run, word
from vflow import (
    Audio,
    In,
    ManualClock,
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
from vflow.runtime.pipeline import State

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


def test_wait_answers_false_after_its_timeout() -> None:
    with pipeline(CHAIN, node=Waiting) as running:
        assert not running.wait(0.0)
        assert running.state is State.PLAYING


class Waiting(Heavy):
    """Waits for ever, for what the runtime may interrupt."""

    def process(self, packet: TextPacket) -> Any:
        self.ctx.wait_until()


# what fails


class Fails(Pass):
    def process(self, packet: TextPacket) -> Any:
        if packet.index == 3:
            raise ValueError("three")
        return packet


def test_a_node_that_raises_fails_the_pipeline_with_its_place() -> None:
    running = pipeline(CHAIN, node=Fails).start()
    with pytest.raises(NodeError, match=r"test.yaml:4:\d+: error: node: ValueError: three") as raised:
        running.wait(PATIENCE_S)
    assert isinstance(raised.value.__cause__, ValueError)
    assert running.failure is raised.value
    assert texts(running, "error") == ["ValueError: three"]


def test_every_wait_raises_what_failed() -> None:
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


class FailsAtEnd(Pass):
    def on_event(self, event: Any) -> Any:
        raise ValueError("at the end")


def test_an_error_while_draining_is_raised() -> None:
    text = CHAIN.replace("{use: t.words}", "{use: t.words, count: 1000000}")
    running = pipeline(text, node=FailsAtEnd).start()
    running.drain()
    with pytest.raises(NodeError, match="at the end"):
        running.wait(PATIENCE_S)


def test_skip_drops_the_packet_with_a_warning_and_goes_on() -> None:
    running = run(CHAIN.replace("{use: t.node}", "{use: t.node, on_error: skip}"), node=Fails)
    assert sink(running).indices == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert texts(running, "warning") == ["skipped: ValueError: three"]


class Breaks(Pass):
    """Works for three packets behind each open."""

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
    assert texts(running, "warning") == [f"restart {n} of 2: ValueError: worn out" for n in (1, 2)]


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


class BreaksOff(Words):
    """A source that fails once, behind its third word."""

    failed = False

    def produce(self) -> Any:
        for index in range(self.count):
            if index == 3 and not self.failed:
                self.failed = True
                raise OSError("unplugged")
            yield word(index)


def test_a_source_that_restarts_produces_anew() -> None:
    text = CHAIN.replace("{use: t.words}", "{use: t.off, count: 5, on_error: {restart: 1}}")
    running = run(text, ManualClock(), node=Pass, off=BreaksOff)
    assert sink(running).indices == [0, 1, 2, 0, 1, 2, 3, 4]


def test_a_source_that_skips_ends_its_stream() -> None:
    text = CHAIN.replace("{use: t.words}", "{use: t.off, on_error: skip}")
    running = run(text, node=Pass, off=BreaksOff)
    assert sink(running).indices == [0, 1, 2]
    assert sink(running).names == ["eos"]


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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("no module named it"), "it is not installed"),
        (ValueError("no number"), "ValueError: no number"),
    ],
)
def test_what_a_node_says_of_itself_stands_for_a_library_that_is_missing_and_for_nothing_else(
    error: Exception, said: str
) -> None:
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


def test_a_failing_open_closes_what_was_opened_and_what_opens_later_closes_itself() -> None:
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
    assert texts(running, "warning") == ["close: OSError: disk full"]
    assert running.nodes["sink"].closed == 1  # type: ignore[attr-defined]


def test_wait_raises_what_failed_though_another_node_hangs() -> None:
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


def test_drain_ends_a_source_that_never_waits_and_plays_what_it_sent() -> None:
    started = threading.Event()

    class Endless(Words):
        def produce(self) -> Any:
            self.sent = 0
            while True:
                yield word(self.sent)
                self.sent += 1
                started.set()

    text = CHAIN.replace("t.words", "t.endless")
    with pipeline(text, node=Heavy, endless=Endless) as running:
        assert started.wait(PATIENCE_S)
        running.drain()
        assert running.wait(PATIENCE_S)
    got = sink(running).indices
    assert got == list(range(len(got)))
    assert len(got) >= running.nodes["words"].sent  # type: ignore[attr-defined]
    assert sink(running).names == ["eos"]


def test_drain_ends_a_source_that_waits_and_no_other_node() -> None:
    waits = threading.Event()

    class Silent(Words):
        def produce(self) -> Any:
            yield word(0)
            waits.set()
            self.ctx.wait_until()

    class Delays(Pass):
        def process(self, packet: TextPacket) -> Any:
            self.ctx.wait_until(self.ctx.now_ns() + 1000)
            return packet

    text = CHAIN.replace("t.words", "t.silent")
    with pipeline(text, node=Delays, silent=Silent) as running:
        assert waits.wait(PATIENCE_S)
        running.drain()
        assert running.wait(PATIENCE_S)
    assert sink(running).indices == [0]


def test_a_drain_does_not_end_what_a_fused_node_waits_for() -> None:
    gate = Gate()

    class Delays(Pass):
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()
            self.ctx.wait_until(self.ctx.now_ns() + 1000)
            return packet

    with pipeline(CHAIN, node=Delays) as running:
        gate.wait_reached()
        running.drain()
        gate.open()
        assert running.wait(PATIENCE_S)
    assert sink(running).indices == [0]


# topologies


def test_a_cycle_with_a_leaky_link_ends_with_its_source() -> None:
    class Mixes(Heavy):
        def process(self, packet: TextPacket) -> Any:
            return packet if packet.turn == 0 else None

    class Back(Pass):
        def process(self, packet: TextPacket) -> Any:
            return packet.replace(turn=1)

    text = """
    nodes:
      words: {use: t.words}
      mix:   {use: t.mixes}
      back:  {use: t.back}
      sink:  {use: t.collect}
    links:
      - words -> mix -> sink
      - mix -> back
      - {from: back, to: mix, queue: {packets: 4, policy: leaky-oldest}}
    """
    running = run(text, mixes=Mixes, back=Back)
    assert sink(running).indices == list(range(10))
    pushed = {link.name: link.pushed for link in running.stats()}
    assert pushed["back.out -> mix.text"] == 11  # what is fused in front of it is connected, too


def test_branches_that_meet_again_by_pts_do_not_deadlock_where_one_holds_back() -> None:
    """The joint link fills while the other branch works on; then it has room, but is not half empty."""

    class Latent(Heavy):
        def open(self) -> None:
            self.held: list[TextPacket] = []

        def process(self, packet: TextPacket) -> Any:
            self.held.append(packet)
            return self.held.pop(0) if len(self.held) > 6 else None

        def on_event(self, event: Any) -> Any:
            held, self.held = self.held, []
            return held

    text = """
    nodes:
      words:  {use: t.words, count: 400, every: 1ms}
      split:  {use: t.pass}
      latent: {use: t.latent}
      join:   {use: t.collect, order: pts}
    links:
      - {from: words, to: split, queue: {packets: 400, policy: block}}
      - {from: split, to: join, queue: {packets: 8, policy: block}}
      - split -> latent -> join
    """
    for seed in range(5):
        running = run(text, ManualClock(seed), latent=Latent)
        join = running.nodes["join"]
        assert isinstance(join, Collect)
        assert sorted(join.indices) == sorted([*range(400), *range(400)])


def test_fan_in_by_pts_gives_the_order_of_time() -> None:
    text = """
    nodes:
      slow: {use: t.words, count: 5, every: 50ms}
      fast: {use: t.words, count: 20, every: 10ms}
      sink: {use: t.collect, order: pts}
    links: [slow -> sink, fast -> sink]
    """
    running = run(text, ManualClock(seed=3))
    times = [packet.pts_ns for packet in sink(running).got]
    assert times == sorted(times)
    assert len(times) == 25
    assert sink(running).names == ["eos"]


def test_what_a_live_source_cannot_get_rid_of_is_dropped_counted_and_warned_of_once() -> None:
    gate = Gate()

    class Live(Words):
        live = True

    class Slow(Collect):
        def process(self, packet: TextPacket) -> Any:
            gate.pass_through()
            super().process(packet)

    text = """
    nodes:
      words: {use: t.live, count: 50}
      sink:  {use: t.slow}
    links:
      - {from: words, to: sink, queue: {packets: 8, policy: leaky-oldest}}
    """
    with pipeline(text, live=Live, slow=Slow) as running:
        gate.wait_reached()
        running._wiring.segments["words"].thread.join(PATIENCE_S)
        gate.open()
        assert running.wait(PATIENCE_S)
    (stats,) = running.stats()
    assert len(sink(running).got) + stats.dropped == 50
    assert sink(running).indices[-8:] == list(range(42, 50))
    (warning,) = texts(running, "warning")
    assert "too slow" in warning


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
