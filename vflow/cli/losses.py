"""Report audio of a live source that was lost because something was too slow: how much, where, the mend."""

from __future__ import annotations

from collections.abc import Sequence

from vflow.graph.graph import Graph
from vflow.packet import SECOND
from vflow.runtime.call_times import FASTER, CallStats
from vflow.runtime.link import LinkStats


def dropped_ms(graph: Graph, links: Sequence[LinkStats]) -> float:
    """Return how much audio of live sources was dropped, in ms."""
    live = {link.name for link in graph.links if graph.nodes[link.source].paced}
    return round(sum(link.dropped_ms for link in links if link.name in live), 1)


def lost(graph: Graph, links: Sequence[LinkStats], threads: Sequence[CallStats]) -> str:
    """Return the last line of a run that lost audio; '' if nothing was lost."""
    counts = {link.name: link.dropped_ms for link in links}
    dropped = [
        link for link in graph.links if graph.nodes[link.source].paced and counts.get(link.name, 0) > 0
    ]
    if not dropped:
        return ""
    worst = max(dropped, key=lambda link: counts[link.name])
    below = {worst.target, *graph.reach([worst.target]).nodes}
    slow = max((t for t in threads if below & set(t.nodes)), key=lambda t: t.busy, default=None)
    text = f"{dropped_ms(graph, links) * 1e6 / SECOND:.1f} s of the audio of {worst.source} was dropped"
    if slow is None:
        return f"{text}; {FASTER}"
    return f"{text}, since {' and '.join(slow.nodes)} was too slow ({slow.load}); {FASTER}"
