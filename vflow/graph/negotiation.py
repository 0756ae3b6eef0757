"""Caps negotiation: fill open caps along the way of the data, and insert a converter where audio still
differs."""

from __future__ import annotations

from dataclasses import replace

from vflow.caps import AnyCaps, Audio, Caps, Text, fill, fits, needs_converter
from vflow.errors import Unavailable
from vflow.graph.draft import Draft
from vflow.graph.graph import Graph, GraphLink, GraphNode
from vflow.graph.insertion import inserted
from vflow.graph.registry import UnknownNode
from vflow.node import Node
from vflow.ports import inputs_of, outputs_of

CONVERTER = "resample"
DEFAULT = Audio(rate=16000, channels=1)
"""Caps of an audio output that neither its node, its input nor its consumer fixes."""


def negotiate(draft: Draft) -> None:
    """Fix the caps of every port in the graph. Insert converters where needed."""
    graph = draft.graph
    for name in graph.in_order():
        for link in graph.into(name):
            _enter(draft, link)
        given = [graph.nodes[name].caps[link.into] for link in graph.into(name)]
        for port in outputs_of(graph.nodes[name].cls):
            draft.set_caps(name, port, _output(graph, graph.nodes[name], port, given))


def _output(graph: Graph, node: GraphNode, port: str, given: list[Caps]) -> Caps:
    caps = node.caps[port]
    for other in given:
        if isinstance(caps, AnyCaps) or type(other) is type(caps):
            caps = fill(caps, other)
            break
    if isinstance(caps, Text):
        return Text(caps.kind, caps.features or ())
    if isinstance(caps, Audio) and None in (caps.rate, caps.channels):
        for link in graph.out_of(node.name):
            if link.out == port:
                caps = _keep_features(caps, fill(caps, graph.nodes[link.target].caps[link.into]))
        caps = _keep_features(caps, fill(caps, DEFAULT))
    return caps


def _keep_features(caps: Audio, filled: Caps) -> Audio:
    """Return caps with the consumer's rate and channels; features come from the producer alone."""
    assert isinstance(filled, Audio)
    return Audio(filled.rate, filled.channels, caps.features)


def _enter(draft: Draft, link: GraphLink) -> None:
    graph = draft.graph
    source = graph.nodes[link.source].caps[link.out]
    wanted = graph.nodes[link.target].caps[link.into]
    if not fits(source, wanted):
        message = f"{link.source}.{link.out} carries {source}, but {link.target}.{link.into} takes {wanted}"
        draft.error(message, link.place)
    elif not needs_converter(source, wanted):
        filled = fill(wanted, source)
        if isinstance(filled, Text) and isinstance(source, Text):
            filled = Text(filled.kind, source.features)
        draft.set_caps(link.target, link.into, filled)
    elif link.convert:
        _insert(draft, link, source)
    else:
        message = f"{link.name}: {source} is not {wanted}, and 'convert: never' forbids a converter"
        draft.error(message, link.place, "insert '{use: resample}', or allow it")


def _insert(draft: Draft, link: GraphLink, source: Caps) -> None:
    try:
        cls = draft.resolver.registry.load(CONVERTER)
    except (UnknownNode, Unavailable) as error:
        draft.error(f"{link.name} needs a converter: {error}", link.place)
        return
    assert issubclass(cls, Node)
    graph = draft.graph
    (into,), (out,) = inputs_of(cls), outputs_of(cls)
    wanted = fill(graph.nodes[link.target].caps[link.into], source)
    draft.set_caps(link.target, link.into, wanted)
    name = free_name(graph, f"{link.target}.{CONVERTER}")
    caps = {into: source, out: wanted}
    draft.add(inserted(draft, name, CONVERTER, cls, caps, link.place))
    before = GraphLink(link.source, link.out, name, into, place=link.place)
    after = replace(link, source=name, out=out)
    if graph.nodes[link.source].paced:  # the queue stays next to the live source: it is its ring buffer
        before = replace(before, queue=link.queue, explicit=link.explicit)
        after = replace(after, queue=None, explicit=False)
    draft.relink(link, before, after)


def free_name(graph: Graph, name: str) -> str:
    """Return a name for a node that is inserted: `name`, or the next one with a number."""
    taken = sum(other.startswith(name) for other in graph.nodes)
    return f"{name}{taken + 1}" if taken else name
