"""Make random graphs: drawn by hypothesis, written as YAML, run once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from tests.properties.trace import Trace
from tests.properties.traced import KINDS, Action, Actor, Traced
from tests.stand_ins import PATIENCE_S
from vflow import MS, ManualClock, NodeError, Pipeline
from vflow.clock import Clock
from vflow.graph.graph import GraphLink
from vflow.graph.loader import load_text

MIDDLES = ("plain", "heavy", "busy", "deaf", "steps", "reply", "coroutine", "holder", "pair")
TERMINALS = ("collect", "fused", "told", "speaker")
SILENT = ("steps", "reply", "holder", "turns")
"""Kinds that may emit nothing for a packet: a fan-in by pts below them would wait for ever."""


@dataclass(frozen=True, slots=True)
class PlanNode:
    name: str
    kind: str
    props: str = ""
    on_error: str = ""
    by_pts: bool = False
    faults: frozenset[int] = frozenset()

    def yaml(self) -> str:
        options = [
            self.props,
            self.on_error and f"on_error: {self.on_error}",
            "order: pts" if self.by_pts else "",
        ]
        return f"  {self.name}: {{{', '.join(filter(None, [f'use: p.{self.kind}', *options]))}}}"


@dataclass(frozen=True, slots=True)
class PlanLink:
    source: str
    target: str
    options: str = ""

    def yaml(self) -> str:
        return (
            f"  - {{{', '.join(filter(None, [f'from: {self.source}', f'to: {self.target}', self.options]))}}}"
        )


@dataclass(frozen=True)
class Plan:
    """A graph, the acts on it, and the seed of the clock. Its repr can be evaluated to make it again."""

    nodes: tuple[PlanNode, ...]
    links: tuple[PlanLink, ...]
    actions: tuple[Action, ...] = ()
    seed: int = 0

    def yaml(self) -> str:
        nodes = [node.yaml() for node in self.nodes]
        return "\n".join(["nodes:", *nodes, "links:", *(link.yaml() for link in self.links), ""])

    def __str__(self) -> str:
        faults = {node.name: sorted(node.faults) for node in self.nodes if node.faults}
        return f"{self.yaml()}# actions {list(self.actions)}\n# faults {faults}\n# ManualClock({self.seed})"


@dataclass
class Run:
    """A plan that has been run: its pipeline, its trace, and how it ended."""

    plan: Plan
    pipeline: Pipeline
    trace: Trace
    ended: bool = False
    failure: NodeError | None = None
    abandoned: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        return any(action.verb == "stop" for action in self.plan.actions)

    @property
    def whole(self) -> bool:
        """Whether it ran to its end by itself."""
        return self.ended and self.failure is None and not self.stopped

    def boundaries(self) -> dict[tuple[str, str], GraphLink]:
        graph = self.pipeline.graph
        return {(link.source, link.target): link for link in graph.links if graph.is_boundary(link)}


def run(plan: Plan, clock: Clock | None = None) -> Run:
    """Run a plan to its end, under its seed's clock unless another is given."""
    graph = load_text(plan.yaml(), file="plan.yaml", nodes=KINDS)
    pipeline = Pipeline(graph, clock=clock or ManualClock(plan.seed))
    run = Run(plan, pipeline, Trace())
    faults = {node.name: node.faults for node in plan.nodes}
    for name, node in pipeline.nodes.items():
        if isinstance(node, Traced):
            node.trace, node.faults = run.trace, faults.get(name, frozenset())
        elif isinstance(node, Actor):
            node.trace, node.actions, node.pipeline = run.trace, plan.actions, pipeline
    before = set(threading.enumerate())
    try:
        pipeline.start()
        run.ended = pipeline.wait(PATIENCE_S)
    except NodeError as error:
        run.ended, run.failure = True, error
    run.abandoned = pipeline.stop()
    for thread in set(threading.enumerate()) - before:  # of a stop by a node; it ends by itself
        thread.join(PATIENCE_S)
        run.threads += [thread.name] if thread.is_alive() else []
    return run


