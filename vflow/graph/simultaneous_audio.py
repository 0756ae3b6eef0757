"""Refuse two audio streams that can sound at once in one input. Their packets would alternate there, and each
stream would tear the other.

Two streams can sound at once in two cases:
- one of them is *continuous*: it comes from a source of audio (a microphone, a file, a tone), which may sound
  at any time;
- both carry the same packets, by two ways.

The audio of a node that generates, or that makes audio of text, comes in *turns*. As far as a graph shows,
two such streams take turns, and are allowed. Also allowed are `order: pts`, which says that the mixed order
is wanted, and a link that closes a cycle, which carries the node's own output.
"""

from __future__ import annotations

from vflow.caps import Audio
from vflow.graph.draft import Draft, End
from vflow.graph.graph import Graph, GraphLink
from vflow.node import is_source
from vflow.ports import inputs_of, outputs_of

MIXER = "mix"


def refuse_simultaneous_audio(draft: Draft) -> None:
    """Note each link that brings a stream into an input where another may sound at the same time."""
    graph = draft.graph
    taken: dict[End, list[GraphLink]] = {}
    for link in graph.links:
        target = graph.nodes[link.target]
        several = inputs_of(target.cls)[link.into].several
        if several or target.order == "pts" or not isinstance(_caps(graph, link), Audio):
            continue
        if link.feedback or (link.leaky and link.source in graph.reach([link.target]).nodes):
            continue
        others = taken.setdefault((link.target, link.into), [])
        other = next((other for other in others if _at_once(graph, other, link)), None)
        if other is not None:
            _refuse(draft, other, link)
        others.append(link)


def _caps(graph: Graph, link: GraphLink) -> object:
    return graph.nodes[link.source].caps.get(link.out)


def _at_once(graph: Graph, one: GraphLink, other: GraphLink) -> bool:
    first, second = _origins(graph, one), _origins(graph, other)
    return bool(first & second) or any(_continuous(graph, end) for end in first | second)


def _continuous(graph: Graph, end: End) -> bool:
    """Return whether an output is a source's audio, which may sound at any time."""
    node, port = end
    return is_source(graph.nodes[node].cls) and isinstance(graph.nodes[node].caps.get(port), Audio)


def _origins(graph: Graph, link: GraphLink) -> frozenset[End]:
    """Return the outputs where the audio of a link begins: of sources, of nodes that generate, and the text
    from which it is spoken."""
    found: set[End] = set()
    seen: set[str] = set()
    todo = [(link.source, link.out)]
    while todo:
        name, port = todo.pop()
        cls, into = graph.nodes[name].cls, graph.into(name)
        heard = [(other.source, other.out) for other in into if isinstance(_caps(graph, other), Audio)]
        if cls.generates or not into:
            found.add((name, port))
        elif not heard:
            found |= {(other.source, other.out) for other in into}
        elif name not in seen:
            seen.add(name)
            todo += heard
    return frozenset(found)


def _refuse(draft: Draft, one: GraphLink, other: GraphLink) -> None:
    graph = draft.graph
    names = [graph.before_inserted(one).source, graph.before_inserted(other).source, other.target]
    ports = [outputs_of(graph.nodes[names[0]].cls), outputs_of(graph.nodes[names[1]].cls)]
    into = inputs_of(graph.nodes[other.target].cls)
    first, second, target = _short(names)
    if names[2] == target and len(into) > 1:
        target = f"{target}.{other.into}"
    sources = [
        f"{short}.{link.out}" if short == name and len(outs) > 1 and name == link.source else short
        for short, name, outs, link in zip((first, second), names, ports, (one, other), strict=False)
    ]
    if sources[0] == sources[1]:
        draft.error(
            f"{names[2]}.{other.into} would get the audio of {sources[0]} twice, on two ways",
            other.place,
            "remove one of them, or mix them: insert 'mix: {use: mix}', and link both to it",
        )
        return
    mixer = MIXER
    while mixer in graph.nodes:
        mixer += "_"
    draft.error(
        f"{sources[0]} and {sources[1]} can sound at once, but {names[2]}.{other.into} takes one stream of"
        " audio: each would be torn by the other",
        other.place,
        f"insert '{mixer}: {{use: {MIXER}}}', and link '{sources[0]} -> {mixer} -> {target}' and"
        f" '{sources[1]} -> {mixer}'",
    )


def _short(names: list[str]) -> list[str]:
    """Return names as the innermost file that holds all of them has them: a bin stands for its nodes."""
    parts = [name.split(".") for name in names]
    while all(len(part) > 1 for part in parts) and len({part[0] for part in parts}) == 1:
        parts = [part[1:] for part in parts]
    return [part[0] for part in parts]
