"""What only the whole graph shows: cycles that block, inputs that nothing feeds, waits without an end."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vflow.errors import Diagnostic
from vflow.graph.graph import Graph, GraphNode


def cycle(graph: Graph) -> Iterator[Diagnostic]:
    """A cycle in which every link blocks."""
    if found := graph.blocking_cycle():
        message = f"the cycle {' -> '.join(found)} would deadlock: every link in it blocks"
        mend = "give one of its links 'queue: {policy: leaky-oldest}'"
        yield Diagnostic(message, graph.nodes[found[0]].place, mend)


def inputs(graph: Graph, ports: Collection[tuple[str, str]]) -> Iterator[Diagnostic]:
    """Inputs that nothing feeds, but for `ports`; and nodes that wait for inputs which may be silent."""
    for name, port in graph.unlinked():
        if (name, port) not in ports:
            mend = f"link a node to it: '- ... -> {name}'"
            yield Diagnostic(f"nothing feeds {name}.{port}", graph.nodes[name].place, mend)
    for name, node in graph.nodes.items():
        into = graph.into(name)
        if node.order == "pts" and len(into) > 1:
            yield from _order(graph, node, [link.source for link in into])


def _order(graph: Graph, node: GraphNode, sources: list[str]) -> Iterator[Diagnostic]:
    above = set(sources)
    todo = list(sources)
    while todo:
        for link in graph.into(todo.pop()):
            if link.source not in above:
                above.add(link.source)
                todo.append(link.source)
    for name in sorted(above):
        if graph.nodes[name].cls.sparse:
            message = f"{node.name} waits for every input (order: pts), but {name} may be silent for long"
            yield Diagnostic(message, node.place, "use 'order: arrival'")