# drawing


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw any graph that vflow accepts, of up to a dozen nodes."""
    drawn = Drawn(draw)
    for number in range(draw(st.integers(1, 2))):
        drawn.source(f"s{number}")
    if drawn.speculates:
        drawn.in_advance()
    for number in range(draw(st.integers(0, 6))):
        drawn.middle(f"n{number}")
    drawn.ends()
    actions = draw(st.lists(drawn.action(), min_size=draw(st.integers(0, 3)), max_size=6))
    actions.sort(key=lambda action: action.at_ns)
    actor = PlanNode("actor", "actor")
    return Plan((*drawn.nodes, actor), tuple(drawn.links), tuple(actions), draw(st.integers(0, 2**32)))


@st.composite
def fan_ins(draw: st.DrawFn) -> Plan:
    """Draw branches that are never silent, and a node that takes from all of them by pts."""
    kinds = st.sampled_from(("plain", "heavy", "busy", "deaf", "coroutine"))
    sources = [f"s{number}" for number in range(draw(st.integers(1, 2)))]
    pace = st.sampled_from(("0ms", "4ms", "20ms"))
    nodes = [PlanNode(name, "source", f"count: 12, every: {draw(pace)}") for name in sources]
    links: list[PlanLink] = []
    for number in range(draw(st.integers(1, 4))):
        parent = draw(st.sampled_from([node.name for node in nodes]))
        nodes.append(PlanNode(f"n{number}", draw(kinds)))
        links.append(PlanLink(parent, f"n{number}"))
    fed = {link.source for link in links}
    ends = [node.name for node in nodes if node.name not in fed]
    more = draw(st.lists(st.sampled_from(sorted(fed)), max_size=2, unique=True))
    nodes.append(PlanNode("join", "collect", by_pts=True))
    links += [PlanLink(name, "join") for name in (*ends, *more)]
    return Plan((*nodes, PlanNode("actor", "actor")), tuple(links), (), draw(st.integers(0, 2**32)))


class Drawn:
    """A graph while it is drawn, sources first."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.nodes: list[PlanNode] = []
        self.links: list[PlanLink] = []
        self.silent: set[str] = set()
        """Nodes after which a packet may be missing, or wait, that another branch has."""

        self.speculates = draw(st.integers(0, 2)) == 2

    def in_advance(self) -> None:
        """Have turns answered in advance by one or two nodes. Make the graph's links roomy then: a link full
        of held packets would stop the very node that commits them."""
        self._into(self._add(PlanNode("turns", "turns"), whole=True), ["s0"])
        for number in range(self.draw(st.integers(1, 2))):
            self._into(self._add(PlanNode(f"g{number}", "guess", "work: 5ms")), ["turns"])

    def source(self, name: str) -> None:
        every, lasts = (
            self.draw(st.sampled_from(("0ms", "4ms", "20ms"))),
            self.draw(st.sampled_from((0, 0, 30))),
        )
        kind = self.draw(st.sampled_from(("source", "source", "live")))
        if kind == "live" and every == "0ms":
            every = "4ms"
        props = f"count: {self.draw(st.integers(0, 24))}, every: {every}, lasts: {lasts}ms"
        self._add(PlanNode(name, kind, props))

    def middle(self, name: str) -> None:
        kind = self.draw(st.sampled_from(MIDDLES))
        props = (
            f"work: {self.draw(st.sampled_from((1, 5, 30)))}ms"
            if kind in ("busy", "steps", "reply", "holder")
            else ""
        )
        self._into(self._add(PlanNode(name, kind, props)))

    def ends(self) -> None:
        """Add a sink to each node without one, and now and then another that takes from several."""
        number = 0
        for name in [n.name for n in self.nodes if not any(link.source == n.name for link in self.links)]:
            self._end(f"t{number}", [name])
            number += 1
        for _ in range(self.draw(st.integers(0, 1))):
            self._end(f"t{number}", [])
            number += 1

    def _end(self, name: str, parents: list[str]) -> None:
        kind = self.draw(st.sampled_from(TERMINALS))
        props = f"work: {self.draw(st.sampled_from((1, 10)))}ms" if kind == "speaker" else ""
        self._into(self._add(PlanNode(name, kind, props)), parents)

    def _add(self, node: PlanNode, whole: bool = False) -> PlanNode:
        if not whole and node.kind != "pair" and self.draw(st.integers(0, 6)) == 6:
            faults = self.draw(
                st.frozensets(st.sampled_from((-2, -1, 1, 2, 3, 5, 8)), min_size=1, max_size=3)
            )
            policy = self.draw(st.sampled_from((*["skip", "{restart: {max: 4, backoff: 3ms}}"] * 3, "fail")))
            node = replace(node, faults=faults, on_error=policy)
            self.silent.add(node.name)
        if node.kind in SILENT:
            self.silent.add(node.name)
        self.nodes.append(node)
        return node

    def _into(self, node: PlanNode, parents: list[str] | None = None) -> None:
        earlier = [n.name for n in self.nodes[:-1] if n.name[0] != "t"]
        more = self.draw(
            st.lists(st.sampled_from(earlier), min_size=0 if parents else 1, max_size=2, unique=True)
        )
        chosen = list(dict.fromkeys([*(parents or []), *more]))
        for parent in chosen:
            self.links.append(PlanLink(parent, node.name, self._options()))
        bounded = any(
            "queue" in link.options for link in self.links
        )  # it fills before packets of the other branch come
        if self.silent.intersection(chosen) or bounded:
            self.silent.add(node.name)
        elif len(chosen) > 1 and node.kind != "pair" and self.draw(st.integers(0, 3)):
            self.nodes[-1] = replace(node, by_pts=True)

    def _options(self) -> str:
        if self.draw(st.booleans()):
            return "keep: true" if self.draw(st.integers(0, 3)) == 0 else ""
        if self.speculates:
            return ""
        policies = ("block", "block", "block", "leaky-oldest", "leaky-newest")
        queue = f"packets: {self.draw(st.integers(1, 4))}, policy: {self.draw(st.sampled_from(policies))}"
        if self.draw(st.integers(0, 3)) == 0:
            queue += f", time: {self.draw(st.sampled_from((20, 60)))}ms"
        if self.draw(st.integers(0, 5)) == 0:
            queue += f", max_age: {self.draw(st.sampled_from((3, 40)))}ms"
        keep = ", keep: true" if self.draw(st.integers(0, 3)) == 0 else ""
        return f"queue: {{{queue}}}{keep}"

    def action(self) -> st.SearchStrategy[Action]:
        """Draw an act: mostly flushes, from the generators or any nodes, of all turns or of some."""
        names = [node.name for node in self.nodes if node.kind != "pair" and node.name[0] != "t"]
        at_ns = st.integers(0, 150).map(lambda ms: ms * MS)
        origins = st.one_of(
            st.just(()), st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True).map(tuple)
        )
        turn = st.one_of(st.none(), st.integers(0, 5))
        flush = st.builds(Action, at_ns, st.just("flush"), origins, turn)
        end = st.builds(Action, at_ns, st.sampled_from(("drain", "stop")))
        return st.integers(0, 15).flatmap(lambda number: end if number == 15 else flush)
