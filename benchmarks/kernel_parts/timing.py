"""Measure times by replays of CUDA graphs, and report them: one JSON object a line."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from kernel_parts.decoder import Call


def time_us(calls: list[Call], device: str, bytes_each: float = 0.0) -> float:
    """Return the median time of one call in microseconds, by replays of a graph that holds all calls several
    times."""
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
    """Prints one object a line, keeps them, and writes them to a file if one is named."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("w") if path else None
        self.ceiling = 0.0  # bytes a microsecond
        self.lines: list[dict[str, Any]] = []

    def put(self, **values: Any) -> None:
        self.lines.append({k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()})
        line = json.dumps(self.lines[-1])
        print(line, flush=True)
        if self._file:
            print(line, file=self._file, flush=True)

    def timed(self, us: float, size: float, **values: Any) -> None:
        self.put(**values, us=round(us, 2), share=round(size / us / self.ceiling, 3))

    def summary(self) -> str:
        """Return a line for each kernel and width, with its batches side by side, and one for each sweep."""
        table: dict[tuple[str, int, int], list[str]] = {}
        for line in self.lines:
            if "us" not in line or "share" not in line:
                continue
            cell = f"{line['rows']}: {line['us']:.1f} us {line['share']:.2f}"
            cell += "".join(
                f" {name} {line[name]}" for name in ("torch_us", "first_us", "cut") if name in line
            )
            key = line["name"], line.get("bits", 16), line.get("context", 0)
            table.setdefault(key, []).append(cell)
        rows = [f"{n:14}{bits:3}{context or '':6}  {'  '.join(c)}" for (n, bits, context), c in table.items()]
        return "\n".join(rows)
