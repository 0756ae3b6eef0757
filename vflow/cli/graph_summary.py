"""Describe a good graph, for `vflow check`."""

from __future__ import annotations

from collections.abc import Iterator

from vflow.graph.echo_cancellation import CANCELLER
from vflow.graph.graph import Graph
from vflow.graph.latency_budget import path_latencies
from vflow.graph.negotiation import CONVERTER
from vflow.graph.spoken_form import NODE as SPOKEN_FORM
from vflow.props import duration_text

MAX_PATHS = 5
"""Most paths that are printed, the slowest first."""


def describe(graph: Graph) -> Iterator[str]:
    """Yield the lines: counts, roles, converters, threads, and the latency that the properties fix."""
    segments = graph.segments()
    counts = ((len(graph.nodes), "node"), (len(graph.links), "link"), (len(segments), "thread"))
    yield ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts)
    yield from _section("roles", _roles(graph))
    yield from _section("converters inserted", _converters(graph))
    yield from _section("echo cancellers inserted", _cancellers(graph))
    yield from _section("spoken forms inserted", _spoken_forms(graph))
    yield from _section("threads", (f"{n}  {', '.join(names)}" for n, names in enumerate(segments, 1)))
    yield from _latency(graph)


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"{title}:"
        yield from (f"  {line}" for line in found)


def _roles(graph: Graph) -> Iterator[str]:
    for name, choice in graph.roles.items():
        shown = name if name == choice.role else f"{name} ({choice.role})"
        yield f"{shown} = {choice.taken}"
        for reason in choice.passed_over:
            yield f"  ranks higher, but is not available: {reason}"


def _converters(graph: Graph) -> Iterator[str]:
    for name, node in graph.nodes.items():
        if node.converter and node.resolved == CONVERTER:
            (before,), (after,) = graph.into(name), graph.out_of(name)
            given, made = node.caps[before.into], node.caps[after.out]
            ends = f"from {before.source}.{before.out} to {after.target}.{after.into}"
            yield f"{name}: {given} -> {made}, {ends}"


def _cancellers(graph: Graph) -> Iterator[str]:
    for name, node in graph.nodes.items():
        if node.converter and node.resolved == CANCELLER:
            microphone, speaker = graph.into(name)
            ends = f"{microphone.source}.{microphone.out} without what {speaker.source}.{speaker.out} has"
            yield f"{name}: {ends}"


def _spoken_forms(graph: Graph) -> Iterator[str]:
    for name, node in graph.nodes.items():
        if node.converter and node.resolved == SPOKEN_FORM:
            sources = " and ".join(f"{link.source}.{link.out}" for link in graph.into(name))
            yield f"{name}: how to say {sources}"


def _latency(graph: Graph) -> Iterator[str]:
    budget, paths = graph.budget, path_latencies(graph)
    if budget is not None:
        limit = duration_text(budget.limit_ns)
        yield f"budget: {limit} from {budget.start} to first_audio, of which the properties fix:"
        if not paths:
            yield "  nothing: no path from a source passes a node that ends utterances and reaches a speaker"
    elif paths:
        yield "latency that the properties fix (the graph has no budget):"
    for path in paths[:MAX_PATHS]:
        yield f"  {path}"
        yield f"    {' + '.join(map(str, path.parts)) or 'no property'} = {duration_text(path.total_ns)}"
        if budget is not None:
            yield f"    {duration_text(budget.limit_ns - path.total_ns)} left for the models"
    if len(paths) > MAX_PATHS:
        yield f"  and {len(paths) - MAX_PATHS} paths more, none of them slower"
