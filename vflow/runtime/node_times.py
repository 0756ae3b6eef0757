"""Time the calls of each node in threads that several nodes share: the thread's figures do not separate them.

It wraps the `process` methods of node instances before they are wired: a pipeline without it pays nothing.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from vflow.graph.graph import Graph, GraphNode
from vflow.node import Node, is_async_function, is_source
from vflow.ports import inputs_of
from vflow.runtime.call_times import SHORT_NS, SKIPPED, CallCounts, CallTimes


class _NeverWaits:
    """A node's own code: what it emits is pushed on between its steps, or after them."""

    waited_ns = 0


def timed(graph: Graph) -> Graph:
    """The graph, whose nodes that share a thread are timed when a pipeline makes them."""
    shared = {
        name
        for names in graph.segments()
        for name in names
        if len(names) > 1 and not is_source(graph.nodes[name].cls)
    }
    nodes = {
        name: _TimedNode(
            **{part.name: getattr(node, part.name) for part in fields(node)}, times=CallTimes(_NeverWaits())
        )
        if name in shared
        else node
        for name, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes)


def counts_of(graph: Graph) -> dict[str, CallCounts]:
    """Counts of the nodes of a graph that are timed, by name; {} of one that `timed` did not make."""
    return {
        name: node.times.counts((name,))
        for name, node in graph.nodes.items()
        if isinstance(node, _TimedNode) and node.times is not None
    }


@dataclass(frozen=True, slots=True)
class _TimedNode(GraphNode):
    """A node that is timed from its making. Of several pipelines of one graph the calls are added up."""

    times: CallTimes | None = None

    def create(self) -> Node:
        node = GraphNode.create(self)
        if self.times is not None:
            self.times.begin()
            for method in ("process", *(f"process_{port}" for port in inputs_of(type(node)))):
                call = getattr(node, method, None)
                if call is not None and not is_async_function(call):
                    setattr(node, method, _wrapped(call, self.times))
        return node


def _wrapped(call: Callable[..., Any], times: CallTimes) -> Callable[..., Any]:
    skip = skipped = 0  # calls that need not be timed, and that were not

    def plain(packet: Any) -> Any:
        nonlocal skip, skipped
        if skipped < skip:
            skipped += 1
            return call(packet)
        weight, skipped = skipped + 1, 0
        began_ns = time.perf_counter_ns()
        try:
            return call(packet)
        finally:
            took_ns = time.perf_counter_ns() - began_ns
            times.add(took_ns, weight)
            skip = 0 if took_ns > SHORT_NS else SKIPPED

    def stepped(packet: Any) -> Iterator[Any]:
        made, took_ns = call(packet), 0
        try:
            while True:
                began_ns = time.perf_counter_ns()
                try:
                    item = next(made)
                except StopIteration:
                    return
                finally:
                    took_ns += time.perf_counter_ns() - began_ns
                yield item
        finally:
            made.close()
            times.add(took_ns)

    return stepped if inspect.isgeneratorfunction(call) else plain
