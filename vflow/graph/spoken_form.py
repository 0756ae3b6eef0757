"""Insert a node `spoken` before each voice that asks for the spoken form of a reply.

A voice that expands numbers and abbreviations by itself says "number" for "no." and loses the place of each
word. So an input may ask for text with the feature `spoken`. If its source lacks the feature, a node `spoken`
is inserted, upstream of the node that groups the words: "$1.5" and "million" are said as one.
"""

from __future__ import annotations

from collections.abc import Iterator

from vflow.caps import SPOKEN, AnyCaps, Caps, Text
from vflow.errors import Unavailable
from vflow.graph.draft import Draft
from vflow.graph.graph import Graph, GraphLink
from vflow.graph.insertion import inserted
from vflow.graph.negotiation import free_name
from vflow.graph.registry import UnknownNode
from vflow.node import Node
from vflow.ports import inputs_of, outputs_of

NODE = "spoken"
WORD = "word"


def insert_spoken_form(draft: Draft) -> None:
    """Insert a node `spoken` on each way of written text to an input that asks for spoken text."""
    graph = draft.graph
    entrances: dict[tuple[str, str], list[GraphLink]] = {}
    for link in [*graph.links]:
        if _asks(graph.nodes[link.target].caps[link.into]):
            for entrance in _entrances(graph, link, frozenset()) or ():
                links = entrances.setdefault((entrance.target, entrance.into), [])
                if entrance not in links:
                    links.append(entrance)
    for links in entrances.values():
        _insert(draft, links)


def _asks(caps: Caps) -> bool:
    return isinstance(caps, Text) and caps.features is not None and SPOKEN in caps.features


def _entrances(graph: Graph, link: GraphLink, seen: frozenset[str]) -> list[GraphLink] | None:
    """Return the links where the node is to be inserted, for a link into an input that asks: the link itself,
    or those into the node that groups its words; [] if the text has the feature already; None if the nodes
    upstream do not show what text it is."""
    source = graph.nodes[link.source]
    caps = source.caps[link.out]
    if _asks(caps):
        return []
    # A node that only groups words says "text" and no features: its text is that of its inputs.
    regroups = isinstance(caps, Text) and caps.features is None
    # The search ends at a node with text of its own, and where the graph is a loop.
    if not (regroups or isinstance(caps, AnyCaps)) or link.source in seen:
        return [link] if not seen else None
    found: list[GraphLink] = []
    told = regroups  # whether any node on the way shows that this is text
    for other in _text_into(graph, link.source):
        above = _entrances(graph, other, seen | {link.source})
        told = told or above is not None
        found += [other] if above is None else above
    return found if told else None if seen else [link]


def _text_into(graph: Graph, name: str) -> Iterator[GraphLink]:
    for link in graph.into(name):
        if isinstance(graph.nodes[name].caps[link.into], Text | AnyCaps):
            yield link


def _insert(draft: Draft, links: list[GraphLink]) -> None:
    """Lead all links into one port through one new node."""
    first, graph = links[0], draft.graph
    refused = next((link for link in links if not link.convert), None)
    if refused is not None:
        message = f"{refused.name} carries no spoken form, and 'convert: never' forbids to insert one"
        draft.error(message, refused.place, f"insert '{{use: {NODE}}}', or allow it")
        return
    try:
        cls = draft.resolver.registry.load(NODE)
    except (UnknownNode, Unavailable) as error:
        draft.error(f"{first.name} needs the spoken form of its text: {error}", first.place)
        return
    assert issubclass(cls, Node)
    ((into, port),) = inputs_of(cls).items()
    (out,) = outputs_of(cls)
    wanted = graph.nodes[first.target].caps[first.into]
    kind = (wanted.kind if isinstance(wanted, Text) else None) or WORD
    name = free_name(graph, f"{first.target}.{NODE}")
    caps: dict[str, Caps] = {into: Text(kind), out: Text(kind, {SPOKEN})}
    node = inserted(draft, name, NODE, cls, caps, first.place, {"takes": kind})
    draft.add(node, after=first.source)
    declared = inputs_of(graph.nodes[first.target].cls)[first.into].queue
    after = GraphLink(name, out, first.target, first.into, declared, place=first.place)
    for number, link in enumerate(links):
        queue = link.queue if link.explicit else port.queue
        before = GraphLink(link.source, link.out, name, into, queue, link.explicit, link.convert, link.place)
        draft.relink(link, before, *([] if number else [after]))
