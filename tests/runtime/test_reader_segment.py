"""A thread that reads links: its timers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.runtime.test_segment import CHAIN, sink
from tests.stand_ins import PATIENCE_S, Pass, Words, pipeline, run, word
from vflow import MS, Event, Flush, ManualClock, TextPacket


class Late(Pass):
    """Emits each word 30 ms after it came, unless a flush came first."""

    delay_ns = 30 * MS

    def open(self) -> None:
        self.held: list[TextPacket] = []

    def process(self, packet: TextPacket) -> Any:
        self.held.append(packet)
        if len(self.held) == 1:
            self.ctx.wake_at(self.ctx.now_ns() + self.delay_ns)

    def on_timer(self) -> Any:
        held, self.held = self.held, []
        return [packet.replace(pts_ns=self.ctx.now_ns()) for packet in held]

    def on_event(self, event: Event) -> Any:
        return self.on_timer()


def test_a_timer_runs_at_its_time_while_nothing_comes() -> None:
    text = CHAIN.replace("every: 20ms", "every: 100ms")
    running = run(text, ManualClock(), node=Late)
    assert [packet.pts_ns // MS for packet in sink(running).got] == [*(100 * n + 30 for n in range(9)), 900]


def test_a_flush_cancels_the_timers_of_what_it_reaches() -> None:
    fired = []

    class Timed(Late):
        def on_timer(self) -> Any:
            fired.append(self.ctx.now_ns())
            return super().on_timer()

        def on_flush(self, flush: Flush) -> None:
            self.held.clear()

    class Flushes(Words):
        generates = True
        flush: Any = None

        def produce(self) -> Iterator[Any]:
            yield word(0, turn=1)
            self.ctx.wait_until(10 * MS)
            self.flush(turn=1)
            self.ctx.wait_until(500 * MS)
            yield word(1, turn=2)
            self.ctx.wait_until(600 * MS)

    running = pipeline(CHAIN.replace("{use: t.words, every: 20ms}", "{use: t.source}"), ManualClock(),
                       node=Timed, source=Flushes)  # fmt: skip
    running.nodes["words"].flush = running.flush  # type: ignore[attr-defined]
    with running:
        assert running.wait(PATIENCE_S)
    assert fired[0] == 530 * MS
    assert sink(running).indices == [1]
