"""Run vflow: chains of pass-through nodes on 20 ms audio blocks, and the same nodes called by hand.

`system` is one of
    fused     one thread
    boundary  `queue:` at every link
    voice     twelve nodes at default settings, three of them heavy
    told      the same, each packet posted on the bus once
    direct    no framework: each node's `process`, its result given to the next
    loop      the minimum: a loop over the methods
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from protocol import BLOCK_S, FRAMES, RATE, Answer, Paces, rate, serve

from vflow import Audio, AudioPacket, Bin, Eos, Event, In, Message, Node, Out, Pipeline
from vflow.graph.loader import load_text
from vflow.runtime.pipeline import SWITCH_INTERVAL_S

AUDIO = Audio(rate=RATE, channels=1)
SILENCE = np.zeros((FRAMES, 1), np.float32)
SWITCH_MS = SWITCH_INTERVAL_S * 1e3

VOICE = [
    *("mic", "aec", "resample", "gain", "vad", "gate"),
    *("generator", "words", "tts", "limiter", "meter", "speaker"),
]
"""The nodes of a voice agent, here all pass-through; a thread boundary comes before each of HEAVY."""
HEAVY = {"vad", "generator", "tts"}


class Blocks(Node):
    """A source of `packets` blocks: as fast as they are taken, or at the pace of `paces`."""

    out = Out(AUDIO)
    packets = 0
    paces: Paces | None = None
    began_s = 0.0

    def produce(self) -> Iterator[AudioPacket]:
        if self.paces is not None:
            yield from self.at_pace(self.paces)
            return
        block = AudioPacket(data=SILENCE, rate=RATE)
        self.began_s = time.perf_counter()
        for _ in range(self.packets):
            yield block

    def at_pace(self, paces: Paces) -> Iterator[AudioPacket]:
        paces.begin()
        offset_ns = paces.origin_ns - self.ctx.now_ns()
        for index in range(self.packets):
            self.ctx.wait_until(paces.due_ns(index) - offset_ns)
            paces.emit()
            yield AudioPacket(data=SILENCE, rate=RATE, pts_ns=self.ctx.now_ns())


class Pass(Node):
    """Passes on what comes."""

    audio = In(Audio())
    out = Out(Audio())

    def process(self, packet: AudioPacket) -> AudioPacket | None:
        return packet


class Heavy(Pass):
    """Passes on what comes, in a thread of its own."""

    heavy = True


class Told(Pass):
    """Passes on what comes, and posts it on the bus."""

    out = Out(Audio(), bus=True)


class Microphone(Blocks):
    """A source of blocks as a microphone records them: it does not wait for the graph."""

    live = True


class Slow(Node):
    """Works longer on a block than the block lasts, in a library that blocks; notes how old each block is
    when it begins."""

    heavy = True
    audio = In(Audio())
    work_s = 0.0

    def open(self) -> None:
        self.ages_ms: list[tuple[float, float]] = []

    def process(self, packet: AudioPacket) -> None:
        now_ns = self.ctx.now_ns()
        self.ages_ms.append((now_ns / 1e6, (now_ns - packet.pts_ns) / 1e6))
        time.sleep(self.work_s)


class Count(Node):
    """Counts packets, and notes when the stream ended."""

    audio = In(Audio())
    count = 0
    ended_s = 0.0

    def process(self, packet: AudioPacket) -> None:
        self.count += 1

    def on_event(self, event: Event) -> None:
        if isinstance(event, Eos):
            self.ended_s = time.perf_counter()


class Arrivals(Node):
    """Notes when each packet comes."""

    audio = In(Audio())
    paces: Paces

    def process(self, packet: AudioPacket) -> None:
        self.paces.arrive()


def pipeline(
    system: str, nodes: int, end: type[Node], switch_ms: float = SWITCH_MS
) -> tuple[Pipeline, Blocks, Any]:
    """Make a pipeline; return it, not started, with its source and its sink."""
    names = VOICE if system in ("voice", "told") else ["source", *(f"pass{n}" for n in range(nodes)), "sink"]
    kinds = ["blocks", *("heavy" if name in HEAVY else "pass" for name in names[1:-1]), "end"]
    if system == "told":
        kinds[-2] = "told"
    declared = [f"  {name}: {{use: bench.{kind}}}" for name, kind in zip(names, kinds, strict=True)]
    if system == "boundary":
        links = [f"  - {{from: {a}, to: {b}, queue: {{packets: 64}}}}" for a, b in pairwise(names)]
    else:
        links = [f"  - {' -> '.join(names)}"]
    classes: dict[str, type[Node] | type[Bin]] = {
        "bench.blocks": Blocks,
        "bench.pass": Pass,
        "bench.heavy": Heavy,
        "bench.told": Told,
        "bench.end": end,
    }
    text = "\n".join(["nodes:", *declared, "links:", *links, ""])
    graph = load_text(text, file="bench.yaml", nodes=classes)
    made = Pipeline(graph, switch_interval_s=switch_ms / 1e3)
    source, sink = made.nodes[names[0]], made.nodes[names[-1]]
    assert isinstance(source, Blocks)
    return made, source, sink


class Stage:
    """One node of a hand-written chain, and the next stage for its results."""

    def __init__(self, node: Node, target: Any) -> None:
        self.node, self.target = node, target

    def push(self, packet: AudioPacket) -> None:
        emitted = self.node.process(packet)
        if emitted is not None:
            self.target.push(emitted)


def by_hand(system: str, nodes: int, packets: int) -> Answer:
    """Run the same nodes without a framework."""
    sink, block = Count(), AudioPacket(data=SILENCE, rate=RATE)
    stage = Stage(sink, None)
    for _ in range(nodes):
        stage = Stage(Pass(), stage)
    methods: list[Any] = [Pass().process for _ in range(nodes)]
    began = time.perf_counter()
    if system == "direct":
        for _ in range(packets):
            stage.push(block)
    else:
        for _ in range(packets):
            packet: Any = block
            for method in methods:
                packet = method(packet)
            sink.process(packet)
    elapsed_s = time.perf_counter() - began
    return rate(sink.count, elapsed_s)


def throughput(
    system: str = "fused",
    nodes: int = 5,
    packets: int = 20_000,
    observed: bool = False,
    switch_ms: float = SWITCH_MS,
) -> Answer:
    """Send packets as fast as it goes. `observed`: with a listener on the bus, and the links' counters read
    at 10 Hz."""
    if system in ("direct", "loop"):
        return by_hand(system, nodes, packets)
    running, source, sink = pipeline(system, nodes, Count, switch_ms)
    source.packets = packets
    done = threading.Event()
    seen: list[Message] = []
    reader = threading.Thread(target=read_stats, args=(running, done), daemon=True)
    if observed:
        running.bus.listen(seen.append)
        reader.start()
    with running:
        running.wait()
    done.set()
    if observed:
        reader.join()
    return rate(sink.count, sink.ended_s - source.began_s)


def read_stats(running: Pipeline, done: threading.Event) -> None:
    """Read statistics ten times a second, as a live picture of the graph does."""
    while not done.wait(0.1):
        running.stats()


def paced(system: str = "fused", nodes: int = 5, packets: int = 400, period_ms: float = 5.0) -> Answer:
    """Send one packet every `period_ms`."""
    running, source, sink = pipeline(system, nodes, Arrivals)
    source.packets, source.paces = packets, Paces(period_ms)
    sink.paces = source.paces
    with running:
        running.wait()
        return source.paces.answer()


BOUNDS = {
    "time": "{{time: {ms}ms, policy: leaky-oldest}}",
    "max_age": "{{max_age: {ms}ms, policy: leaky-oldest}}",
}


def overload(seconds: float = 10.0, factor: float = 1.5, bound: str = "time", ms: int = 200) -> Answer:
    """Run a microphone into a node that needs `factor` times as long as a block lasts. `bound` names the key
    that limits the link between them to `ms`. Answer pairs of a time and an age while it is on."""
    text = f"""
nodes:
  mic:  {{use: bench.microphone}}
  slow: {{use: bench.slow}}
links:
  - {{from: mic, to: slow, queue: {BOUNDS[bound].format(ms=ms)}}}
"""
    running = Pipeline(
        load_text(text, file="slow.yaml", nodes={"bench.microphone": Microphone, "bench.slow": Slow})
    )
    source, slow = running.nodes["mic"], running.nodes["slow"]
    assert isinstance(source, Microphone)
    assert isinstance(slow, Slow)
    source.packets, source.paces, slow.work_s = int(seconds / BLOCK_S), Paces(BLOCK_S * 1e3), BLOCK_S * factor
    with running:
        running.wait()
    (link,) = running.stats()
    ages_ms = [pair for pair in slow.ages_ms if pair[0] <= seconds * 1e3]
    return {"ages_ms": ages_ms, "dropped": link.dropped, "stale": link.stale}


if __name__ == "__main__":
    serve(throughput, paced, overload)
