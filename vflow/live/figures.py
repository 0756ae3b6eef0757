"""Measure the links and threads of a running pipeline.

The figures are made from counters that the threads keep anyway: without a watcher they cost nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vflow.packet import SECOND
from vflow.runtime.call_times import CallCounts
from vflow.runtime.link import LinkStats
from vflow.runtime.node_times import counts_of
from vflow.runtime.pipeline import Pipeline

RATE_S = 1.0
"""Rates and the share of busy time are taken over at least this time, or since the first look."""
WINDOW_S = 10.0
"""p50 and p99 are taken over the last 10 s."""


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    links: dict[str, LinkStats]
    threads: dict[str, CallCounts]
    nodes: dict[str, CallCounts]


class Figures:
    """The figures for one watcher. For one thread."""

    def __init__(self, pipeline: Pipeline, clock: Callable[[], float] = time.monotonic) -> None:
        self._pipeline, self._clock = pipeline, clock
        self._looks: deque[_Look] = deque()

    def look(self) -> dict[str, Any]:
        """Return the current figures, for JSON.

        `links`, by name: `fill` (0 to 1), `age_ms` of the packet that comes out next, `per_s`, and counts
        since the run began: `dropped`, `dropped_ms`, `stale`. `threads`, without those of sources: `nodes`
        (the first calls the others), `busy` (0 to 1), `p50_ms`, `p99_ms` and `max_ms` of its calls, `per_s`.
        `nodes`, by name: the same for nodes that share a thread, if they are timed.
        """
        now = self._take()
        older = [look for look in self._looks if look.at_s <= now.at_s - RATE_S]
        recent = older[-1] if older else self._looks[0]
        passed_s, first = now.at_s - recent.at_s, self._looks[0]
        return {
            "at_ms": round(self._pipeline.clock.now_ns() * 1000 / SECOND),
            "links": {name: _link(link, recent.links[name], passed_s) for name, link in now.links.items()},
            "threads": [
                {
                    "nodes": list(counts.nodes),
                    **_calls(counts, recent.threads[head], first.threads[head], passed_s),
                }
                for head, counts in now.threads.items()
            ],
            "nodes": {
                name: _calls(counts, recent.nodes[name], first.nodes[name], passed_s)
                for name, counts in now.nodes.items()
            },
        }

    def _take(self) -> _Look:
        links = {link.name: link for link in self._pipeline.stats()}
        threads = {counts.nodes[0]: counts for counts in self._pipeline.threads.call_counts()}
        nodes = counts_of(self._pipeline.graph)
        if not self._looks:  # the first look is its own reference: earlier calls do not count
            self._looks.append(_Look(self._clock(), links, threads, nodes))
        look = _Look(self._clock(), links, threads, nodes)
        self._looks.append(look)
        while len(self._looks) > 2 and self._looks[1].at_s < look.at_s - WINDOW_S:
            self._looks.popleft()
        return look


def _link(now: LinkStats, before: LinkStats, passed_s: float) -> dict[str, Any]:
    came = now.pushed - before.pushed
    return {
        "fill": now.fill,
        "age_ms": now.age_ms,
        "per_s": round(came / passed_s, 1) if passed_s > 0 else 0.0,
        "dropped": now.dropped,
        "dropped_ms": now.dropped_ms,
        "stale": now.stale,
    }


def _calls(now: CallCounts, recent: CallCounts, first: CallCounts, passed_s: float) -> dict[str, Any]:
    calls = now.since(first).stats()
    lately = CallCounts(now.nodes, now.lasted_ns - recent.lasted_ns, busy_ns=now.busy_ns - recent.busy_ns)
    return {
        "busy": lately.busy,
        "p50_ms": calls.p50_ms,
        "p99_ms": calls.p99_ms,
        "max_ms": calls.max_ms,
        "per_s": round((now.calls - recent.calls) / passed_s, 1) if passed_s > 0 else 0.0,
    }
