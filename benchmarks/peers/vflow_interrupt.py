"""Make the two runs of `benchmarks/interrupt.py` in vflow."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from speech.stamps import CHUNK_S, CHUNKS, CODE, RATE, SENTENCE, judge

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Duration,
    In,
    Node,
    Out,
    Pipeline,
    Played,
    Sink,
    Text,
    TextPacket,
    prop,
)
from vflow.errors import Flushed
from vflow.graph.loader import load_text
from vflow.report.recordings import summary
from vflow_nodes.tts.hibari import Model

PACE_NS = 5 * MS


class Asker(Node):
    """Sends a question when the benchmark asks one."""

    live = True
    out = Out(Text("final"))

    def open(self) -> None:
        self._asked: deque[int] = deque()

    def ask(self, turn: int) -> None:
        """Send a question; any thread."""
        self._asked.append(turn)
        self.ctx.notify()

    def produce(self) -> Iterator[TextPacket]:
        while True:
            while not self._asked:
                self.ctx.wait_until()
            turn = self._asked.popleft()
            yield TextPacket(text="?", turn=turn, pts_ns=self.ctx.now_ns())


class Replier(Node):
    """Replies with `count` chunks, as fast as they are taken."""

    generates = True
    heavy = True
    count: int = prop(1_000_000, doc="chunks of a reply")
    text = In(Text("final"))
    out = Out(Text("chunk"))

    def process(self, packet: TextPacket) -> Iterator[TextPacket | None]:
        if self.ctx.cancelled(packet.turn):
            return
        for index in range(self.count):
            yield TextPacket(text=SENTENCE, index=index, turn=packet.turn, pts_ns=self.ctx.now_ns())


class Pass(Node):
    """Passes on each packet, in a thread of its own; with `block` it blocks before, as a C library may."""

    heavy = True
    block: Duration = prop("0ms", doc="of each packet")
    text = In(Text("chunk"))
    out = Out(Text("chunk"))

    def process(self, packet: TextPacket) -> TextPacket:
        if self.block:
            time.sleep(self.block / SECOND)
        return packet


class PacedSink(Sink):
    """Takes a packet every PACE_NS, and notes its time and its reply."""

    heavy = True
    text = In(Text("chunk"))

    def open(self) -> None:
        self.taken: list[tuple[int, int]] = []
        self._lock = threading.Lock()
        self._floor = 0  # guarded by _lock

    def process(self, packet: TextPacket) -> None:
        with self._lock:
            if self.ctx.epoch < self._floor:
                raise Flushed
            self.taken.append((time.monotonic_ns(), packet.turn))
        self.ctx.wait_until(self.ctx.now_ns() + PACE_NS)

    def drop(self, epoch: int) -> tuple[Played, ...]:
        with self._lock:
            self._floor = epoch
        return ()

    def lead_ns(self) -> int:
        return 0


class StampedTts(Node):
    """Makes CHUNK_S of samples of each chunk; their value tells the reply. It takes as long as `tts.hibari`
    for a sentence, or blocks."""

    heavy = True
    block: Duration = prop("0ms", doc="0: synthesize a sentence instead")
    text = In(Text("chunk"))
    audio = Out(Audio(rate=RATE, channels=1))

    def open(self) -> None:
        self._make = synthesis(self.block / SECOND)

    def process(self, packet: TextPacket) -> Iterator[AudioPacket | None]:
        self._make(packet.text)
        samples = np.full(int(CHUNK_S * RATE), CODE * packet.turn / 32768, np.float32)
        whole = AudioPacket(data=samples, rate=RATE, turn=packet.turn, pts_ns=self.ctx.now_ns())
        for block in whole.blocks(RATE // 10):
            yield block
            yield None


NODES: dict[str, type[Node]] = {
    "bench.asker": Asker,
    "bench.replier": Replier,
    "bench.pass": Pass,
    "bench.sink": PacedSink,
    "bench.tts": StampedTts,
}


def synthesis(block_s: float) -> Callable[[str], None]:
    """Return a function that does the work of a TTS for a text: speak it with hibari, or block."""
    if block_s:
        return lambda _: time.sleep(block_s)
    voice = Model("heart", 1)

    def speak(text: str) -> None:
        for sentence in voice.phonemes(text):
            voice.samples(sentence, 1.0)

    speak(SENTENCE)
    return speak


@contextmanager
def busy_thread(wanted: bool) -> Iterator[None]:
    """Run a thread of pure Python meanwhile, if it is `wanted`."""
    ended = threading.Event()

    def compute() -> None:
        number = 0
        while not ended.is_set():
            number += 1

    thread = threading.Thread(target=compute, daemon=True)
    if wanted:
        thread.start()
    yield
    ended.set()
    if wanted:
        thread.join()


def packets(cuts: int, seed: int, busy: bool = False, block: str = "0ms") -> dict[str, Any]:
    """Flush a full chain; return ms to the first packet of the next reply, and the stale packets."""
    moments, blocking = random.Random(seed), block != "0ms"
    text = f"""
nodes:
  asker: {{use: bench.asker}}
  replier: {{use: bench.replier}}
  a: {{use: bench.pass}}
  b: {{use: bench.pass, block: {block}}}
  sink: {{use: bench.sink}}
links:
  - asker -> replier -> a -> b -> sink
"""
    pipeline = Pipeline(load_text(text, nodes=NODES))
    asker, sink = pipeline.nodes["asker"], pipeline.nodes["sink"]
    assert isinstance(asker, Asker)
    assert isinstance(sink, PacedSink)
    flushed: list[tuple[int, int]] = []
    with busy_thread(busy), pipeline:
        asker.ask(1)
        for turn in range(1, cuts + 1):
            time.sleep(moments.uniform(0.6, 1.2) if blocking else moments.uniform(0.03, 0.08))
            asker.ask(turn + 1)
            begun = time.monotonic_ns()
            pipeline.flush(turn)
            flushed.append((begun, time.monotonic_ns()))
        time.sleep(1.0 if blocking else 0.1)
        taken = list(sink.taken)
    fresh, stale = [], 0
    for turn, (begun, returned) in enumerate(flushed, 1):
        first = next((at for at, of in taken if of > turn and at >= begun), None)
        if first is not None:
            fresh.append((first - begun) / MS)
        stale += sum(at > returned and of <= turn for at, of in taken)
    return {"fresh_ms": summary(fresh), "stale": stale, "cuts": cuts, "fresh_all_ms": fresh}


def samples(pauses: list[float], block_s: float, folder: Path) -> dict[str, Any]:
    """Interrupt replies that are played into a file, after each of `pauses`."""
    file = folder / "played.wav"
    text = f"""
nodes:
  asker: {{use: bench.asker}}
  replier: {{use: bench.replier, count: {CHUNKS}}}
  tts: {{use: bench.tts, block: {block_s * 1000:.0f}ms}}
  speaker: {{use: wav_sink, file: {json.dumps(str(file))}}}
links:
  - asker -> replier -> tts -> speaker
"""
    pipeline = Pipeline(load_text(text, nodes=NODES))
    asker = pipeline.nodes["asker"]
    assert isinstance(asker, Asker)
    flushed: list[tuple[int, int]] = []
    with pipeline:
        asker.ask(1)
        for turn, after_s in enumerate(pauses, 1):
            time.sleep(after_s)
            begun = pipeline.clock.now_ns()
            pipeline.flush(turn)
            flushed.append((begun, pipeline.clock.now_ns()))
            asker.ask(turn + 1)
        time.sleep(1.5)
    recording, _ = soundfile.read(file, dtype="int16")
    return judge(recording, flushed)
