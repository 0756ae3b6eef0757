"""Measure the cost of `vflow run --trace`: an utterance through the detector and `turn`, as fast as it goes.

    python benchmarks/trace.py [--runs N] [--json]

Runs with and without a trace alternate; the result is a ratio of medians. There are two nodes of plain Python
and a small model, with 32 ms of audio a packet; the share is smaller for nodes that do more work.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import vflow
from vflow.bench.speech import bundled
from vflow.runtime.trace import Trace

TARGET = 1.1
GRAPH = """
nodes:
  mic:  {{use: wav_source, file: "{file}", pace: free}}
  vad:  {{use: vad}}
  sink: {{use: "null"}}
links: [mic -> vad -> sink]
"""


def run(graph: vflow.Graph, trace: Trace | None) -> tuple[float, int]:
    """Return the seconds of a run, and the number of entries in its trace."""
    pipeline = vflow.Pipeline(graph if trace is None else trace.of(graph)).open()
    began = time.perf_counter()
    with pipeline:
        pipeline.wait()
    return time.perf_counter() - began, 0 if trace is None else len(list(trace.events()))


def main(runs: int) -> dict[str, Any]:
    graph = vflow.load(GRAPH.format(file=bundled()))
    plain, traced, entries = [], [], 0
    for _ in range(runs):
        plain.append(run(graph, None)[0])
        seconds, entries = run(graph, Trace())
        traced.append(seconds)
    without, with_trace = statistics.median(plain), statistics.median(traced)
    ratio = round(with_trace / without, 3)
    return {
        "runs": runs,
        "entries": entries,
        "without_ms": round(without * 1000, 1),
        "with_ms": round(with_trace * 1000, 1),
        "targets": {"with a trace, times": {"value": ratio, "target": TARGET, "met": ratio <= TARGET}},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = main(args.runs)
    print(json.dumps(found) if args.json else found)
