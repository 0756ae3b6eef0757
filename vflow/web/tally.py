"""Counts of what a server has served, for /metrics: numbers alone, nothing of what was said."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from vflow.report.turn import LATENCIES, TurnRecord
from vflow.runtime.link import LinkStats

BUCKETS_S = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Upper bounds of the histograms; the promises of a turn are among them."""


@dataclass(slots=True)
class Latency:
    """How often a latency fell into each bucket; the last one has no bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


class Tally:
    """Of all sessions since the server began. One thread."""

    def __init__(self) -> None:
        self.latencies = {name: Latency() for name in LATENCIES}
        self.turns: Counter[str] = Counter()
        """By what became of the reply."""
        self.warnings = 0
        self.failures: Counter[tuple[str, str]] = Counter()
        """Sessions that failed, by node and kind of error."""
        self.resumed = 0
        self.links: dict[str, Counter[str]] = {}
        """Packets of the sessions that have ended, by link."""

    def turn(self, record: TurnRecord) -> None:
        """A turn has ended."""
        self.turns[record.outcome] += 1
        for name, latency in self.latencies.items():
            if (took_ns := record.latency_ns(name)) is not None:
                latency.add(took_ns / 1e9)

    def ended(self, links: list[LinkStats]) -> None:
        """A session has ended, of which these are the links."""
        add_links(self.links, links)


def add_links(to: dict[str, Counter[str]], links: list[LinkStats]) -> None:
    """Add what went through links, by name."""
    for link in links:
        to.setdefault(link.name, Counter()).update(pushed=link.pushed, dropped=link.dropped, stale=link.stale)
