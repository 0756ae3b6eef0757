"""Make links: which ports the two ends mean, which bounds the link gets, and why a link is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vflow.caps import Caps, fits
from vflow.errors import nearest
from vflow.graph.document import EndSpec, LinkSpec
from vflow.graph.draft import Draft, End
from vflow.graph.graph import LIVE, GraphLink
from vflow.graph.roles import Role
from vflow.ports import In, QueueOptions, inputs_of, outputs_of, ports_of

MAX_FUSED = 100
"""Most nodes that call one another on one thread: each takes up to seven stack frames, and Python allows a
thousand."""


@dataclass(slots=True)
class Scope:
    """The nodes of one document: for each, its outer ports, and the inner port that each one means."""

    prefix: str
    folder: Path
    ports: dict[str, dict[str, End]] = field(default_factory=dict)
    trail: tuple[str, ...] = ()
    """The files of the bins around this document, its own included."""
    stand_ins: dict[str, Role] = field(default_factory=dict)
    """Nodes of the document that a caller's stand-in replaces, each with the role that it played."""
    failed: set[str] = field(default_factory=set)
    """Nodes of the document that could not be made; the reason has been noted."""


class Linker:
    """Adds links to a draft that has the nodes already."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.graph, self.error = draft, draft.graph, draft.error
        self._linked: set[str] = set()

    def link(self, spec: LinkSpec, scope: Scope) -> None:
        """Add a link between the one pair of ports whose caps fit. An input that must be linked goes before
        an optional one."""
        outs = self.ends(spec.source, scope, outputs=True)
        ins = self.ends(spec.target, scope, outputs=False)
        if outs is None or ins is None:
            return
        pairs = [(o, i) for o in outs for i in ins if fits(self.caps(outs[o]), self.caps(ins[i]))]
        pairs = [(o, i) for o, i in pairs if not self._input(ins[i]).optional] or pairs
        if not pairs and self._lacks(spec.target, scope, [str(self.caps(end)) for end in outs.values()]):
            self.draft.unheard.append(next(iter(outs.values()))[0])
            return
        if len(pairs) != 1:
            self.refuse(spec, outs, ins, pairs)
            return
        ((out, into),) = pairs
        ends = (*outs[out], *ins[into])
        queue = self.bounds(spec, outs[out][0], *ins[into])
        back = self._input(ins[into]).feedback
        link = GraphLink(*ends, queue, spec.queue is not None, spec.convert, spec.place, feedback=back)
        if link.name in self._linked:
            self.error(f"{link.name} is linked twice", spec.place, "remove one of them")
            return
        self._linked.add(link.name)
        self.draft.link(link)

    def bounds(self, spec: LinkSpec, source: str, target: str, into: str) -> QueueOptions | None:
        """Return the bounds of a link: the file's, over those of the input port. A link after a live source
        never blocks it, unless the file says so."""
        port = self._input((target, into)).queue
        live = self.graph.nodes[source].paced
        if live and port is not None and port.policy == "block":
            port = replace(port, policy=LIVE.policy)
        if spec.queue is None:
            return port
        return spec.queue(port or (LIVE if live else QueueOptions()))

    def _lacks(self, end: EndSpec, scope: Scope, carried: list[str]) -> bool:
        """Return whether a link leads to an optional input of a role that the role's stand-in lacks."""
        role = scope.stand_ins.get(end.node)
        if role is None:
            return False
        missing = [port for port in role.optional if port not in scope.ports[end.node]]
        return any(end.port in (None, port) and role.inputs.get(port) in carried for port in missing)

    def _input(self, end: End) -> In:
        return inputs_of(self.graph.nodes[end[0]].cls)[end[1]]

    def caps(self, end: End) -> Caps:
        node = self.graph.nodes[end[0]]
        caps: Caps = node.caps.get(end[1], ports_of(node.cls)[end[1]].caps)
        return caps

    def ends(self, end: EndSpec, scope: Scope, outputs: bool) -> dict[str, End] | None:
        """Return the ports that one end of a link may mean; None if an error has been noted."""
        if end.node not in scope.ports:
            if end.node not in scope.failed:
                mend = nearest(end.node, scope.ports) or f"nodes: {', '.join(scope.ports)}"
                self.error(f"no node {end.node!r}", end.place, mend)
            return None
        every = scope.ports[end.node]
        kind = outputs_of if outputs else inputs_of
        found = {p: t for p, t in every.items() if t[1] in kind(self.graph.nodes[t[0]].cls)}
        if end.port is not None and end.port in found:
            return {end.port: found[end.port]}
        word = "output" if outputs else "input"
        role = scope.stand_ins.get(end.node)
        if role is not None and end.port in role.optional and end.port not in every and not outputs:
            return {}
        if end.port is not None and end.port not in every:
            mend = nearest(end.port, found) or f"its {word}s: {', '.join(found) or 'none'}"
            self.error(f"{end.node} has no {word} {end.port!r}", end.place, mend)
            return None
        if not found:
            self.error(f"{end.node} has no {word}s", end.place)
            return None
        if end.port is not None:
            other = "an input" if outputs else "an output"
            mend = f"its {word}s: {', '.join(found)}"
            self.error(f"{end.node}.{end.port} is {other}, not an {word}", end.place, mend)
            return None
        return found

    def refuse(
        self, spec: LinkSpec, outs: Mapping[str, End], ins: Mapping[str, End], pairs: list[tuple[str, str]]
    ) -> None:
        """Note that no pair of the ports fits, or that several do."""
        source, target = spec.source.node, spec.target.node
        if pairs:
            choices = ", ".join(f"{source}.{out} -> {target}.{into}" for out, into in pairs)
            message = f"{source} -> {target} may mean several links"
            self.error(message, spec.place, f"name the ports: {choices}")
            return
        given = {port: self.caps(end) for port, end in outs.items()}
        wanted = {port: self.caps(end) for port, end in ins.items()}
        carries = " and ".join(f"{source}.{port} carries {caps}" for port, caps in given.items())
        takes = " and ".join(f"{target}.{port} takes {caps}" for port, caps in wanted.items())
        names = [name.partition(".")[0] for name in self.graph.nodes]
        fed = {self.graph.nodes[name].use for name, _ in ins.values() if name.rpartition(".")[2] == target}
        mend = self.draft.resolver.adapter(
            list(given.values()), list(wanted.values()), source, target, names, use="".join(fed)
        )
        self.error(f"{carries}, but {takes}", spec.place, mend)


def leave_out_unheard(draft: Draft) -> None:
    """Remove each node whose only target was an input that the stand-in for a role lacks."""
    for name in dict.fromkeys(draft.unheard):
        if name in draft.graph.nodes and not draft.graph.out_of(name):
            draft.remove(name)


def cut_long_chains(draft: Draft) -> None:
    """Let a link cross threads wherever more than MAX_FUSED nodes would call one another."""
    graph = draft.graph
    depth = dict.fromkeys(graph.nodes, 1)
    for name in graph.in_order():
        for link in graph.out_of(name):
            if not graph.is_boundary(link):  # then it is the only link into its target
                cut = depth[name] == MAX_FUSED
                if cut:
                    draft.change(link, cut=True)
                depth[link.target] = 1 if cut else depth[name] + 1
