"""A source's stream ends, begins anew, and is drained."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from tests.runtime.test_link import drain
from tests.runtime.test_pipeline import CHAIN, sink
from tests.stand_ins import PATIENCE_S, Gate, Heavy, Pass, Words, pipeline, run, word
from vflow import Eos, Event, Flush, ManualClock, TextPacket
from vflow.errors import Stopped


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


def test_drain_ends_a_source_that_never_waits_and_plays_its_packets() -> None:
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


def test_drain_does_not_end_the_wait_of_a_fused_node() -> None:
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


def test_a_source_that_is_restarted_within_its_stream_does_not_begin_it_again() -> None:
    gate = Gate()

    class Stumbles(Words):
        stumbled = False

        def produce(self) -> Any:
            yield word(0)
            gate.pass_through()
            yield word(1)
            yield word(2)

        def on_cancel(self, flush: Flush) -> None:
            if not self.stumbled:
                self.stumbled = True
                raise OSError("no such reply")

    text = CHAIN.replace("{use: t.words}", "{use: t.stumbles, on_error: {restart: 1}}")
    with pipeline(text, node=Pass, stumbles=Stumbles) as running:
        gate.wait_reached()
        running.flush(origins=["words"])
        gate.open()
        assert running.wait(PATIENCE_S)
        assert running.nodes["words"].stumbled  # type: ignore[attr-defined]
    assert sink(running).indices.count(2) == 1


def test_a_source_that_is_stopped_before_its_stream_began_produces_nothing() -> None:
    begun: list[bool] = []

    class Notes(Words):
        def produce(self) -> Any:
            begun.append(True)
            yield word(0)

    segment = pipeline(CHAIN.replace("t.words", "t.notes"), node=Pass, notes=Notes)._wiring.segments["words"]
    segment.stop()
    with pytest.raises(Stopped):
        segment._work()
    assert begun == []


def test_flush_with_a_drain_is_applied_before_the_stream_ends() -> None:
    log: list[str] = []

    class Interrupted(Words):
        def produce(self) -> Any:
            yield word(0)
            segment.hand(Flush(1, 0, frozenset(["words"]), frozenset(["node"])))
            segment.drain()
            self.ctx.wait_until()

    class Notes(Pass):
        def on_flush(self, flush: Flush) -> None:
            log.append("flush")

        def on_event(self, event: Event) -> Any:
            log.append(event.name)

    text = CHAIN.replace("t.words", "t.interrupted")
    segment = pipeline(text, node=Notes, interrupted=Interrupted)._wiring.segments["words"]
    segment._work()
    assert log == ["flush", "eos"]


def test_flush_is_applied_between_two_emissions_even_if_it_refuses_none() -> None:
    log: list[str] = []

    class Fused(Pass):
        def process(self, packet: TextPacket) -> Any:
            log.append(f"word {packet.index}")
            if packet.index == 0:
                segment.hand(Flush(1, 0, origins=frozenset(["node"]), nodes=frozenset(["sink"])))

        def on_cancel(self, flush: Flush) -> None:
            log.append("cancel")

    text = CHAIN.replace("{use: t.words}", "{use: t.words, count: 2}")
    segment = pipeline(text, node=Fused)._wiring.segments["words"]
    segment._work()
    assert log == ["word 0", "cancel", "word 1"]


def test_forked_child_that_returns_with_an_error_ends_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Ended(BaseException):
        """Stands for the end of the process."""

    def end(code: int) -> None:
        raise Ended

    wiring = pipeline(CHAIN, node=Pass)._wiring
    segment = wiring.segments["words"]
    segment.forked()
    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(Ended):
        segment.failed(wiring.runners["words"], OSError("in the child"))


def test_a_source_that_is_stopped_while_it_makes_a_packet_does_not_send_it() -> None:
    class Stops(Words):
        def produce(self) -> Any:
            yield word(0)
            segment.stop()
            yield word(1)

    wiring = pipeline(CHAIN.replace("t.words", "t.stops"), node=Heavy, stops=Stops)._wiring
    segment = wiring.segments["words"]
    with pytest.raises(Stopped):
        segment._work()
    assert wiring.segments["node"].inbox.link.stats().pushed == 1


def test_flush_drops_a_sources_items_without_a_turn_and_the_source_goes_on() -> None:
    class Flushes(Words):
        def produce(self) -> Any:
            yield word(0)
            running.flush(0, ["words"])
            yield word(1)  # of before the flush: the thread has not applied it
            yield word(2)

    running = pipeline(CHAIN.replace("t.words", "t.flushes"), node=Heavy, flushes=Flushes)
    running._wiring.segments["words"]._work()
    assert drain(running._wiring.segments["node"].inbox.link) == [word(2), Eos()]


def test_a_fused_node_that_is_restarted_does_not_begin_the_stream_again() -> None:
    class Stumbles(Pass):
        stumbled = False

        def process(self, packet: TextPacket) -> Any:
            if packet.index == 9 and not Stumbles.stumbled:
                Stumbles.stumbled = True
                raise OSError("once")
            return packet

    text = CHAIN.replace("{use: t.node}", "{use: t.node, on_error: {restart: 1}}")
    assert sink(run(text, ManualClock(), node=Stumbles)).indices == list(range(9))
    assert Stumbles.stumbled
