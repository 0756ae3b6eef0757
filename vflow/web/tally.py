"""Count what a server has served, for /metrics: numbers only, no words that were said."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from vflow.report.turn import LATENCIES, TurnRecord
from vflow.runtime.link import LinkStats

BUCKETS_S = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Upper bounds of the histograms' buckets; the promised latencies are among them."""


@dataclass(slots=True)
class Latency:
    """A histogram of one latency. `counts` has one entry per bucket; the last bucket has no upper bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


class Tally:
    """Counts over all sessions since the server began. For one thread."""

    def __init__(self) -> None:
        self.latencies = {name: Latency() for name in LATENCIES}
        self.turns: Counter[str] = Counter()
        """Turns that ended, by the fate of the reply (`outcome_of`)."""
        self.warnings = 0
        self.failures: Counter[tuple[str, str]] = Counter()
        """Sessions that failed, by node and kind of error."""
        self.resumed = 0
        self.links: dict[str, Counter[str]] = {}
        """Packets of sessions that have ended, by link."""

    def turn(self, record: TurnRecord) -> None:
        """Count a turn that has ended."""
        self.turns[record.outcome] += 1
        for name, latency in self.latencies.items():
            if (took_ns := record.latency_ns(name)) is not None:
                latency.add(took_ns / 1e9)

    def ended(self, links: list[LinkStats]) -> None:
        """Add the links of a session that has ended."""
        add_links(self.links, links)


def add_links(to: dict[str, Counter[str]], links: list[LinkStats]) -> None:
    """Add the packet counts of links to `to`, by the link's name."""
    for link in links:
        to.setdefault(link.name, Counter()).update(pushed=link.pushed, dropped=link.dropped, stale=link.stale)
