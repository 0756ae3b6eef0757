"""Write the figures of a server for Prometheus: the text of /metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import generate_latest

from vflow.runtime.shared_models import MODELS, OLDEST
from vflow.web.absence import AWAY
from vflow.web.roster import Roster
from vflow.web.tally import BUCKETS_S, add_links

STATES = ("starting", "idle", "listening", "processing", "speaking", "interrupted", AWAY)
OUTCOMES = ("heard", "interrupted", "taken_back", "empty", "error")


class Metrics:
    """The figures of one server, read from its roster when they are asked for."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, roster: Roster, hide: Callable[[str], str] = str) -> None:
        """`hide` takes values of the environment out of a text."""
        self._roster, self._hide = roster, hide
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(self)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield all figures. Call it in the event loop's thread."""
        roster, tally = self._roster, self._roster.tally
        states = Counter(guest.state for guest in roster.guests)
        yield _gauge("sessions", "Sessions that run, by state.", "state", {s: states[s] for s in STATES})
        yield GaugeMetricFamily("vflow_sessions_capacity", "Sessions at once.", roster.capacity)
        yield GaugeMetricFamily(
            "vflow_stopping", "1 where nobody is taken in any more.", roster.stopping.is_set()
        )
        yield GaugeMetricFamily("vflow_cores_used_ratio", "Share of the usable cores.", roster.load.share())
        yield CounterMetricFamily("vflow_sessions_begun", "Sessions since the start.", roster.served)
        yield CounterMetricFamily("vflow_sessions_resumed", "Connections that came back.", tally.resumed)
        yield _counter("connections_closed", "Connections, by the word for their end.", "code", roster.closed)
        yield _counter(
            "turns", "Turns, by what became of the reply.", "outcome", {o: tally.turns[o] for o in OUTCOMES}
        )
        yield CounterMetricFamily("vflow_warnings", "Warnings of nodes.", tally.warnings)
        failures = CounterMetricFamily("vflow_errors", "Sessions that failed.", labels=["node", "kind"])
        for (node, kind), count in sorted(tally.failures.items()):
            failures.add_metric([node, kind], count)
        yield failures
        yield from self._queues()
        yield self._latencies()
        yield from self._links()

    def _queues(self) -> Iterator[Metric]:
        queues = {self._hide(name): counts for name, counts in MODELS.queues().items()}
        for key, name, text in (
            ("waiting", "model_waiting", "Requests that wait for a shared model."),
            (OLDEST, "model_waiting_seconds", "How long the first of them has waited."),
            ("slots", "model_slots", "Requests that a shared model works on at once."),
            ("busy", "model_slots_busy", "Requests that it works on."),
        ):
            found = {model: counts[key] for model, counts in queues.items() if key in counts}
            yield _gauge(name, text, "model", found)
        waits = SummaryMetricFamily("vflow_model_wait_seconds", "Waits that are over.", labels=["model"])
        for model, counts in sorted(queues.items()):
            waits.add_metric([model], int(counts.get("waits", 0)), counts.get("waited_s", 0))
        yield waits

    def _latencies(self) -> Metric:
        family = HistogramMetricFamily(
            "vflow_turn_latency_seconds", "Latencies of turns.", labels=["latency"]
        )
        for name, latency in self._roster.tally.latencies.items():
            total, buckets = 0, []
            for bound, count in zip([*map(str, BUCKETS_S), "+Inf"], latency.counts, strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric([name], buckets, latency.sum_s)
        return family

    def _links(self) -> Iterator[Metric]:
        levels: dict[str, float] = {}
        links = {name: Counter(counts) for name, counts in self._roster.tally.links.items()}
        for guest in self._roster.guests:
            if guest.pipeline is not None:
                add_links(links, guest.pipeline.stats())
                for name, level in guest.pipeline.levels().items():
                    levels[name] = max(level, levels.get(name, 0.0))
        yield _gauge("link_fill_ratio", "How full a link is, of the fullest session.", "link", levels)
        for kind, text in (
            ("pushed", "Packets that went into links."),
            ("dropped", "Packets that a link's policy dropped."),
            ("stale", "Packets that an interruption made void."),
        ):
            yield _counter(
                f"link_{kind}", text, "link", {name: counts[kind] for name, counts in links.items()}
            )


def _gauge(name: str, text: str, label: str, values: Any) -> Metric:
    family = GaugeMetricFamily(f"vflow_{name}", text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family


def _counter(name: str, text: str, label: str, values: Any) -> Metric:
    family = CounterMetricFamily(f"vflow_{name}", text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family
