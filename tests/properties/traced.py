"""Nodes that record the packets they take and make, so that a run can be judged packet by packet."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.properties.trace import Ahead, FlushRecord, Hop, Trace, Trail
from vflow import (
    Bin,
    Duration,
    Eos,
    Event,
    Flush,
    In,
    Node,
    Out,
    Pipeline,
    Played,
    Sink,
    SpeechStart,
    Text,
    TextPacket,
    prop,
)
from vflow.errors import Flushed


class Broken(Exception):
    """The error that nodes of a random graph raise."""


class Traced(Node):
    """Base class: `take` records an arrival, `make` stamps an emission. The node raises once at each arrival
    in `faults`; -1 stands for the flush."""

    trace: Trace
    faults: frozenset[int] = frozenset()

    def take(self, packet: TextPacket) -> None:
        trail: Trail = packet.meta["trail"]
        self.trace.got[trail[-1].node, self.ctx.name].append((next(self.trace.ticks), trail))
        self.trace.taken[self.ctx.name] += 1
        self.fail_at(self.trace.taken[self.ctx.name])

    def fail_at(self, number: int) -> None:
        if number in self.faults:
            self.faults -= {number}
            self.trace.raised.add(self.ctx.name)
            raise Broken(f"at {number}")

    def make(self, packet: TextPacket | None = None, **values: Any) -> TextPacket:
        name = self.ctx.name
        packet = packet or TextPacket(text="", meta={"trail": ()}, **values)
        hop = Hop(name, len(self.trace.made[name]), packet.turn, packet.pts_ns, next(self.trace.ticks))
        self.trace.made[name].append(hop)
        return packet.replace(text=str(hop.number), meta={"trail": (*packet.meta["trail"], hop)})

    def on_event(self, event: Event) -> Any:
        self.trace.marks[self.ctx.name].append(event.name)

    def on_flush(self, flush: Flush) -> None:
        self.fail_at(-1)


class Source(Traced):
    """Makes packets; every third begins a turn, with an event before it."""

    count: int = prop(10)
    every: Duration = prop("0ms")
    lasts: Duration = prop("0ms", doc="duration of a packet")
    out = Out(Text("word"))

    def produce(self) -> Iterator[Any]:
        turn = 0
        for index in range(self.count):
            if self.every:
                self.ctx.wait_until(index * self.every)
            self.fail_at(index)
            if index % 3 == 0:
                turn = self.ctx.new_turn()
                yield SpeechStart(turn=turn, pts_ns=index * self.every)
            yield self.make(pts_ns=index * self.every, duration_ns=self.lasts, turn=turn)


class Live(Source):
    """A source with a pace of its own, as devices have."""

    live = True


class Plain(Traced):
    """Passes on each packet, in the thread of the node before it."""

    text = In(Text("word"))
    out = Out(Text("word"))

    def process(self, packet: TextPacket) -> Any:
        self.take(packet)
        return self.make(packet)


class Heavy(Plain):
    heavy = True


class Busy(Plain):
    """Works for a time by the clock before it passes a packet on."""

    work: Duration = prop("5ms")

    def process(self, packet: TextPacket) -> Any:
        self.take(packet)
        self.ctx.wait_until(self.ctx.now_ns() + self.work)
        return self.make(packet)


class Deaf(Busy):
    """Works where it cannot be interrupted, as in a library's call: a flush may come before it delivers."""

    heavy = True

    def process(self, packet: TextPacket) -> Any:
        self.take(packet)
        made = self.make(packet) if packet.turn % 2 else None
        self.ctx._segment.rest(self.work)  # type: ignore[attr-defined]
        return made or self.make(packet)


class Steps(Busy):
    """Makes zero to two packets of each, and checks for a flush between them."""

    heavy = True

    def process(self, packet: TextPacket) -> Iterator[Any]:
        self.take(packet)
        for _ in range(packet.meta["trail"][-1].number % 3):
            yield None
            self.ctx.wait_until(self.ctx.now_ns() + self.work)
            yield self.make(packet)


class Reply(Steps):
    """A generator: an interruption flushes from here on."""

    generates = True

    def on_cancel(self, flush: Flush) -> None:
        self.fail_at(-2)


