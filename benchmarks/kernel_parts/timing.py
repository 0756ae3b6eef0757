"""Times by replays of CUDA graphs, and the report: one JSON object a line."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from kernel_parts.decoder import Call


def time_us(calls: list[Call], device: str, bytes_each: float = 0.0) -> float:
    """Median time of one call, in microseconds, by replays of a graph that holds all of them some times."""
    for call in calls[:2]:
        call()
    if device == "cpu":
        begun = time.perf_counter()
        calls[0]()
        return (time.perf_counter() - begun) * 1e6
    # a graph of some milliseconds, so that its own start does not count
    times = int(max(1, min(150, 6e9 / max(bytes_each, 1)) // len(calls)))
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls * times:
            call()
    graph.replay()
    took = []
    for _ in range(5):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        took.append(begin.elapsed_time(end))
    return float(statistics.median(took)) * 1000 / len(calls) / times


class Report:
    """Prints one object a line, and keeps them in a file where one is named."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("w") if path else None
        self.ceiling = 0.0  # bytes a microsecond

    def put(self, **values: Any) -> None:
        line = json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()})
        print(line, flush=True)
        if self._file:
            print(line, file=self._file, flush=True)

    def timed(self, us: float, size: float, **values: Any) -> None:
        self.put(**values, us=round(us, 2), share=round(size / us / self.ceiling, 3))
