"""The graph: threads, reach of a flush, order, paths and cycles."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import networkx
import pytest

from tests import stand_ins
from vflow import AnyCaps, AudioPacket, Graph, In, Node, Out, Pipeline, QueueOptions, Sink
from vflow.graph.graph import MAX_PATHS, GraphLink, GraphNode
from vflow.graph.loader import load_text


class Source(Node):
    out = Out(AnyCaps())


class Pass(Node):
    into = In(AnyCaps())
    out = Out(AnyCaps())

    def process(self, packet: AudioPacket) -> AudioPacket:
        return packet


class Heavy(Pass):
    heavy = True


class Timed(Pass):
    def on_timer(self) -> None: ...


class Reply(Pass):
    generates = True


class Speaker(Sink):
    into = In(AnyCaps())


class Together(stand_ins.Words):
    """A source that begins once all of its kind have started."""

    barrier: ClassVar[threading.Barrier]

    def produce(self) -> Iterator[Any]:
        self.barrier.wait(stand_ins.PATIENCE_S)
        yield from super().produce()


LEAKY = QueueOptions(policy="leaky-oldest")


def graph(
    *chains: str, leaky: str = "", keep: str = "", feedback: str = "", live: bool = False, **kinds: type[Node]
) -> Graph:
    """Load chains such as `a b c`; a node is a Source if its name begins with s, else a Pass."""
    made = Graph("g.yaml")
    for chain in chains:
        names = chain.split()
        for name in names:
            cls = kinds.get(name, Source if name.startswith("s") else Pass)
            made.nodes.setdefault(name, GraphNode(name, cls, name, name, {}, paced=live and cls is Source))
        for a, b in pairwise(names):
            back = f"{a} {b}" == feedback
            queue = (
                LEAKY
                if back or f"{a} {b}" == leaky
                else QueueOptions(keep=True)
                if f"{a} {b}" == keep
                else None
            )
            made.links.append(
                GraphLink(a, "out", b, "into", queue, explicit=queue is not None, feedback=back)
            )
    return made


def test_a_chain_of_light_nodes_is_one_thread() -> None:
    assert graph("s a b c").segments() == [["s", "a", "b", "c"]]


@pytest.mark.parametrize("kind", [Heavy, Timed, Reply, Speaker])
def test_thread_begins_where_it_pays(kind: type[Node]) -> None:
    assert graph("s a b", b=kind).segments() == [["s", "a"], ["b"]]


def test_thread_begins_after_a_live_source_with_a_ring_buffer() -> None:
    made = graph("s a", live=True)
    assert made.segments() == [["s"], ["a"]]
    assert made.queue(made.links[0]) == QueueOptions(packets=1024, policy="leaky-oldest")


def test_a_thread_begins_at_fan_in_and_a_branch_is_no_boundary() -> None:
    assert graph("s a c d", "s b c").segments() == [["s", "a", "b"], ["c", "d"]]


def test_a_link_with_its_own_bounds_is_a_boundary() -> None:
    made = graph("s a b", keep="a b")
    assert made.segments() == [["s", "a"], ["b"]]
    assert made.queue(made.links[1]).keep


def test_flush_reaches_all_nodes_downstream_except_over_keep_links() -> None:
    made = graph("s r w t", "r log end", keep="r log", r=Reply)
    assert made.generators() == {"r"}
    assert made.generators(below="r") == frozenset()
    reach = made.reach(["r"])
    assert reach.nodes == {"w", "t"}
    assert [link.name for link in reach.links] == ["r.out -> w.into", "w.out -> t.into"]


def test_a_cycle_blocks_unless_a_link_in_it_leaks() -> None:
    assert graph("s a b a").blocking_cycle()[0] == graph("s a b a").blocking_cycle()[-1]
    assert set(graph("s a b a").blocking_cycle()) == {"a", "b"}
    assert graph("s a b a", leaky="b a").blocking_cycle() == []
    assert graph("s a b c").blocking_cycle() == []


def test_sources_come_first_and_the_leaky_link_of_a_cycle_does_not_count() -> None:
    assert graph("b c", "s a b").in_order() == ["s", "a", "b", "c"]
    assert graph("s a b a", leaky="b a").in_order() == ["s", "a", "b"]
    assert graph("a b", "s a", "b a", leaky="b a").in_order() == ["s", "a", "b"]


def test_a_leaky_link_outside_a_cycle_counts_in_the_order() -> None:
    assert graph("b c", "s b", leaky="s b").in_order() == ["s", "b", "c"]


def test_every_path_is_found_in_the_order_of_the_file() -> None:
    assert graph("s a c", "s b c d").paths() == [["s", "a", "c", "d"], ["s", "b", "c", "d"]]
    assert graph("s a b a", leaky="b a").paths() == [["s", "a", "b"]]


def test_paths_are_bounded() -> None:
    ladder = [f"{a}{n} {b}{n + 1}" for n in range(20) for a in "ab" for b in "ab"]
    assert len(graph("s a0", "s b0", *ladder).paths()) == MAX_PATHS


def test_a_chain_longer_than_pythons_stack_is_no_problem() -> None:
    names = ["s", *(f"n{n}" for n in range(1500))]
    made = graph(" ".join(names))
    assert made.segments() == [names]
    assert made.in_order() == names
    assert made.paths() == [names]


def test_feedback_leads_back_and_not_on() -> None:
    made = graph("s a b c", "b a", feedback="b a", b=Reply, c=Speaker)
    assert made.reach(["b"]).nodes == made.reach(["b"], in_advance=True).nodes | {"c"} == {"c"}
    assert [link.name for link in made.reach(["a"]).links] == ["a.out -> b.into", "b.out -> c.into"]
    assert made.generators(below="b") == frozenset()
    assert made.in_order() == ["s", "a", "b", "c"]
    assert made.paths() == [["s", "a", "b", "c"]]


def test_keep_link_does_not_hide_a_generator_from_nodes_above() -> None:
    class Reply(stand_ins.Pass):
        generates = True
        speculates = True

    text = """
    nodes: {words: {use: t.words}, node: {use: t.node}, sink: {use: t.collect}}
    links: [{from: words, to: node, keep: true}, node -> sink]
    """
    made = stand_ins.graph(text, node=Reply)
    assert made.generators(below="words") == made.speculating(below="words") == {"node"}
    assert made.generators(below="node") == made.generators(below="sink") == frozenset()


CHAIN = """
nodes:
  a: {use: t.words, count: 3}
  b: {use: t.pass}
  c: {use: t.collect}
