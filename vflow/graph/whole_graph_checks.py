"""Checks that need the whole graph: cycles that block, inputs that nothing feeds, nodes that may wait for
ever, files that would be overwritten, overrides that name nothing."""

from __future__ import annotations

from vflow.graph.draft import Draft
from vflow.graph.echo_cancellation import CANCELLER
from vflow.graph.file_uses import clashes
from vflow.graph.graph import Graph, GraphNode
from vflow.graph.negotiation import CONVERTER
from vflow.graph.spoken_form import NODE
from vflow.ports import inputs_of

INSERTED = (CANCELLER, NODE, CONVERTER)
"""Nodes that passes insert; the name of each begins with the node before or after it: "mic.aec"."""


def refuse_blocking_cycle(draft: Draft) -> None:
    """Note a cycle in which every link blocks."""
    if found := draft.graph.blocking_cycle():
        message = f"the cycle {' -> '.join(found)} would deadlock: every link in it blocks"
        mend = "give one of its links 'queue: {policy: leaky-oldest}'"
        draft.error(message, draft.graph.nodes[found[0]].place, mend)


def refuse_unfed_inputs(draft: Draft) -> None:
    """Note inputs that nothing feeds, and nodes that wait for inputs which may stay silent."""
    graph = draft.graph
    for name, port in unlinked(graph):
        if (name, port) not in draft.outer_ports:
            mend = f"link a node to it: '- ... -> {name}'"
            draft.error(f"nothing feeds {name}.{port}", graph.nodes[name].place, mend)
    for node in graph.nodes.values():
        into = graph.into(node.name)
        if node.order == "pts" and len(into) > 1:
            _refuse_silent(draft, node, [link.source for link in into])


def refuse_unavailable(draft: Draft) -> None:
    """Note the nodes and bins that cannot run here."""
    draft.diagnostics += draft.problems.values()


def refuse_unused_overrides(draft: Draft) -> None:
    """Note properties set of a node that is not in the graph, and stand-ins for a role that no node plays.

    After an error nothing is inserted, so a property of a node that might have been inserted is let pass.
    """
    document = draft.document
    draft.diagnostics += draft.overrides.unused(
        document.file, document.nodes, draft.graph.nodes, INSERTED, sure=draft.sound
    )


def refuse_file_clashes(draft: Draft) -> None:
    """Note files that a node writes, and that the graph reads, or another node writes."""
    draft.diagnostics += clashes(draft.files)


def unlinked(graph: Graph) -> list[tuple[str, str]]:
    """Return the inputs that must be fed and are not, each as node and port."""
    fed = {(link.target, link.into) for link in graph.links}
    return [
        (name, port)
        for name, node in graph.nodes.items()
        for port, declared in inputs_of(node.cls).items()
        if (name, port) not in fed and not declared.optional
    ]


def _refuse_silent(draft: Draft, node: GraphNode, sources: list[str]) -> None:
    graph = draft.graph
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
            draft.error(message, node.place, "use 'order: arrival'")
