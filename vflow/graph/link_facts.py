"""Facts of links and nodes that every drawing shows: flushed, held, leading back, unread, in which bins."""

from __future__ import annotations

from vflow.graph.graph import Graph, GraphLink
from vflow.node import Sink
from vflow.ports import outputs_of


def flushed(graph: Graph) -> set[str]:
    """Return the names of the links that an interruption empties: all those downstream of a generator."""
    return {link.name for link in graph.reach(graph.generators()).links}


def held(graph: Graph) -> set[str]:
    """Return the names of the links in which work done in advance waits for the end of the turn."""
    speculating = graph.speculating()
    ahead = speculating | graph.reach(speculating, in_advance=True).nodes
    return {link.name for link in graph.links if _holds(graph, link, ahead)}


def _holds(graph: Graph, link: GraphLink, ahead: frozenset[str]) -> bool:
    target = graph.nodes[link.target].cls
    return graph.is_boundary(link) and target.effect and (link.source in ahead or target.after_grace)


def bins_of(graph: Graph, name: str) -> tuple[str, ...]:
    """Return the bins that a node is in, the outermost first, each by its full name."""
    parts = name.split(".")
    bins = []
    for depth in range(1, len(parts)):
        inner = ".".join(parts[:depth])
        if inner not in graph.aliases:
            break
        bins.append(inner)
    return tuple(bins)


def unread_outputs(graph: Graph, name: str) -> list[str]:
    """Return the outputs of a node that no link reads. Return [] for a sink: its output `played` is for an
    echo canceller, and a graph may have none."""
    node = graph.nodes[name]
    if issubclass(node.cls, Sink):
        return []
    used = {link.out for link in graph.out_of(name)}
    return [port for port in outputs_of(node.cls) if port not in used]


def leads_back(graph: Graph) -> set[str]:
    """Return the names of the links that run against the order of the data."""
    order = {name: at for at, name in enumerate(graph.in_order())}
    return {link.name for link in graph.links if order[link.source] >= order[link.target]}
