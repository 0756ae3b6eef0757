"""The checked graph, not running: which links cross threads, what a flush reaches, which cycles block.

Built by `vflow.load`, and frozen. A `Pipeline` makes new node instances from it, so one graph can run in many
pipelines at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from vflow.caps import Caps
from vflow.errors import Place
from vflow.graph.file_uses import FileUse
from vflow.graph.secrets import Secrets
from vflow.node import Node, is_async, is_source, overrides
from vflow.ports import QueueOptions, inputs_of

if TYPE_CHECKING:
    import networkx

MAX_PATHS = 100
"""Most paths that are listed: branches that meet again multiply them, and nobody reads so many."""
LIVE = QueueOptions(packets=1024, policy="leaky-oldest")  # the ring buffer after a live source


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    """The reaction to a node that raises: `fail` the pipeline, `skip` the packet, or `restart` the node, at
    most `limit` times, each time after `backoff_ns`."""

    action: str = "fail"
    limit: int = 3
    backoff_ns: int = 100_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """A promise about latency: from `speech_end` or `voice_off` to `first_audio`, at most `limit_ns`."""

    start: str
    limit_ns: int
    place: Place


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """The node that plays a role; `passed_over` are candidates of a higher rank, each with why it cannot."""

    role: str
    taken: str
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of the graph. `resolved` is the registered name that `use` led to; `converter` marks a node that
    the loader inserted; `paced` one whose source produces at the world's pace, such as a microphone."""

    name: str
    cls: type[Node]
    resolved: str
    use: str
    values: Mapping[str, Any]
    place: Place | None = None
    on_error: ErrorPolicy = field(default_factory=ErrorPolicy)
    order: str = "arrival"
    caps: Mapping[str, Caps] = field(default_factory=dict)
    converter: bool = False
    paced: bool = False

    def create(self) -> Node:
        """Return a new instance with this node's properties."""
        return self.cls(**self.values)


@dataclass(frozen=True, slots=True, eq=False)
class GraphLink:
    """A link. `queue` is None if neither the file nor the input port gives bounds. `cut` marks a link that
    crosses threads only because the chain before it is long; `feedback` a link into a feedback input."""

    source: str
    out: str
    target: str
    into: str
    queue: QueueOptions | None = None
    explicit: bool = False
    convert: bool = True
    place: Place | None = None
    cut: bool = False
    feedback: bool = False

    @property
    def name(self) -> str:
        return f"{self.source}.{self.out} -> {self.target}.{self.into}"

    @property
    def leaky(self) -> bool:
        """Whether its bounds let it drop packets, so a put never waits."""
        return self.queue is not None and self.queue.policy.startswith("leaky")


