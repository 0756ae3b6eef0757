"""Measure the cost of `vflow run --watch`: five minutes of audio through a detector, as fast as it goes.

    python benchmarks/watch.py [--runs N] [--audio SECONDS] [--json]

Runs with and without an open page alternate; the result is a ratio of medians, in CPU time of the process.
Also measured is the CPU time of the thread that serves the page, as a share of one core: other work of the
machine changes that less. The page is a process of its own that reads all messages, as a browser does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import vflow
from vflow.live.feed import Feed
from vflow.live.watch_server import WatchServer
from vflow.report.turn_log import TurnLog
from vflow.runtime.node_times import timed

TARGET, CORE_TARGET = 1.02, 0.02
GRAPH = """
nodes:
  mic:  {{use: test_tone, duration: {seconds}s, pace: free}}
  vad:  {{use: vad}}
  sink: {{use: "null"}}
links: [mic -> vad -> sink]
"""
PAGE = """
import sys
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
address, _, token = sys.argv[1].partition("/#token=")
with connect(address.replace("http", "ws") + "/ws", subprotocols=["vflow.1", f"token.{token}"]) as socket:
    socket.send('{"type": "start"}')
    try:
        for frame in socket:
            if '"figures"' in frame:
                print("figures", flush=True)
    except ConnectionClosed:
        pass
"""


@contextlib.contextmanager
def page(served: WatchServer) -> Iterator[subprocess.Popen[str]]:
    """Keep a page open inside the context; yield its process."""
    command = [sys.executable, "-c", PAGE, served.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline(), "the page was told nothing"
        try:
            yield process
        finally:
            process.kill()


def run(graph: vflow.Graph, watched: bool) -> tuple[float, int, float]:
    """Return CPU seconds of a run, how often the page got figures, and its thread's share of a core."""
    pipeline = vflow.Pipeline(timed(graph) if watched else graph).open()
    log = TurnLog(graph)
    pipeline.bus.listen(log.listen)
    with contextlib.ExitStack() as stack:
        opened, spent = None, lambda: 0.0
        if watched:
            served = stack.enter_context(WatchServer(Feed(pipeline, log)))
            opened = stack.enter_context(page(served))
            spent = cpu_of_page()
        began, began_wall, before = time.process_time(), time.perf_counter(), spent()
        pipeline.start()
        pipeline.wait()
        seconds = time.process_time() - began
        share = (spent() - before) / (time.perf_counter() - began_wall)
        if opened is None:
            return seconds, 0, 0.0
        told, _ = opened.communicate(timeout=10)
        return seconds, told.count("figures"), share


def cpu_of_page() -> Callable[[], float]:
    """Return a function for the CPU seconds used so far by the thread that serves the page."""
    (thread,) = [each for each in threading.enumerate() if each.name == "vflow:watch"]
    clock = time.pthread_getcpuclockid(thread.ident or 0)
    return lambda: time.clock_gettime(clock)


def main(runs: int, audio: float) -> dict[str, Any]:
    graph = vflow.load(GRAPH.format(seconds=audio))
    run(graph, watched=True)  # imports and compiles once, outside the measurement
    without, with_page, shares, told = [], [], [], 0
    for _ in range(runs):
        without.append(run(graph, watched=False)[0])
        seconds, count, share = run(graph, watched=True)
        shares.append(share)
        with_page.append(seconds)
        told += count
    before, after = statistics.median(without), statistics.median(with_page)
    ratio, core = round(after / before, 4), round(statistics.median(shares), 4)
    return {
        "runs": runs,
        "figures_told": told,
        "without_cpu_s": round(before, 3),
        "with_cpu_s": round(after, 3),
        "targets": {
            "with a page, times": {"value": ratio, "target": TARGET, "met": ratio <= TARGET},
            "its thread, of one core": {"value": core, "target": CORE_TARGET, "met": core <= CORE_TARGET},
        },
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--audio", type=float, default=300.0, help="seconds of audio in a run")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = main(args.runs, args.audio)
    print(json.dumps(found) if args.json else found)
