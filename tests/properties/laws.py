"""The laws that every run must keep, whatever the graph, the seed and the flushes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.properties.graphs import Run
from tests.properties.trace import FlushRecord, Trail
from vflow.graph.graph import Graph, GraphLink

Pair = tuple[str, str]


def broken(run: Run, exact: bool) -> list[str]:
    """Return every law that a run breaks. `exact`: one thread ran at a time, so that a packet's arrival has
    the tick at which the link let it go."""
    if not run.ended:
        return ["deadlock: it did not end"]
    reaches = [(record, _reach(run.pipeline.graph, record)) for record in run.trace.flushes]
    return [
        *_ends(run),
        *_order(run, reaches),
        *_by_pts(run),
        *_losses(run, reaches),
        *_fresh(run, reaches),
        *_bounds(run),
        *_stale(run, reaches, exact),
        *_ahead(run, exact),
    ]


def _ends(run: Run) -> Iterator[str]:
    if run.abandoned:
        yield f"stop abandoned {run.abandoned}"
    if run.threads:
        yield f"threads left: {run.threads}"
    if run.failure is not None:
        allowed = run.trace.raised
        if run.failure.node not in allowed:
            yield f"failed: {run.failure}, but only {sorted(allowed)} raise"
        return
    if run.whole:
        for name, marks in run.trace.marks.items():
            if marks.count("eos") != 1 or marks[-1] != "eos":
                yield f"{name} had no eos, or more than one, or something behind it: {marks}"


def _reach(graph: Graph, record: FlushRecord) -> set[Pair]:
    """Compute independently the links that a flush makes stale: all below its origins, except `keep`."""
    reached: set[Pair] = set()
    todo = list(record.flush.origins)
    while todo:
        name = todo.pop()
        for link in graph.links:
            if link.source == name and not (link.queue is not None and link.queue.keep):
                if (name, link.target) not in reached:
                    todo.append(link.target)
                reached.add((name, link.target))
    return reached


def _retracted(run: Run) -> set[Pair]:
    """Return the links on which packets may be taken back: all below the nodes that reply in advance."""
    graph = run.pipeline.graph
    starts = graph.speculating() if any(ahead.retracted for ahead in run.trace.ahead) else ()
    return {(link.source, link.target) for link in graph.reach(starts, in_advance=True).links}


Reaches = list[tuple[FlushRecord, set[Pair]]]


def _by_pts(run: Run) -> Iterator[str]:
    """Check that a fan-in by pts takes packets in the order of their time, if its branches lose none."""
    if not run.whole or run.trace.flushes or run.trace.raised:
        return
    for name, node in run.pipeline.graph.nodes.items():
        times = sorted(
            (tick, trail[0].pts_ns)
            for (_, target), entries in run.trace.got.items()
            if target == name
            for tick, trail in entries
        )
        if node.order == "pts" and [at for _, at in times] != sorted(at for _, at in times):
            yield f"{name} took packets out of the order of their time: {times}"


def _order(run: Run, reaches: Reaches) -> Iterator[str]:
    again = {pair for _, reach in reaches for pair in reach} | _retracted(run)
    for pair, entries in run.trace.got.items():
        numbers = [trail[-1].number for _, trail in entries]
        if numbers != sorted(numbers):
            yield f"order of {pair}: {numbers}"
        if len(set(numbers)) != len(numbers) and pair not in again:
            yield f"{pair} carried a packet twice: {numbers}"


def _losses(run: Run, reaches: Reaches) -> Iterator[str]:
    if not run.whole:
        return
    flushed = {pair for _, reach in reaches for pair in reach} | _retracted(run)
    stats = {stats.name: stats for stats in run.pipeline.stats()}
    for link in run.pipeline.graph.links:
        pair = (link.source, link.target)
        if pair in flushed:
            continue
        made = [hop.number for hop in run.trace.made[link.source]]
        got = [trail[-1].number for _, trail in run.trace.got[pair]]
        counted = stats[link.name].dropped + stats[link.name].stale if link.name in stats else 0
        if _may_drop(run.pipeline.graph, link):
            if len(got) + counted != len(made):
                yield f"{link.name}: {len(made)} put, {len(got)} arrived, {counted} counted as dropped"
        elif got != made:
            yield f"{link.name} lost {sorted(set(made) - set(got))[:10]} of {len(made)}"


def _fresh(run: Run, reaches: Reaches) -> Iterator[str]:
    """Check that no link loses packets of turns that began after the last flush."""
    if not run.whole or not reaches:
        return
    last = max(record.done for record, _ in reaches)
    hops = [hop for made in run.trace.made.values() for hop in made]
    older = {hop.turn for hop in hops if hop.tick <= last} | {a.turn for a in run.trace.ahead if a.retracted}
    for link in run.pipeline.graph.links:
        if _may_drop(run.pipeline.graph, link):
            continue
        made = [hop.number for hop in run.trace.made[link.source] if hop.turn not in older]
        got = {trail[-1].number for _, trail in run.trace.got[link.source, link.target]}
        if lost := [number for number in made if number not in got]:
            yield f"{link.name} lost {lost[:10]}, all made behind the last flush"


def _may_drop(graph: Graph, link: GraphLink) -> bool:
    if not graph.is_boundary(link):
        return False
    queue = graph.queue(link)
    return queue.policy != "block" or queue.max_age_ns is not None


def _bounds(run: Run) -> Iterator[str]:
    stats = {stats.name: stats for stats in run.pipeline.stats()}
    for link in run.boundaries().values():
        queue, found = run.pipeline.graph.queue(link), stats[link.name]
        events = 1 if queue.policy == "block" else sum(len(hops) for hops in run.trace.made.values()) + 3
        if found.high_water > queue.packets + events:
            yield f"{link.name} held {found.high_water}, its bound is {queue.packets}"


def _stale(run: Run, reaches: Reaches, exact: bool) -> Iterator[str]:
    links = run.pipeline.graph.links
    kept = {(link.source, link.target) for link in links if link.queue is not None and link.queue.keep}
    arrivals = [(sink, "played", entries) for sink, entries in run.trace.played.items()]
    if exact:
        crossing = run.boundaries()  # a direct call is refused at the next link, or at the sink
        arrivals += [(p[1], "got", entries) for p, entries in run.trace.got.items() if p in crossing]
    for record, reach in reaches:
        for target, verb, entries in arrivals:
            for tick, trail in entries:
                if tick > record.done and (hop := _stale_hop(record, reach, kept, trail, target)):
                    yield f"{target} {verb} at {tick} what {hop} made before {record}"


def _stale_hop(record: FlushRecord, reach: set[Pair], kept: set[Pair], trail: Trail, target: str) -> str:
    """Return the hop of a trail over a flushed link that is older than the flush; '' if all hops are fresh.
    A flush does not reach packets that went over a `keep` link."""
    nodes = [*(hop.node for hop in trail[1:]), target]
    reached = {name for _, name in reach}
    for hop, onto in reversed(list(zip(trail, nodes, strict=True))):
        if (hop.node, onto) in kept:
            return ""
        if hop.tick > record.begun:
            continue
        newer = hop.node not in reached and hop.turn > record.flush.turn
        if (hop.node, onto) in reach and not newer:
            return f"{hop.node}#{hop.number} at {hop.tick}"
    return ""


def _ahead(run: Run, exact: bool) -> Iterator[str]:
    """Check that no packet made in advance reaches the world before its turn is sure, or after a
    retraction."""
    graph = run.pipeline.graph
    guesses = graph.speculating()
    for (_, target), entries in run.trace.got.items():
        if not graph.nodes[target].cls.effect:
            continue
        for tick, trail in entries:
            made = [hop for hop in trail if hop.node in guesses]
            for ahead in run.trace.ahead if made else ():
                if ahead.turn != trail[-1].turn:
                    continue
                committed = ahead.committed if ahead.committed is not None else tick + 1
                if exact and ahead.begun < tick < committed:
                    yield f"{target} got at {tick} {trail[-1]} of {ahead}"
                if any(tick > done and made[0].tick < begun for begun, done in ahead.retracted):
                    yield f"{target} got at {tick} {trail[-1]}, retracted in {ahead}"