@dataclass(frozen=True, slots=True)
class Reach:
    """The nodes and links downstream of some outputs that become stale (see `Graph.reach`)."""

    nodes: frozenset[str]
    links: tuple[GraphLink, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by name and links, in the order of the file; `file` is the file's name."""

    file: str
    nodes: Mapping[str, GraphNode] = field(default_factory=dict)
    links: Sequence[GraphLink] = field(default_factory=list)
    budget: Budget | None = None
    threads: Mapping[str, int] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Nodes of the file that are bins, each with the name it resolved to."""
    roles: Mapping[str, RoleChoice] = field(default_factory=dict)
    """The choice for each node or bin whose `use` is a role."""
    warnings: Sequence[str] = ()
    files: Sequence[FileUse] = ()
    """The files it was read from, and those that its nodes read and write."""
    secrets: Secrets = field(default_factory=Secrets)
    """Values from the environment: hide them in whatever is printed."""

    @property
    def free_running(self) -> bool:
        """Whether some source could be paced by a clock and none is: latencies of its audio mean nothing."""
        sources = [node for node in self.nodes.values() if is_source(node.cls)]
        return any(overrides(n.cls, "paced") for n in sources) and not any(n.paced for n in sources)

    def into(self, name: str) -> list[GraphLink]:
        return [link for link in self.links if link.target == name]

    def out_of(self, name: str) -> list[GraphLink]:
        return [link for link in self.links if link.source == name]

    def onwards(self, name: str) -> list[GraphLink]:
        """Return the links out of a node except feedback, which leads back."""
        return [link for link in self.out_of(name) if not link.feedback]

    def before_inserted(self, link: GraphLink) -> GraphLink:
        """Return the link of the file that `link` belongs to, upstream of all that the loader inserted."""
        while self.nodes[link.source].converter:
            into = next(iter(inputs_of(self.nodes[link.source].cls)))
            link = next(other for other in self.into(link.source) if other.into == into)
        return link

    def is_boundary(self, link: GraphLink) -> bool:
        """Return whether a link crosses threads: only where a thread of its own pays."""
        source, target = self.nodes[link.source], self.nodes[link.target]
        return (
            link.explicit  # the file gives it bounds
            or link.cut  # a thread's stack is limited
            or source.paced  # the world does not wait
            or target.cls.heavy  # its work would hold up the nodes before it
            or target.cls.generates  # a flush reaches it even while its source waits
            or target.cls.effect  # work in advance is held before it, and a sink waits for its device
            or overrides(target.cls, "on_timer")  # its thread must be parked until the timer is due
            or is_async(target.cls)  # its thread has an event loop
            or len(self.into(link.target)) > 1  # one thread merges what comes
        )

    def queue(self, link: GraphLink) -> QueueOptions:
        """Return the bounds of a link that crosses threads. After a live source the default leaks."""
        if link.queue is not None:
            return link.queue
        return LIVE if self.nodes[link.source].paced else QueueOptions()

    def segments(self) -> list[list[str]]:
        """Return the nodes of each thread in the order of the data, the head first."""
        fused = [link for link in self.links if not self.is_boundary(link)]
        member = {link.target for link in fused}
        return [list(self._below(name, fused)) for name in self.nodes if name not in member]

    def _below(self, head: str, links: list[GraphLink]) -> Iterator[str]:
        todo = [head]
        while todo:
            name = todo.pop()
            yield name
            todo += [link.target for link in reversed(links) if link.source == name]

    def reach(self, origins: Iterable[str], in_advance: bool = False) -> Reach:
        """Return what a flush at the outputs of `origins` makes stale. With `in_advance`, what a retraction
        does: `keep` links too, but not the sinks, where work done in advance waits unplayed."""
        seen: set[str] = set()
        links: list[GraphLink] = []
        todo = list(origins)
        while todo:
            for link in self.onwards(todo.pop()):
                if not in_advance and link.queue is not None and link.queue.keep:
                    continue
                if link not in links:
                    links.append(link)
                if in_advance and self.nodes[link.target].cls.effect:  # it has not got the work yet
                    continue
                if link.target not in seen:
                    seen.add(link.target)
                    todo.append(link.target)
        return Reach(frozenset(seen), tuple(links))

    def generators(self, below: str | None = None) -> frozenset[str]:
        """Return the nodes whose outputs are replies; with `below`, only those downstream of that node."""
        return frozenset(name for name in self._all_below(below) if self.nodes[name].cls.generates)

    def speculating(self, below: str | None = None) -> frozenset[str]:
        """Return the nodes that answer a turn in advance; with `below`, only those downstream of it."""
        return frozenset(name for name in self._all_below(below) if self.nodes[name].cls.speculates)

    def _all_below(self, name: str | None) -> Iterable[str]:
        return self.nodes if name is None else self._downstream(name) - {name}

    def blocking_cycle(self) -> list[str]:
        """Return a cycle in which every link blocks, its first node again at the end; [] if there is none."""
        sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(self.nodes, ()))
        for link in self.links:
            if not link.leaky:
                sorter.add(link.target, link.source)
        try:
            sorter.prepare()
        except CycleError as error:
            return list(error.args[1])
        return []

    def in_order(self) -> list[str]:
        """Return node names, sources first. Leaky links that close a cycle do not count for the order."""
        sources: dict[str, list[str]] = {name: [] for name in self.nodes}
        for link in self.links:
            if not (link.feedback or (link.leaky and link.source in self._downstream(link.target))):
                sources[link.target].append(link.source)
        done: dict[str, None] = {}
        seen: set[str] = set()
        for name in self.nodes:
            todo = [] if name in seen else [name]
            while todo:  # not recursive: a chain may be longer than Python's stack
                seen.add(todo[-1])
                waiting = next((source for source in sources[todo[-1]] if source not in seen), None)
                if waiting is None:
                    done[todo.pop()] = None
                else:
                    todo.append(waiting)
        return list(done)

    def _downstream(self, name: str) -> set[str]:
        """Return the node and all nodes that its packets may come to, over every link but feedback."""
        seen, todo = {name}, [name]
        while todo:
            targets = {link.target for link in self.onwards(todo.pop())} - seen
            seen |= targets
            todo += targets
        return seen

    def paths(self) -> list[list[str]]:
        """Return every path from a source to its end, at most MAX_PATHS."""
        found: list[list[str]] = []
        todo = [[name] for name, node in self.nodes.items() if is_source(node.cls)][::-1]
        while todo and len(found) < MAX_PATHS:
            path = todo.pop()
            following = dict.fromkeys(link.target for link in self.onwards(path[-1]))
            longer = [[*path, target] for target in following if target not in path]
            if not longer and len(path) > 1:
                found.append(path)
            todo += reversed(longer)
        return found

    def resolved(self) -> dict[str, str]:
        """Return the resolved name of each node of the file, and of each node inside a bin."""
        return {**self.aliases, **{n: node.resolved for n, node in self.nodes.items() if not node.converter}}

    def _repr_svg_(self) -> str:  # a notebook shows it; by name, since pictures are above graphs
        return str(importlib.import_module("vflow.picture.svg").of_graph(self))

    def to_networkx(self) -> networkx.MultiDiGraph:
        """Return a copy for the algorithms and drawings of networkx.

        Nodes are names, with `use` as the file has it, `resolved`, `thread` (the number that `vflow graph`
        shows, from 1) and `inserted` (by the loader). Edges have the link's name as their key, with `out`,
        `into`, `caps` (text) and `queue`: the bounds, None where the two nodes share a thread.
        """
        import networkx  # half a second, which `vflow run` and `vflow check` need not wait

        made = networkx.MultiDiGraph(file=self.file)
        for thread, names in enumerate(self.segments(), 1):
            for name in names:
                node = self.nodes[name]
                resolved, inserted = node.resolved, node.converter
                made.add_node(name, thread=thread, use=node.use, resolved=resolved, inserted=inserted)
        for link in self.links:
            caps = str(self.nodes[link.source].caps.get(link.out, ""))
            queue = self.queue(link) if self.is_boundary(link) else None
            facts = {"out": link.out, "into": link.into, "caps": caps, "queue": queue}
            made.add_edge(link.source, link.target, key=link.name, **facts)
        return made
