"""Measure in vflow the remains of a reply after a flush, and how soon the next reply is heard.

`under_load`: a reply as fast as the threads go; `at_the_samples`: a recorded reply, and a node that blocks.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from protocol import FRAMES, RATE, Answer, serve

from vflow import Audio, AudioPacket, In, Node, Out, Pipeline, Played, Sink, Text, TextPacket
from vflow.errors import Flushed
from vflow.graph.loader import load_text

AUDIO = Audio(rate=RATE, channels=1)
SILENCE = np.zeros((FRAMES, 1), np.float32)
PATIENCE_S = 10.0
LEVELS = 16
"""Replies take this many levels in turn, so that a sample tells which reply it is of."""

LOAD = """
nodes:
  source:  {use: bench.flood}
  reply:   {use: bench.reply}
  filter:  {use: bench.pass}
  tts:     {use: bench.heavy}
  speaker: {use: bench.speaker}
links:
  - source -> reply -> filter -> tts -> speaker
"""

BLOCKED = """
nodes:
  asked:   {use: bench.asked}
  reply:   {use: bench.long_reply}
  tts:     {use: bench.blocking}
  speaker: {use: wav_sink, file: FILE}
links:
  - asked -> reply -> tts -> speaker
"""


class Flood(Node):
    """Sends questions as fast as they are taken."""

    text = Out(Text("final"))

    def produce(self) -> Iterator[TextPacket]:
        question = TextPacket(text="?")
        while True:
            yield question


class Reply(Node):
    """Replies in blocks; each holds the number of the last flush that had begun when it was made."""

    generates = True
    text = In(Text("final"))
    audio = Out(AUDIO)
    begun = 0

    def process(self, packet: TextPacket) -> Iterator[AudioPacket | None]:
        for _ in range(50):
            yield AudioPacket(data=SILENCE, rate=RATE, meta={"begun": self.begun})
            yield None


class Pass(Node):
    audio = In(AUDIO)
    out = Out(AUDIO)

    def process(self, packet: AudioPacket) -> AudioPacket | None:
        return packet


class Heavy(Pass):
    heavy = True


class Speaker(Sink):
    """A sink that takes blocks at once; it notes when the first fresh one came, and counts stale ones."""

    audio = In(AUDIO)

    def open(self) -> None:
        self.lock = threading.Lock()
        self.floor = self.awaited = self.returned = self.stale = self.played = 0
        self.fresh_ns = 0
        self.came = threading.Event()

    def process(self, packet: AudioPacket) -> None:
        with self.lock:
            if self.ctx.epoch < self.floor:
                raise Flushed
            begun = packet.meta["begun"]
            self.played += 1
            self.stale += begun < self.returned
            if begun == self.awaited and not self.came.is_set():
                self.fresh_ns = time.monotonic_ns()
                self.came.set()

    def drop(self, epoch: int) -> tuple[Played, ...]:
        with self.lock:
            self.floor = epoch
        return ()

    def lead_ns(self) -> int:
        return 0


class Asked(Node):
    """Sends a question when the application asks one."""

    sparse = True
    text = Out(Text("final"))

    def open(self) -> None:
        self.given: deque[int] = deque()

    def ask(self) -> None:
        """Any thread."""
        self.given.append(1)
        self.ctx.notify()

    def produce(self) -> Iterator[TextPacket]:
        while True:
            while self.given:
                self.given.popleft()
                yield TextPacket(text="?", turn=self.ctx.new_turn())
            self.ctx.wait_until()


class LongReply(Node):
    """Replies in blocks of 400 ms at the level of the turn, without end."""

    generates = True
    text = In(Text("final"))
    audio = Out(AUDIO)

    def process(self, packet: TextPacket) -> Iterator[AudioPacket | None]:
        samples = np.full((RATE * 2 // 5, 1), level(packet.turn), np.float32)
        while True:
            yield AudioPacket(data=samples, rate=RATE, turn=packet.turn)
            yield None


class Blocking(Heavy):
    """Blocks for `block_s` at each packet, as a call into a library does."""

    block_s = 0.2

    def process(self, packet: AudioPacket) -> AudioPacket | None:
        time.sleep(self.block_s)
        return packet


CLASSES = {
    "bench.flood": Flood,
    "bench.reply": Reply,
    "bench.pass": Pass,
    "bench.heavy": Heavy,
    "bench.speaker": Speaker,
    "bench.asked": Asked,
    "bench.long_reply": LongReply,
    "bench.blocking": Blocking,
}


def level(turn: int) -> float:
    return (turn % LEVELS + 1) / (2 * LEVELS)


def under_load(flushes: int = 200, busy: bool = False, seed: int = 1) -> Answer:
    """Flush at random moments; with `busy`, while another thread runs pure Python. Answer the times from the
    call of `flush` to the first block at the sink that was made after it, in microseconds."""
    running = Pipeline(load_text(LOAD, file="load.yaml", nodes=CLASSES))
    reply, speaker = running.nodes["reply"], running.nodes["speaker"]
    assert isinstance(reply, Reply)
    assert isinstance(speaker, Speaker)
    draw, done = random.Random(seed), threading.Event()
    spinner = threading.Thread(target=spin, args=(done,), daemon=True)
    fresh_us: list[float] = []
    with running:
        if busy:
            spinner.start()
        for number in range(1, flushes + 1):
            time.sleep(draw.uniform(0.002, 0.02))
            speaker.came.clear()
            reply.begun = speaker.awaited = number
            began_ns = time.monotonic_ns()
            running.flush()
            speaker.returned = number
            if not speaker.came.wait(PATIENCE_S):
                raise RuntimeError(f"nothing came after flush {number}")
            fresh_us.append((speaker.fresh_ns - began_ns) / 1e3)
        done.set()
    return {"fresh_us": fresh_us, "stale": speaker.stale, "played": speaker.played}


def spin(done: threading.Event) -> None:
    count = 0
    while not done.is_set():
        for _ in range(1000):
            count += 1


def at_the_samples(flushes: int = 20, block_ms: float = 200.0, seed: int = 1) -> Answer:
    """Flush a reply that is being recorded while the next node blocks. Answer, in ms from the call of
    `flush`, when the recording has the last sample of the old reply, and the first of the next one."""
    draw = random.Random(seed)
    moments_ns: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reply.wav"
        running = Pipeline(load_text(BLOCKED.replace("FILE", str(file)), file="blocked.yaml", nodes=CLASSES))
        asked, blocking = running.nodes["asked"], running.nodes["tts"]
        assert isinstance(asked, Asked)
        assert isinstance(blocking, Blocking)
        blocking.block_s = block_ms / 1e3
        with running:
            for _ in range(flushes):
                asked.ask()
                time.sleep(draw.uniform(0.5, 0.9))
                moments_ns.append(running.clock.now_ns())
                running.flush()
            asked.ask()
            time.sleep(0.5)
        samples = soundfile.read(file, dtype="float32")[0]
    turns = np.rint(samples * 2 * LEVELS).astype(int)  # 1 + turn % LEVELS; 0 is silence
    stop_ms, fresh_ms = [], []
    for turn, moment_ns in enumerate(moments_ns, start=1):
        at = moment_ns * RATE / 1e9
        until = int(at + RATE)  # within a second: the level of a turn comes again much later
        behind = turns[int(at) : until]
        old, new = (np.flatnonzero(behind == t % LEVELS + 1) for t in (turn, turn + 1))
        stop_ms.append((int(old[-1]) + 1) / RATE * 1e3 if len(old) else 0.0)
        fresh_ms.append(float(new[0]) / RATE * 1e3)
    audible = sum(bool((turns[: int(m * RATE / 1e9)][-80:] > 0).any()) for m in moments_ns)
    return {"stop_ms": stop_ms, "fresh_ms": fresh_ms, "interrupted": audible}


if __name__ == "__main__":
    serve(under_load, at_the_samples)
