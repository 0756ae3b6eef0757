"""The part of a reply's latency that the properties of a graph fix, path by path."""

from __future__ import annotations

from dataclasses import dataclass

from vflow.errors import Diagnostic
from vflow.graph.graph import Graph
from vflow.node import Sink
from vflow.props import duration_text, props_of


@dataclass(frozen=True, slots=True)
class Part:
    """A property that adds to the latency; `kind` is `endpoint` or `path`, as `prop(latency=...)` has it."""

    name: str
    kind: str
    value_ns: int

    def __str__(self) -> str:
        return f"{self.name} {duration_text(self.value_ns)}"


@dataclass(frozen=True, slots=True)
class PathLatency:
    """A path from a source to its end, and the properties on it that count."""

    nodes: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def total_ns(self) -> int:
        return sum(part.value_ns for part in self.parts)

    def __str__(self) -> str:
        return " -> ".join(self.nodes)


def path_latencies(graph: Graph) -> list[PathLatency]:
    """Return the paths that have a latency, the slowest first; in a graph with a budget, its paths only.

    The budget's paths end in a node that plays, and pass a node that decides when an utterance has ended (it
    has an `endpoint` property). From `speech_end` only the nodes after that one count, from `voice_off` all.
    """
    found = []
    for names in dict.fromkeys(_heard(graph, path) for path in graph.paths()):
        parts = [parts_of(graph, name) for name in names]
        if graph.budget is not None:
            ends = [i for i, inner in enumerate(parts) if any(part.kind == "endpoint" for part in inner)]
            if not ends or not issubclass(graph.nodes[names[-1]].cls, Sink):
                continue
            if graph.budget.start == "speech_end":
                parts = parts[ends[-1] + 1 :]
        found.append(PathLatency(names, tuple(part for inner in parts for part in inner)))
    if graph.budget is None:
        found = [path for path in found if path.parts]
    return sorted(found, key=lambda path: -path.total_ns)


def _heard(graph: Graph, path: list[str]) -> tuple[str, ...]:
    """Return a path up to the first node that plays: what follows is its echo."""
    plays = (at for at, name in enumerate(path, 1) if issubclass(graph.nodes[name].cls, Sink))
    return tuple(path[: next(plays, len(path))])


def parts_of(graph: Graph, name: str) -> list[Part]:
    """Return the properties of a node that add to the latency."""
    node = graph.nodes[name]
    declared = {n: p for n, p in props_of(node.cls).items() if p.latency}
    values = node.create() if declared else None
    return [
        Part(f"{name}.{prop}", declaration.latency, value_ns)
        for prop, declaration in declared.items()
        if (value_ns := getattr(values, prop))
    ]


def over_budget(graph: Graph) -> Diagnostic | None:
    """Return the error of a graph whose properties alone exceed its budget; None if they do not."""
    paths = path_latencies(graph)
    budget = graph.budget
    if budget is None or not paths or paths[0].total_ns <= budget.limit_ns:
        return None
    worst = paths[0]
    largest = max(worst.parts, key=lambda part: part.value_ns)
    message = (
        f"the properties alone take {duration_text(worst.total_ns)} of a budget of"
        f" {duration_text(budget.limit_ns)} from {budget.start}: {' + '.join(map(str, worst.parts))}"
    )
    return Diagnostic(message, budget.place, f"lower {largest.name}, or raise 'max'")
