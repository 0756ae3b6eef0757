"""The graph: threads, reach of a flush, order, paths and cycles."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests import stand_ins
from vflow import AnyCaps, AudioPacket, Graph, In, Node, Out, QueueOptions, Sink
from vflow.graph.graph import MAX_PATHS, GraphLink, GraphNode


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


LEAKY = QueueOptions(policy="leaky-oldest")


def graph(*chains: str, leaky: str = "", keep: str = "", live: bool = False, **kinds: type[Node]) -> Graph:
    """Chains as `a b c`; a node is a Source where its name begins with s, a Pass otherwise."""
    made = Graph("g.yaml")
    for chain in chains:
        names = chain.split()
        for name in names:
            cls = kinds.get(name, Source if name.startswith("s") else Pass)
            made.nodes.setdefault(name, GraphNode(name, cls, name, name, {}, paced=live and cls is Source))
        for a, b in pairwise(names):
            queue = LEAKY if f"{a} {b}" == leaky else QueueOptions(keep=True) if f"{a} {b}" == keep else None
            made.links.append(GraphLink(a, "out", b, "into", queue, explicit=queue is not None))
    return made


def test_a_chain_of_light_nodes_is_one_thread() -> None:
    assert graph("s a b c").segments() == [["s", "a", "b", "c"]]


@pytest.mark.parametrize("kind", [Heavy, Timed, Reply, Speaker])
def test_a_thread_begins_where_it_earns_something(kind: type[Node]) -> None:
    assert graph("s a b", b=kind).segments() == [["s", "a"], ["b"]]


def test_a_thread_begins_behind_a_live_source_with_its_ring() -> None:
    made = graph("s a", live=True)
    assert made.segments() == [["s"], ["a"]]
    assert made.queue(made.links[0]) == QueueOptions(packets=1024, policy="leaky-oldest")


def test_a_thread_begins_at_fan_in_and_a_branch_is_no_boundary() -> None:
    assert graph("s a c d", "s b c").segments() == [["s", "a", "b"], ["c", "d"]]


def test_a_link_with_its_own_bounds_is_a_boundary() -> None:
    made = graph("s a b", keep="a b")
    assert made.segments() == [["s", "a"], ["b"]]
    assert made.queue(made.links[1]).keep


def test_a_flush_reaches_what_is_downstream_but_not_over_keep() -> None:
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


def test_a_thread_is_cut_where_it_would_become_too_deep() -> None:
    names = ["s", *(f"n{n}" for n in range(250))]
    made = graph(" ".join(names), "n20 x y")
    made.cut()
    assert [len(segment) for segment in made.segments()] == [102, 100, 51]
    assert made.segments()[0][21:25] == ["n20", "n21", "n22", "n23"]
    assert sum(made.is_boundary(link) for link in made.links) == 2


def test_inputs_that_nothing_feeds_are_listed() -> None:
    assert graph("a b").unlinked() == [("a", "into")]


def test_a_keep_link_hides_no_generator_from_what_is_above_it() -> None:
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
