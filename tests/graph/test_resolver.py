"""Roles, bins and bins in files: what `use:` leads to, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stand_ins import Takes, unplaced
from vflow import AnyCaps, Audio, Bin, GraphError, In, Node, Out, Text, Unavailable, prop
from vflow.graph.registry import NodeClass, Registry
from vflow.graph.resolver import Resolver


class Good(Takes):
    """Speaks."""

    rank = 50
    voice: str = prop("a")
    text = In(Text("chunk"))
    audio = Out(Audio(rate=24_000, channels=1))


class Better(Good):
    rank = 60

    @classmethod
    def unavailable(cls) -> str:
        return "no card"


class Boxed(Bin):
    """Better in a box."""

    rank = 70
    graph = """
    ports: {text: inner.text, audio: inner.audio}
    proxy: [inner]
    params: {depth: 3}
    nodes:
      inner: {use: tts.better}
    """


class Loop(Bin):
    """Contains itself."""

    graph = """
    ports: {audio: me.audio}
    proxy: [me]
    nodes:
      me: {use: loop}
    """


def resolver(**nodes: NodeClass) -> Resolver:
    named = {name.replace("_", "."): cls for name, cls in nodes.items()}
    registry = Registry(named)
    registry.names = lambda: sorted(named)  # type: ignore[method-assign]  # none of the installed ones
    return Resolver(registry)


def test_a_role_takes_the_available_candidate_of_the_highest_rank() -> None:
    found = resolver(tts_good=Good, tts_better=Better, tts_boxed=Boxed).resolve("tts", Path())
    assert found.name == "tts.good"
    assert found.problem == ""
    assert found.passed_over == ("tts.boxed: no card", "tts.better: no card")


def test_a_named_node_never_falls_back() -> None:
    found = resolver(tts_good=Good, tts_better=Better).resolve("tts.better", Path())
    assert (found.name, found.problem) == ("tts.better", "no card")


def test_role_that_nothing_can_play_says_why_for_each_candidate() -> None:
    found = resolver(tts_better=Better).resolve("tts", Path())
    assert found.problem == "nothing can play the role 'tts' here: tts.better: no card"


def test_a_role_without_candidates_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="no installed package has a node for the role 'tts'"):
        resolver(other=Good).resolve("tts", Path())


def test_bin_is_available_if_its_inner_nodes_are() -> None:
    assert resolver(tts_better=Better, tts_boxed=Boxed).problem("tts.boxed") == "no card"


def test_bin_accepts_its_params_and_the_properties_it_passes_on() -> None:
    made = resolver(tts_better=Better, tts_boxed=Boxed)
    assert set(made.accepts(made.resolve("tts.boxed", Path()))) == {"depth", "voice"}


def test_a_bin_that_contains_itself_comes_to_an_end() -> None:
    made = resolver(loop=Loop)
    assert made.problem("loop") == ""
    assert made.accepts(made.resolve("loop", Path())) == {}


def test_a_bin_in_a_file_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "room.yaml").write_text("ports: {audio: x.audio}\nproxy: [x]\nnodes:\n  x: {use: tts.good}\n")
    made = resolver(tts_good=Good)
    assert set(made.accepts(made.resolve("./room.yaml", tmp_path))) == {"voice"}
    with pytest.raises(GraphError, match="cannot be read"):
        made.resolve("./room.yaml", tmp_path / "elsewhere")


def test_adapter_gets_a_name_that_the_graph_does_not_have() -> None:
    made = resolver(tts_good=Good)
    wanted, given = [Audio(rate=24_000)], [Text("chunk")]
    assert made.adapter(given, wanted, "a", "b", []) == "insert 'tts: {use: tts}' and link a -> tts -> b"
    assert made.adapter(given, wanted, "a", "b", ["tts"]).endswith("link a -> tts_ -> b")
    assert made.adapter(wanted, given, "a", "b", []) == ""


class Torn(Bin):
    """A bin that names a node that does not exist."""

    rank = 90
    graph = "ports: {audio: x}\nnodes:\n  x: {use: tts.god}\n"


class Garbled(Torn):
    graph = "nodes: [1]"


class Empty(Bin):
    """A bin without a graph."""


class Raising(Good):
    rank = 95

    @classmethod
    def unavailable(cls) -> str:
        return str({}["card"])


class Leaving(Good):
    rank = 95

    @classmethod
    def unavailable(cls) -> str:
        raise SystemExit(0)


class Ending(Good):
    rank = 95

    @classmethod
    def unavailable(cls) -> str:
        raise GeneratorExit("gone")


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (Torn, "tts.bad: inside it, no node is named 'tts.god'; did you mean 'tts.good'?"),
        (Garbled, "tts.bad: <tts.bad>:1:8: error: nodes is a mapping"),
        (Raising, "tts.bad: its unavailable() raised KeyError: 'card'"),
        (Leaving, "tts.bad: its unavailable() raised SystemExit: 0"),
        (Ending, "tts.bad: its unavailable() raised GeneratorExit: gone"),
    ],
)
def test_a_candidate_that_is_broken_is_passed_over(bad: NodeClass, problem: str) -> None:
    found = resolver(tts_good=Good, tts_bad=bad).resolve("tts", Path())
    assert found.name == "tts.good"
    assert unplaced(found.passed_over[0]).startswith(problem)


def test_a_bin_without_a_graph_is_unavailable() -> None:
    made = resolver(tts_good=Good, tts_empty=Empty)
    assert made.resolve("tts", Path()).name == "tts.good"
    assert made.problem("tts.empty").startswith("tts.empty is a Bin whose 'graph' is no text")
    with pytest.raises(Unavailable, match=r"tts.empty is a Bin whose 'graph' is no text"):
        made.resolve("tts.empty", Path())
    with pytest.raises(Unavailable, match=r"nothing can play the role 'tts' here: tts.empty: tts.empty is"):
        resolver(tts_empty=Empty).resolve("tts", Path())


class Short(Good):
    """A node with a name of its own in its example."""

    example = "voice: {use: a.speaker, voice: b}"


class Anything(Node):
    into = In(AnyCaps())
    out = Out(AnyCaps())


class Unported(Bin):
    """A bin whose ports have the names of the inner ports."""

    graph = "ports: {text: x, audio: x, gone: x}\nnodes:\n  x: {use: a.inner}\n"


def test_an_adapter_is_called_what_its_example_calls_it() -> None:
    made = resolver(a_speaker=Short)
    mend = made.adapter([Text("chunk")], [Audio()], "a", "b", [])
    assert mend == "insert 'voice: {use: a.speaker}' and link a -> voice -> b"


def test_bin_with_the_port_names_of_its_inner_nodes_is_an_adapter() -> None:
    made = resolver(a_inner=Good, a_bin=Unported)
    assert "use: a.bin" in made.adapter([Text("chunk")], [Audio()], "a", "b", [])


def test_broken_nodes_and_those_that_take_anything_are_no_adapters() -> None:
    made = resolver(a_any=Anything, a_torn=Torn, a_garbled=Garbled, a_empty=Empty, z_good=Good)
    assert "use: z.good" in made.adapter([Text("chunk")], [Audio()], "a", "b", [])
