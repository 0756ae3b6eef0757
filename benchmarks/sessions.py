"""Start and stop pipelines, and count the threads, descriptors and bytes that they leave.

    python benchmarks/sessions.py [--sessions 1000] [--json]

A session is a small graph of six nodes and five threads, with an event loop, a sink and a generator. Of every
four, one runs to its end, one is stopped while it plays, one is stopped while its nodes open, and one has a
node that cannot be opened. The bytes are the larger of two figures: the slope of RSS, by a straight line
through its values after a warm-up, and the growth in Python's own allocator (tracemalloc, on another quarter
of the sessions, since it takes memory itself).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vflow import In, Node, NodeError, Out, Pipeline, Played, Sink, Text, TextPacket
from vflow.graph.loader import load_text

TARGETS = {"T10_threads": 0.0, "T10_descriptors": 0.0, "T10_bytes_a_session": 2000.0}
WARM_UP = 200
EVERY = 25
"""How many sessions to run between two looks at RSS."""
PATIENCE_S = 20.0
GRAPH = """
nodes:
  words:   {use: b.words}
  opens:   {use: b.OPENS}
  reply:   {use: b.reply}
  remote:  {use: b.remote}
  speaker: {use: b.speaker}
  log:     {use: b.log}
links:
  - words -> opens -> reply -> remote -> speaker
  - remote -> log
"""


class Words(Node):
    out = Out(Text("word"))

    def produce(self) -> Iterator[TextPacket]:
        for index in range(20):
            yield TextPacket(text=str(index), index=index, turn=1)


class Opens(Node):
    text = In(Text("word"))
    out = Out(Text("word"))

    def process(self, packet: TextPacket) -> Any:
        return packet


class OpensSlowly(Opens):
    """A node that loads until it is closed."""

    entered = threading.Event()
    left = threading.Event()

    def open(self) -> None:
        self.entered.set()
        self.left.wait(PATIENCE_S)


class OpensNot(Opens):
    def open(self) -> None:
        raise OSError("no such device")


class Plays(Opens):
    """A node that never finishes, so that it is stopped while it plays."""

    def process(self, packet: TextPacket) -> Any:
        self.ctx.wait_until()


class Reply(Opens):
    heavy = True
    generates = True

    def process(self, packet: TextPacket) -> Iterator[Any]:
        yield packet
        yield None


class Remote(Opens):
    async def process(self, packet: TextPacket) -> Any:
        return packet


class Log(Node):
    heavy = True
    text = In(Text("word"))

    def process(self, packet: TextPacket) -> None:
        self.ctx.post("stats", packet.text)


class Speaker(Sink):
    text = In(Text("word"))

    def process(self, packet: TextPacket) -> None:
        """Play at once."""

    def drop(self, epoch: int) -> tuple[Played, ...]:
        return ()

    def lead_ns(self) -> int:
        return 0


NODES: dict[str, type[Node]] = {
    "b.words": Words, "b.reply": Reply, "b.remote": Remote, "b.log": Log, "b.speaker": Speaker,
    "b.opens": Opens, "b.slowly": OpensSlowly, "b.not": OpensNot, "b.plays": Plays,
}  # fmt: skip
GRAPHS = {
    kind: load_text(GRAPH.replace("OPENS", kind), file=f"{kind}.yaml", nodes=NODES)
    for kind in ("opens", "plays", "slowly", "not")
}


def session(number: int) -> None:
    """Run one session; its number chooses the kind."""
    kind = list(GRAPHS)[number % len(GRAPHS)]
    pipeline = Pipeline(GRAPHS[kind])
    if kind == "slowly":
        _stop_during_start(pipeline)
        return
    try:
        with pipeline:
            if kind == "opens":
                pipeline.wait(PATIENCE_S)
            else:
                pipeline.flush()
    except NodeError:
        if kind != "not":
            raise


def _stop_during_start(pipeline: Pipeline) -> None:
    OpensSlowly.entered.clear()
    OpensSlowly.left.clear()
    start = threading.Thread(target=pipeline.start)
    start.start()
    OpensSlowly.entered.wait(PATIENCE_S)
    stop = threading.Thread(target=pipeline.stop)
    stop.start()
    OpensSlowly.left.set()
    for thread in (start, stop):
        thread.join(PATIENCE_S)


def threads() -> int:
    """Count the threads of this process, after those that are ending have had time to end."""
    for thread in threading.enumerate():
        if thread.name.startswith("vflow"):
            thread.join(PATIENCE_S)
    return threading.active_count()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def rss_bytes() -> int:
    """Return the memory of this process as the system counts it; 0 if the system does not tell."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else 0


def rss_slope(sessions: int) -> float:
    """Return by how many bytes a session RSS grows, over this many sessions."""
    at: list[int] = []
    found: list[int] = []
    for number in range(sessions):
        session(number)
        if number % EVERY == 0:
            gc.collect()
            at.append(number)
            found.append(rss_bytes())
    return float(np.polyfit(at, found, 1)[0]) if len(found) > 1 else 0.0


def traced_bytes(sessions: int) -> float:
    """Return how many bytes more Python's allocator holds after each of this many sessions."""
    tracemalloc.start()
    try:
        for number in range(WARM_UP // 4):  # fill the caches that tracemalloc uses
            session(number)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(sessions):
            session(number)
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / sessions
    finally:
        tracemalloc.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1000, help="pipelines to start and stop")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    for number in range(WARM_UP):
        session(number)
    before, begun = (threads(), descriptors()), time.perf_counter()
    slope = rss_slope(args.sessions)
    took_s = time.perf_counter() - begun
    left = [now - then for now, then in zip((threads(), descriptors()), before, strict=True)]
    traced = traced_bytes(max(args.sessions // 4, 1))
    values = [left[0], left[1], round(max(slope, traced), 1)]
    targets = {
        name: {"value": value, "target": target, "met": value <= target}
        for (name, target), value in zip(TARGETS.items(), values, strict=True)
    }
    if args.json:
        figures = {"rss_bytes_a_session": round(slope, 1), "traced_bytes_a_session": round(traced, 1)}
        run = {"sessions": args.sessions, "seconds": round(took_s, 1)}
        print(json.dumps({**run, **figures, "targets": targets}))
        return
    print(
        f"{args.sessions} sessions in {took_s:.1f} s; bytes a session: RSS {slope:.0f}, traced {traced:.0f}"
    )
    for name, target in targets.items():
        verdict = "met" if target["met"] else "MISSED"
        print(f"{name} {target['value']}, target {target['target']:.0f}: {verdict}")


if __name__ == "__main__":
    main()
