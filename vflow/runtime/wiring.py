"""Build the parts that run a graph: threads, the links between them, the calls within them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from vflow.clock import Clock
from vflow.event import FOREVER_NS, Eos, Event, Gap
from vflow.graph.graph import Graph, GraphLink
from vflow.node import Node, is_source
from vflow.packet import MS, Packet
from vflow.ports import inputs_of, outputs_of
from vflow.runtime.announcer import Announcer
from vflow.runtime.audio_check import guarded
from vflow.runtime.call_times import FASTER
from vflow.runtime.chain import Push
from vflow.runtime.held_link import HeldLink
from vflow.runtime.inbox import Inbox
from vflow.runtime.link import TIMED_OF, Link, LinkStats
from vflow.runtime.reader_segment import ReaderSegment
from vflow.runtime.runner import Runner
from vflow.runtime.segment import Segment, SegmentOwner
from vflow.runtime.source_segment import SourceSegment
from vflow.runtime.speculation import Speculation


@dataclass(frozen=True, slots=True)
class Wiring:
    """Segments and runners by node, in the order of the threads, and the links that cross threads."""

    clock: Clock
    segments: dict[str, Segment] = field(default_factory=dict)
    runners: dict[str, Runner] = field(default_factory=dict)
    links: list[tuple[GraphLink, Link]] = field(default_factory=list)

    @property
    def threads(self) -> list[Segment]:
        """Each segment once."""
        return list(dict.fromkeys(self.segments.values()))

    def levels(self) -> dict[str, float]:
        """Return how full each link is now, 0 to 1, by its name. Any thread."""
        return {link.name: _fill(link) for _, link in self.links}

    def stats(self) -> list[LinkStats]:
        """Return each link's counters, and how full and how old it is now. Any thread."""
        return [
            replace(link.stats(), fill=round(_fill(link), 4), age_ms=self._age_ms(link))
            for _, link in self.links
        ]

    def _age_ms(self, link: Link) -> float:
        """Return how long a link's next entry has waited, or the first one after it that was timed."""
        with suppress(IndexError):
            for at in range(TIMED_OF):
                if (put_ns := link.peek(at)[2]) is not None:
                    return round(max(0, self.clock.stamp_ns() - put_ns) / MS, 1)
        return 0.0


def _fill(link: Link) -> float:
    return min(1.0, max(len(link) / link.options.packets, link.queued_ns / link.options.time_ns))


def wire(
    graph: Graph,
    nodes: Mapping[str, Node],
    speculation: Speculation,
    announcer: Announcer,
    owner: SegmentOwner,
) -> Wiring:
    """Make the segments of a graph and connect them; no thread is started, and no node has a context yet."""
    wiring = Wiring(owner.clock)
    threads = graph.segments()
    for names in threads:
        kind = SourceSegment if is_source(type(nodes[names[0]])) else ReaderSegment
        segment = kind(names[0], owner)
        for name in names:
            runner = Runner(nodes[name], name, graph.nodes[name].place, segment)
            runner.stamps = name in speculation.nodes
            segment.runners.append(runner)
            wiring.runners[name], wiring.segments[name] = runner, segment
    for edge in graph.links:
        if graph.is_boundary(edge):
            wiring.links.append((edge, _link(graph, edge, speculation, announcer, owner, wiring)))
    for names in threads:
        for name in reversed(names):  # downstream first: a node's entry needs the entries that it calls
            _connect(graph, wiring, name)
    for name in wiring.runners:
        _read(graph, wiring, name)
    return wiring


def _link(
    graph: Graph,
    edge: GraphLink,
    speculation: Speculation,
    announcer: Announcer,
    owner: SegmentOwner,
    wiring: Wiring,
) -> Link:
    warned: list[bool] = []

    def overflow() -> None:
        if graph.nodes[edge.source].paced and not warned:  # a file is only slowed down: nothing is lost
            warned.append(True)
            announcer.say("warning", _too_slow(edge, wiring), edge.name)

    queue = graph.queue(edge)
    target = graph.nodes[edge.target].cls
    # An effect cannot be taken back: items made in advance wait before it until they are certain.
    if target.effect and (edge.source in speculation.nodes or target.after_grace):
        link: Link = HeldLink(edge.name, queue, owner.clock, overflow, speculation, target.after_grace)
    else:
        link = Link(edge.name, queue, owner.clock, overflow)
    # Nobody waits for the end of a link that leads back: its source ends only after its reader has ended.
    link.feedback = edge.feedback or (
        _closes_cycle(graph, edge)
        and not all(_closes_cycle(graph, other) for other in graph.into(edge.target))
    )
    return link


