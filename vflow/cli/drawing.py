"""Draw a graph as a tree for the terminal, in mermaid's language or in Graphviz's.

All show the same: threads, bins, ports and caps, the queue bounds of links that cross threads, the links that
an interruption flushes, and those that hold work in advance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vflow.graph.graph import Graph, GraphLink, GraphNode
from vflow.graph.link_facts import bins_of, flushed, held, leads_back, unread_outputs
from vflow.graph.negotiation import CONVERTER
from vflow.ports import queue_text
from vflow.printing import escaped

LEGEND = (
    "│ the next node is called directly, in the same thread",
    "║ the link crosses threads: a bounded queue",
    "'flushed': by an interruption; 'keep': never; 'held': until the turn ends",
)


def text(graph: Graph) -> str:
    """Return the graph as a tree that is read downwards, with its threads and queues."""
    tree = _Tree(graph)
    rows = tree.draw()
    left = max((len(row.left) for row in rows), default=0)
    right = max((len(row.right) for row in rows if row.thread), default=0)
    lines = []
    for row in rows:
        thread = f"  {row.thread}" if row.thread else ""
        line = f"{row.left:<{left}}  {row.right:<{right}}{thread}" if row.right else row.left
        lines.append(line.rstrip())
    bins = [f"{name} is a bin: {escaped(resolved)}" for name, resolved in graph.aliases.items()]
    return "\n".join([*lines, "", *bins, *LEGEND])


@dataclass(frozen=True, slots=True)
class _Row:
    left: str
    right: str = ""
    thread: str = ""


@dataclass(slots=True)
class _Tree:
    """Draws each node once, below the last of its inputs; other links into it say where it is."""

    graph: Graph
    rows: list[_Row] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)
    """How many links into each node are not drawn yet; those that close a cycle do not count."""
    closing: list[GraphLink] = field(default_factory=list)
    thread: dict[str, int] = field(default_factory=dict)

    def draw(self) -> list[_Row]:
        self.thread = {name: n for n, names in enumerate(self.graph.segments(), 1) for name in names}
        self.closing = [link for link in self.graph.links if self._closes_cycle(link)]
        self.missing = {
            name: sum(link not in self.closing for link in self.graph.into(name)) for name in self.graph.nodes
        }
        while self.missing:
            ready = [name for name in self.graph.nodes if self.missing.get(name) == 0]
            if self.rows:
                self.rows.append(_Row(""))
            self.below((ready or self._entries())[0], "")
        return self.rows

    def _closes_cycle(self, link: GraphLink) -> bool:
        """Return whether a link leads back and may leak: the others in the cycle are drawn as a chain."""
        others = [other for other in self.graph.into(link.target) if other is not link]
        back = link.feedback or (link.leaky and link.source in self.graph.reach([link.target]).nodes)
        return bool(others) and back

    def _entries(self) -> list[str]:
        """Return nodes in cycles, first those that drawn nodes lead to."""
        return sorted(
            self.missing, key=lambda name: all(s.source in self.missing for s in self.graph.into(name))
        )

    def below(self, name: str, indent: str) -> None:
        """Draw a node and everything below it. A chain goes straight down; other branches go to the right."""
        todo: str | None = name
        while todo is not None:
            todo = self.node(todo, indent)

    def node(self, name: str, indent: str) -> str | None:
        """Draw a node, its links and the branches on its right. Return the node straight below."""
        del self.missing[name]
        node = self.graph.nodes[name]
        self.rows.append(_Row(f"{indent}{name}", _what(node), f"thread {self.thread[name]}"))
        links = self.graph.out_of(name)
        self.rows += [_Row(f"{indent}·", unused) for unused in _unused(self.graph, name)]
        straight = self.straight(links)
        for link in sorted(links, key=lambda link: link is straight):
            rail, tee, dash = ("║", "╠", "═") if self.graph.is_boundary(link) else ("│", "├", "─")
            if link is straight:
                self.rows.append(_Row(f"{indent}{rail}", _about(self.graph, link)))
                self.missing[link.target] -= 1
                return link.target
            last = straight is None and link is links[-1]
            corner = ("╚" if dash == "═" else "└") if last else tee
            self.branch(link, f"{indent}{corner}{dash}{dash} ", indent + ("    " if last else "│   "))
        return None

    def straight(self, links: list[GraphLink]) -> GraphLink | None:
        """Return the link to draw straight down: of those to new nodes, the one with most below it."""
        here = [k for k in links if self.missing.get(k.target) == 1 and k not in self.closing]
        if len(here) < 2:
            return here[0] if here else None
        return max(reversed(here), key=lambda link: len(self.graph.reach([link.target]).nodes))

    def branch(self, link: GraphLink, head: str, indent: str) -> None:
        about = _about(self.graph, link)
        left = self.missing.get(link.target)
        if left is None or link in self.closing:
            self.rows.append(_Row(f"{head}{link.target} ({'above' if left is None else 'below'})", about))
            return
        self.missing[link.target] = left - 1
        if left > 1:
            self.rows.append(_Row(f"{head}{link.target} (below)", about))
            return
        self.rows.append(_Row(head.rstrip(), about))
        self.below(link.target, indent)


def mermaid(graph: Graph) -> str:
    """Return the graph as a mermaid flowchart, with a subgraph per bin; inserted nodes are hexagons."""
    ids = {name: f"n{n}" for n, name in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for opens, name, depth in _nested(graph):
        indent = "  " * (depth + 1)
        if opens is None:
            lines.append(f"{indent}end")
        elif opens:
            label = _quoted([f"{name} · {graph.aliases[name]}"])
            lines.append(f"{indent}subgraph bin{list(graph.aliases).index(name)}[{label}]")
        else:
            label = _quoted([name, *_details(graph, name)])
            before, after = ("{{", "}}") if graph.nodes[name].converter else ("[", "]")
            lines.append(f"{indent}{ids[name]}{before}{label}{after}")
    for link in graph.links:
        arrow = "==>" if graph.is_boundary(link) else "-->"
        label = _quoted(_link_lines(graph, link))
        lines.append(f"  {ids[link.source]} {arrow}|{label}| {ids[link.target]}")
    converters = [ids[name] for name, node in graph.nodes.items() if node.converter]
    if converters:
        lines.append("  classDef converter stroke-dasharray: 4 3")
        lines.append(f"  class {','.join(converters)} converter")
    return "\n".join(lines)


def _nested(graph: Graph) -> Iterator[tuple[bool | None, str, int]]:
    """Yield nodes inside their bins, as three values: True where a bin opens, None where it closes, False for
    a node; the name of the bin or node; the depth."""
    opened: tuple[str, ...] = ()
    for name in sorted(graph.nodes, key=lambda name: _place_of(graph, name)):
        bins = bins_of(graph, name)
        while opened and opened[-1] not in bins:
            opened = opened[:-1]
            yield None, "", len(opened)
        for inner in bins[len(opened) :]:
            yield True, inner, len(opened)
            opened = (*opened, inner)
        yield False, name, len(opened)
    while opened:
        opened = opened[:-1]
        yield None, "", len(opened)


def _place_of(graph: Graph, name: str) -> list[int]:
    """Return a sort key that keeps the nodes of a bin together, at the place of its first node."""
    nodes = list(graph.nodes)
    bins = bins_of(graph, name)
    firsts = [next(at for at, other in enumerate(nodes) if inner in bins_of(graph, other)) for inner in bins]
    return [*firsts, nodes.index(name)]


def _quoted(lines: list[str]) -> str:
    """Return a mermaid label. It uses mermaid's own entities, since its parser breaks on anything else."""
    entities = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;"}
    escaped = ["".join(entities.get(c, c) for c in line.replace("#", "#35;")) for line in lines]
    return '"' + "<br/>".join(escaped) + '"'


