"""The protocol between a benchmark and its peers, each a program of its own in the interpreter that it needs.

A request is one line of JSON, `{"run": "paced", "system": "queue", "nodes": 5, "packets": 400}`. The answer
is one too: the result of the function of that name, or `{"error": "..."}`. A peer serves many requests, so
that systems alternate without a new start. By hand: `python PEER.py paced --system queue --nodes 5`. Standard
library only, Python 3.11: Debian's interpreter runs this too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]

BLOCK_S = 0.02
RATE = 16_000
FRAMES = 320
WARM_UP = 20
"""First packets of a paced run, which are not counted."""


def serve(*runs: Callable[..., Answer]) -> None:
    """Answer the requests on standard input until it ends, or the one on the command line."""
    known = {run.__name__: run for run in runs}
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # so that output of a library does not get among the answers
    if len(sys.argv) > 1:
        name, *words = sys.argv[1:]
        pairs = zip(words[::2], words[1::2], strict=True)
        options = {word[2:].replace("-", "_"): _value(value) for word, value in pairs}
        out.write(json.dumps(known[name](**options)) + "\n")
        out.flush()
        return
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = known[request.pop("run")](**request)
        except Exception as error:  # whatever it is, tell the benchmark
            answer = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer) + "\n")
        out.flush()


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class Paces:
    """The times of a paced run: when each packet was due, left its source, and arrived, in order."""

    def __init__(self, period_ms: float) -> None:
        self.period_ns = int(period_ms * 1e6)
        self.origin_ns = 0
        self.emitted_ns: list[int] = []
        self.arrived_ns: list[int] = []

    def begin(self) -> None:
        """Start the clock. The source calls it before its first packet."""
        self.origin_ns, self._cpu_ns = time.monotonic_ns(), time.process_time_ns()

    def due_ns(self, index: int) -> int:
        """Return when a packet is to leave, on the monotonic clock."""
        return self.origin_ns + (index + 1) * self.period_ns

    def emit(self) -> None:
        self.emitted_ns.append(time.monotonic_ns())

    def arrive(self) -> None:
        self.arrived_ns.append(time.monotonic_ns())

    def answer(self) -> Answer:
        """Return microseconds from the intended and from the real emission, for each packet; CPU a packet."""
        cpu_us = (time.process_time_ns() - self._cpu_ns) / 1e3
        count = len(self.arrived_ns)
        return {
            "due_us": [(self.arrived_ns[i] - self.due_ns(i)) / 1e3 for i in range(WARM_UP, count)],
            "emitted_us": [(self.arrived_ns[i] - self.emitted_ns[i]) / 1e3 for i in range(WARM_UP, count)],
            "cpu_us": cpu_us / count,
            "packets": count,
        }


def rate(packets: int, elapsed_s: float) -> Answer:
    """Return the answer of a run that went as fast as possible."""
    return {"per_s": packets / elapsed_s, "packets": packets, "seconds": elapsed_s}