class Turns(Plain):
    """Has each turn answered in advance; at the second packet of every other turn takes that back, and with
    the next packet commits the turn."""

    def open(self) -> None:
        self.ahead: Ahead | None = None
        self.count = 0

    def process(self, packet: TextPacket) -> Iterator[Any]:
        self.take(packet)
        if self.ahead is None or self.ahead.turn != packet.turn:
            self.commit()
            self.ctx.speculate(packet.turn)
            self.ahead, self.count = Ahead(packet.turn, next(self.trace.ticks)), 0
            self.trace.ahead.append(self.ahead)
        self.count += 1
        if self.count == 2 and packet.turn % 2:
            begun = next(self.trace.ticks)
            self.ctx.retract(packet.turn, packet.pts_ns)
            self.ahead.retracted.append((begun, next(self.trace.ticks)))
        yield self.make(packet)

    def on_event(self, event: Event) -> None:
        super().on_event(event)
        if isinstance(event, Eos):
            self.commit()

    def commit(self) -> None:
        if self.ahead is not None:
            self.ahead.committed = next(self.trace.ticks)
            self.ctx.commit(self.ahead.turn)
            self.ahead = None


class Guess(Busy):
    """Replies in advance."""

    heavy = True
    speculates = True


class Coroutine(Plain):
    async def process(self, packet: TextPacket) -> Any:
        self.take(packet)
        await asyncio.sleep(0)
        return self.make(packet)


class Holder(Busy):
    """Holds up to four packets until a timer, an event or the end."""

    def open(self) -> None:
        self.held: list[TextPacket] = []

    def process(self, packet: TextPacket) -> Iterator[Any]:
        self.take(packet)
        self.held.append(packet)
        if len(self.held) > 4:
            yield from self._rest()
        self.ctx.wake_at(self.ctx.now_ns() + self.work if self.held else None)

    def on_timer(self) -> Iterator[Any]:
        yield from self._rest()

    def on_event(self, event: Event) -> Iterator[Any]:
        super().on_event(event)
        yield from self._rest()

    def on_flush(self, flush: Flush) -> None:
        self.held = [packet for packet in self.held if not flush.concerns(packet.turn)]
        super().on_flush(flush)

    def _rest(self) -> Iterator[Any]:
        while self.held:
            yield self.make(self.held.pop(0))


class Pair(Bin):
    """A bin of two threads."""

    graph = """
    ports: {text: front.text, out: back.out}
    nodes:
      front: {use: p.plain}
      back:  {use: p.heavy}
    links: [front -> back]
    """


class Collect(Traced):
    heavy = True
    text = In(Text("word"))

    def process(self, packet: TextPacket) -> None:
        self.take(packet)


class Fused(Collect):
    """Collects in the thread of the node before it."""

    heavy = False


class Told(Collect):
    """Like a console or a file: a packet that it gets has reached the world."""

    effect = True


class Speaker(Traced, Sink):
    """A sink that plays a packet in each `work`, and refuses stale ones."""

    work: Duration = prop("5ms")
    text = In(Text("word"))

    def open(self) -> None:
        self._lock = threading.Lock()
        self._floor = 0

    def process(self, packet: TextPacket) -> None:
        self.take(packet)
        self.ctx.wait_until(self.ctx.now_ns() + self.work)
        with self._lock:
            if self.ctx.epoch < self._floor:
                raise Flushed
            self.trace.played[self.ctx.name].append((next(self.trace.ticks), packet.meta["trail"]))

    def drop(self, epoch: int) -> tuple[Played, ...]:
        with self._lock:
            self._floor = epoch
        return ()

    def lead_ns(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Action:
    """An act at `at_ns`: `flush` (from `origins`, or from the generators; with `turn`, of that turn and all
    before), `drain` or `stop`."""

    at_ns: int
    verb: str
    origins: tuple[str, ...] = ()
    turn: int | None = None


class Actor(Node):
    """Calls the pipeline as an application would, in a thread whose order the seed decides too."""

    actions: tuple[Action, ...] = ()
    pipeline: Pipeline
    trace: Trace

    def produce(self) -> Iterator[Any]:
        for action in self.actions:
            self.ctx.wait_until(action.at_ns)
            self.act(action)
        yield from ()

    def act(self, action: Action) -> None:
        if action.verb == "flush":
            begun = next(self.trace.ticks)
            flush = self.pipeline.flush(action.turn, action.origins or None)
            self.trace.flushes.append(FlushRecord(flush, begun, next(self.trace.ticks)))
        elif action.verb == "drain":
            self.pipeline.drain()
        else:
            self.pipeline.stop()


KINDS: dict[str, type[Node] | type[Bin]] = {
    f"p.{cls.__name__.lower()}": cls
    for cls in (
        Source, Live, Plain, Heavy, Busy, Deaf, Steps, Reply, Turns, Guess, Coroutine, Holder, Pair,
        Collect, Fused, Told, Speaker, Actor,
    )
}  # fmt: skip