def _too_slow(edge: GraphLink, wiring: Wiring) -> str:
    """Return a warning that names the node that holds up a full link: the link's reader, or, where the reader
    waits for a full link of its own, the node at the end of that chain."""
    segment, seen = wiring.segments[edge.target], set[Segment]()
    while segment not in seen:
        seen.add(segment)
        full = (e for e, link in wiring.links if link.blocked and wiring.segments[e.source] is segment)
        if (onwards := next(full, None)) is not None:
            segment = wiring.segments[onwards.target]
    load = segment.calls.stats((segment.name,)).load
    return f"too slow: {segment.name} ({load}), so audio of {edge.source} is dropped; {FASTER}"


def _closes_cycle(graph: Graph, edge: GraphLink) -> bool:
    return edge.leaky and edge.source in graph.reach([edge.target]).nodes | {edge.target}


def _connect(graph: Graph, wiring: Wiring, name: str) -> None:
    """Set the targets of a node's outputs. Nodes that it calls directly are connected already."""
    links = {id(edge): link for edge, link in wiring.links}
    runner = wiring.runners[name]
    for port in outputs_of(type(runner.node)):
        packets: list[Push] = []
        events: list[Push] = []
        caps = graph.nodes[name].caps.get(port)
        edges = [edge for edge in graph.out_of(name) if edge.out == port]
        # `keep` links first: a flush that ends a push to another link must not cost them a packet
        for edge in sorted(edges, key=lambda e: not (e.queue is not None and e.queue.keep)):
            link, target = links.get(id(edge)), wiring.runners[edge.target]
            packets.append(guarded(link.put, caps) if link is not None else target.entry(edge.into))
            events.append(link.put if link is not None else target.event)
        runner.connect(port, packets, events)


def _read(graph: Graph, wiring: Wiring, name: str) -> None:
    """Let a node's segment read the links into it."""
    runner, segment = wiring.runners[name], wiring.segments[name]
    into = [(edge, link) for edge, link in wiring.links if edge.target == name]
    runner.open_inputs = len(graph.into(name)) - sum(link.feedback for _, link in into)
    several = {port for port, declared in inputs_of(type(runner.node)).items() if declared.several}
    for edge, link in into:
        link.packet, link.event = runner.entry(edge.into), runner.event
        if edge.into in several and len(into) > 1:
            _say_where_from(origins(graph, name, edge.into)[edge], link, runner)
        link.writer, link.reader = wiring.segments[edge.source], segment
    if into:
        segment.inbox = Inbox([link for _, link in into], graph.nodes[name].order == "pts")


def _say_where_from(origin: str, link: Link, runner: Runner) -> None:
    """Note in each item's `meta["link"]` the link by which it came (see `In.several`)."""
    packet, event, meta = link.packet, link.event, {"link": origin}

    def take(item: Packet) -> None:
        packet(item.replace(meta={**item.meta, **meta}))

    def hear(item: Event) -> None:
        if isinstance(item, Eos):
            # only the node hears of this end: downstream of it the other inputs go on
            runner.run(runner.node.on_event, Gap(pts_ns=item.pts_ns, duration_ns=FOREVER_NS, meta=meta), 0)
            event(item)
        else:
            event(replace(item, meta={**item.meta, **meta}))

    link.packet, link.event = take, hear


def origins(graph: Graph, name: str, port: str) -> dict[GraphLink, str]:
    """Return the links into an input, each with the node of the file that feeds it, and with its output if
    one node feeds the input twice. Nodes that the loader inserted are passed over."""
    ends = {link: graph.before_inserted(link) for link in graph.into(name) if link.into == port}
    names = [first.source for first in ends.values()]
    return {
        link: first.source if names.count(first.source) == 1 else f"{first.source}.{first.out}"
        for link, first in ends.items()
    }
