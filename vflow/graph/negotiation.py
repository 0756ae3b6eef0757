"""Caps negotiation: open fields are filled along the data's way; where audio still differs, a converter
is inserted."""

from __future__ import annotations

from dataclasses import replace

from vflow.caps import AnyCaps, Audio, Caps, fill, fits, needs_converter
from vflow.errors import Diagnostic, Unavailable
from vflow.graph.graph import Graph, GraphLink, GraphNode
from vflow.graph.registry import Registry, UnknownNode
from vflow.node import Node
from vflow.ports import inputs_of, outputs_of

CONVERTER = "resample"
DEFAULT = Audio(rate=16000, channels=1)
"""What an output produces where neither its node, its input nor its consumer fixes it."""


def negotiate(graph: Graph, registry: Registry, diagnostics: list[Diagnostic]) -> None:
    """Fix the caps of every port of `graph`, inserting converters; what cannot fit goes to `diagnostics`."""
    for name in graph.in_order():
        node = graph.nodes[name]
        for link in graph.into(name):
            _enter(graph, link, registry, diagnostics)
        given = [node.caps[link.into] for link in graph.into(name)]
        for port in outputs_of(node.cls):
            node.caps[port] = _output(graph, node, port, given)


def _output(graph: Graph, node: GraphNode, port: str, given: list[Caps]) -> Caps:
    caps = node.caps[port]
    for other in given:
        if isinstance(caps, AnyCaps) or type(other) is type(caps):
            caps = fill(caps, other)
            break
    if isinstance(caps, Audio) and None in (caps.rate, caps.channels):
        for link in graph.out_of(node.name):
            if link.out == port:
                caps = _keep_features(caps, fill(caps, graph.nodes[link.target].caps[link.into]))
        caps = _keep_features(caps, fill(caps, DEFAULT))
    return caps


def _keep_features(caps: Audio, filled: Caps) -> Audio:
    """What a consumer asks for fixes rate and channels; features come from the producer alone."""
    assert isinstance(filled, Audio)
    return Audio(filled.rate, filled.channels, caps.features)


def _enter(graph: Graph, link: GraphLink, registry: Registry, diagnostics: list[Diagnostic]) -> None:
    source = graph.nodes[link.source].caps[link.out]
    target = graph.nodes[link.target]
    wanted = target.caps[link.into]
    if not fits(source, wanted):
        message = f"{link.source}.{link.out} carries {source}, but {link.target}.{link.into} takes {wanted}"
        diagnostics.append(Diagnostic(message, link.place))
        return
    if needs_converter(source, wanted):
        if link.convert:
            _insert(graph, link, source, registry, diagnostics)
        else:
            message = f"{link.name}: {source} is not {wanted}, and 'convert: never' forbids a converter"
            diagnostics.append(Diagnostic(message, link.place, "insert '{use: resample}', or allow it"))
        return
    target.caps[link.into] = fill(wanted, source)


def _insert(
    graph: Graph, link: GraphLink, source: Caps, registry: Registry, diagnostics: list[Diagnostic]
) -> None:
    try:
        cls = registry.load(CONVERTER)
    except (UnknownNode, Unavailable) as error:
        diagnostics.append(Diagnostic(f"{link.name} needs a converter: {error}", link.place))
        return
    assert issubclass(cls, Node)
    target = graph.nodes[link.target]
    (into,), (out,) = inputs_of(cls), outputs_of(cls)
    wanted = fill(target.caps[link.into], source)
    target.caps[link.into] = wanted
    name = _free(graph, f"{link.target}.{CONVERTER}")
    node = GraphNode(name, cls, CONVERTER, CONVERTER, {}, link.place, converter=True)
    node.caps = {into: source, out: wanted}
    graph.nodes[name] = node
    at = graph.links.index(link)
    before = GraphLink(link.source, link.out, name, into, place=link.place)
    after = replace(link, source=name, out=out)
    if graph.nodes[link.source].paced:  # its queue is the ring of the live source
        before.queue, before.explicit = link.queue, link.explicit
        after.queue, after.explicit = None, False
    graph.links[at : at + 1] = [before, after]


def _free(graph: Graph, name: str) -> str:
    taken = sum(other.startswith(name) for other in graph.nodes)
    return f"{name}{taken + 1}" if taken else name
