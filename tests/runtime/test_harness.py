from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.stand_ins import Pass, Speaker, Words, word
from vflow import (
    MS,
    Audio,
    AudioPacket,
    Flush,
    Harness,
    In,
    Node,
    NodeError,
    Out,
    Played,
    Text,
    TextPacket,
)
from vflow.runtime.shared_models import MODELS


def test_push_returns_the_emitted_items_and_pull_takes_them() -> None:
    with Harness(Pass()) as harness:
        assert harness.push(word(0)) == [word(0)]
        assert harness.pull() == [word(0)]
        assert harness.pull() == []


def test_a_source_produces_until_the_test_stops() -> None:
    with Harness(Words(count=5, every="20ms")) as harness:
        items = harness.produce()
        assert [next(items).pts_ns for _ in range(3)] == [0, 20 * MS, 40 * MS]
        assert harness.now_ns() == 40 * MS


class Hums(Node):
    audio = Out(Audio(rate=16_000, channels=1))

    def produce(self) -> Iterator[Any]:
        yield AudioPacket(data=np.zeros(80, np.float32), rate=8_000)


class Counts(Words):
    def produce(self) -> Iterator[Any]:
        yield 7


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Hums(), r"emitted audio\(rate=8000, channels=1\), but its output carries audio\(rate=16000"),
        (Counts(), "emitted int, not a packet or an event"),
    ],
)
def test_emission_that_a_pipeline_refuses_fails_the_test(node: Node, message: str) -> None:
    with Harness(node) as harness, pytest.raises(NodeError, match=message):
        list(harness.produce())


def test_audio_that_differs_from_its_outputs_caps_fails_the_test() -> None:
    class Slows(Node):
        """Halves the rate without declaring it."""

        audio = In(Audio())
        out = Out(Audio(rate=16_000))

        def process(self, packet: AudioPacket) -> Any:
            return packet.replace(rate=packet.rate // 2)

    heard = AudioPacket(data=np.zeros((160, 3), np.float32), rate=32_000)
    with Harness(Slows()) as harness:
        assert [item.pts_ns for item in harness.push(heard)] == [0]
        with pytest.raises(NodeError, match="but its output carries audio"):
            harness.push(heard.replace(rate=16_000))


class Timed(Pass):
    def process(self, packet: TextPacket) -> Any:
        self.ctx.wake_at(self.ctx.now_ns() + 10)

    def on_timer(self) -> Any:
        if self.ctx.now_ns() < 30:
            self.ctx.wake_at(self.ctx.now_ns() + 10)
        return word(self.ctx.now_ns())


def test_timers_run_at_their_time_while_time_advances() -> None:
    with Harness(Timed()) as harness:
        harness.push(word(0))
        assert harness.advance(25) == [word(10), word(20)]
        assert harness.now_ns() == 25
        assert harness.advance(100) == [word(30)]


def test_a_wait_for_ever_fails_the_test_unless_something_notified() -> None:
    with Harness(Pass()) as harness:
        harness.notify()
        harness.wait_until()
        with pytest.raises(NodeError, match="waits for ever"):
            harness.wait_until()


class Remembers(Pass):
    flushes: tuple[Flush, ...] = ()

    def on_flush(self, flush: Flush) -> None:
        self.flushes = (*self.flushes, flush)

    on_cancel = on_flush


def test_flush_and_cancel_reach_the_node_with_what_was_played() -> None:
    played = Played(turn=1, samples=100, rate=16000, heard="two words", words=2)
    with Harness(node := Remembers()) as harness:
        harness.flush(turn=1, played=(played,))
        harness.cancel(turn=2)
        first, second = node.flushes
        assert first.heard(1) == "two words"
        assert (second.turn, second.origins) == (2, frozenset(["node"]))
        assert harness.cancelled(2)
        assert not harness.cancelled(3)


def test_a_sink_refuses_after_a_drop_until_the_flush_is_applied() -> None:
    with Harness(node := Speaker()) as harness:
        harness.push(word(0))
        node.drop(1)
        harness.push(word(1))
        harness.flush()
        harness.push(word(2))
        assert node.indices == [0, 2]


class Looks(Pass):
    generates = True

    def process(self, packet: TextPacket) -> Iterator[Any]:
        yield packet
        yield None
        yield packet


def test_a_cancelled_generator_ends_at_its_next_look() -> None:
    with Harness(Looks()) as harness:
        harness.on_look = lambda: harness.cancel(1)
        assert harness.push(word(0, turn=1)) == [word(0, turn=1)]


class Model:
    closed = False

    def close(self) -> None:
        self.closed = True


class Half(Pass):
    """Fails when half open."""

    model = Model()

    def open(self) -> None:
        self.model = self.ctx.shared("half", Model)
        raise OSError("no such device")


def test_a_failing_open_closes_the_node_and_gives_back_its_models() -> None:
    with pytest.raises(OSError, match="no such device"), Harness(node := Half()):
        pytest.fail("it did not open")
    assert node.model.closed
    assert not MODELS._entries


def test_caps_are_those_given_by_the_test_else_those_declared() -> None:
    harness = Harness(Pass(), caps={"text": Text("chunk")})
    assert harness.caps("text") == Text("chunk")
    assert harness.caps("out") == Text("word")


def test_holds_and_take_backs_of_a_node_are_recorded() -> None:
    class Decides(Pass):
        def process(self, packet: TextPacket) -> None:
            self.ctx.hold(True)
            self.ctx.take_back(packet.turn)
            self.ctx.hold(False)

    with Harness(Decides()) as harness:
        harness.push(word(0, turn=3))
        assert (harness.holds, harness.taken_back) == ([True, False], [3])
        assert harness.cancelled(3)
        assert not harness.cancelled(4)


def test_flush_of_a_harness_takes_back_if_told_to() -> None:
    flushes: list[Flush] = []

    class Notes(Pass):
        def on_flush(self, flush: Flush) -> None:
            flushes.append(flush)

        on_cancel = on_flush

    with Harness(Notes()) as harness:
        heard = (Played(1, 5, 24_000, "one", 1),)
        assert harness.flush(1, heard).heard(1) == "one"
        assert harness.flush(1, heard, takes_back=True).heard(1) == ""
        harness.cancel(1, heard, takes_back=True)
    assert [flush.takes_back for flush in flushes] == [False, True, True]