links: [a -> b -> c]
"""


def test_a_loaded_graph_cannot_be_changed() -> None:
    loaded = stand_ins.graph(CHAIN)
    changes: list[Callable[[], object]] = [
        lambda: setattr(loaded, "nodes", {}),
        lambda: loaded.nodes.pop("a"),  # type: ignore[attr-defined]
        lambda: setattr(loaded.nodes["a"], "caps", {}),
        lambda: loaded.nodes["a"].values.update(count=4),  # type: ignore[attr-defined]
        lambda: loaded.nodes["a"].caps.clear(),  # type: ignore[attr-defined]
        lambda: loaded.links.append(loaded.links[0]),  # type: ignore[attr-defined]
        lambda: setattr(loaded.links[0], "out", "other"),
        lambda: loaded.threads.update(torch=1),  # type: ignore[attr-defined]
    ]
    for change in changes:
        with pytest.raises((AttributeError, TypeError)):
            change()
    assert list(loaded.nodes) == ["a", "b", "c"]


def test_one_graph_runs_in_fifty_pipelines_at_once() -> None:
    loaded = stand_ins.graph(CHAIN, words=Together)
    Together.barrier = threading.Barrier(50)
    pipelines = [Pipeline(loaded) for _ in range(50)]
    for running in pipelines:
        running.start()
    for running in pipelines:
        assert running.wait(stand_ins.PATIENCE_S)
    got = [running.nodes["c"].indices for running in pipelines]  # type: ignore[attr-defined]
    assert got == [[0, 1, 2]] * 50


def test_networkx_has_the_nodes_threads_and_links_of_a_graph() -> None:
    made = stand_ins.graph(CHAIN).to_networkx()
    assert dict(made.nodes(data="thread")) == {"a": 1, "b": 1, "c": 2}
    assert dict(made.nodes(data="resolved")) == {"a": "t.words", "b": "t.pass", "c": "t.collect"}
    queues = {name: queue for _, _, name, queue in made.edges(keys=True, data="queue")}
    assert queues == {"a.out -> b.text": None, "b.out -> c.text": QueueOptions()}
    assert list(networkx.topological_sort(made)) == ["a", "b", "c"]


def test_networkx_is_not_imported_to_load_a_graph() -> None:
    code = "vflow.load(sys.argv[1], require_available=False); print('networkx' in sys.modules)"
    pipeline = str(Path(__file__).parents[2] / "pipelines" / "say.yaml")
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys, vflow; {code}", pipeline],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "False\n"


def test_link_before_inserted_nodes_is_found() -> None:
    made = graph("mic aec mix", "s resample mix")
    inserted = {name: replace(made.nodes[name], converter=True) for name in ("aec", "resample")}
    made = replace(made, nodes={**made.nodes, **inserted})
    assert [made.before_inserted(link).source for link in made.into("mix")] == ["mic", "s"]
    assert made.before_inserted(made.links[0]) is made.links[0]


@pytest.mark.parametrize(("tone", "free"), [("pace: free", True), ("pace: clock", False)])
def test_graph_is_free_running_where_its_source_is_not_paced(tone: str, free: bool) -> None:
    text = f"nodes: {{a: {{use: test_tone, {tone}}}, b: {{use: 'null'}}}}\nlinks: [a -> b]\n"
    assert load_text(text).free_running is free


def test_graph_of_texts_is_not_free_running() -> None:
    text = "nodes: {a: {use: text_source, text: Hi.}, b: {use: 'null'}}\nlinks: [a -> b]\n"
    assert not load_text(text).free_running