def dot(graph: Graph) -> str:
    """Return the graph in Graphviz's language: a cluster per bin, ports in the labels of links. Links that
    lead back do not influence the layout."""
    lines = [
        "digraph vflow {",
        "  rankdir=LR;",
        '  node [shape=box, fontname="sans-serif", fontsize=11];',
        '  edge [fontname="sans-serif", fontsize=9];',
    ]
    for opens, name, depth in _nested(graph):
        indent = "  " * (depth + 1)
        if opens is None:
            lines.append(f"{indent}}}")
        elif opens:
            label = _string([f"{name} · {graph.aliases[name]}"])
            lines.append(f"{indent}subgraph cluster_{list(graph.aliases).index(name)} {{")
            lines.append(f'{indent}  label={label}; fontname="sans-serif"; color=gray;')
        else:
            style = ", shape=hexagon, style=dashed" if graph.nodes[name].converter else ""
            label = _string([name, *_details(graph, name)])
            lines.append(f"{indent}{_string([name])} [label={label}{style}];")
    back = leads_back(graph)
    for link in graph.links:
        style = ", penwidth=2.5" if graph.is_boundary(link) else ""
        style += ", style=dashed, constraint=false" if link.name in back else ""
        ends = f"{_string([link.source])} -> {_string([link.target])}"
        lines.append(f"  {ends} [label={_string(_link_lines(graph, link))}{style}];")
    return "\n".join([*lines, "}"])


def _string(lines: list[str]) -> str:
    """Return a quoted string of dot."""
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(escaped) + '"'


def _what(node: GraphNode) -> str:
    if not node.converter:
        return node.resolved
    return f"{node.resolved} ({'converter, ' if node.resolved == CONVERTER else ''}inserted)"


def _details(graph: Graph, name: str) -> list[str]:
    """Return the lines of a node's box below its name."""
    thread = next(n for n, names in enumerate(graph.segments(), 1) if name in names)
    return [f"{_what(graph.nodes[name])} · thread {thread}", *_unused(graph, name)]


def _unused(graph: Graph, name: str) -> list[str]:
    caps = graph.nodes[name].caps
    return [f"{port}   {caps[port]}   not linked" for port in unread_outputs(graph, name)]


def _about(graph: Graph, link: GraphLink) -> str:
    return "   ".join(_link_lines(graph, link))


def _link_lines(graph: Graph, link: GraphLink) -> list[str]:
    """Return ports, caps, the queue if it crosses threads, and what happens to a reply in it."""
    lines = [f"{link.out} > {link.into}", str(graph.nodes[link.source].caps[link.out])]
    if graph.is_boundary(link):
        lines.append(queue_text(graph.queue(link)))
    lines += [
        word for word, links in (("flushed", flushed(graph)), ("held", held(graph))) if link.name in links
    ]
    return lines
