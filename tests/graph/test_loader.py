"""From a file to a checked graph: overrides, stand-ins, roles, bins, links; and no input that crashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vflow import (
    Audio,
    Bin,
    Graph,
    GraphError,
    In,
    Node,
    Out,
    Pipeline,
    QueueOptions,
    Text,
    TextPacket,
    load,
    prop,
)
from vflow.graph.expansion import MAX_NODES
from vflow.graph.graph import MAX_FUSED, ErrorPolicy, RoleChoice
from vflow.graph.loader import load_text
from vflow.graph.registry import NodeClass, Registry


class Mic(Node):
    """A stand-in for a device."""

    rank = 1000
    device: str = prop("auto")
    gain: float = prop(1.0, ge=0)
    audio = Out(Audio(rate=16_000, channels=1))


class Fancy(Mic):
    rank: ClassVar[int] = 2000
    sparkle: int = prop(1)

    @classmethod
    def unavailable(cls) -> str:
        return "no sparkle here"


class Tape(Node):
    file: str = prop()
    audio = Out(Audio(rate=8_000, channels=1))


class Ear(Node):
    order = "arrival"
    audio = In(Audio(), queue=QueueOptions(packets=7))
    also = In(Text(), optional=True)


class Box(Bin):
    """A microphone in a box."""

    graph = """
    params: {loudness: 2}
    ports: {audio: inner.audio}
    proxy: [inner]
    nodes:
      inner: {use: mic.plain, gain: "${loudness}"}
    """


NODES: dict[str, NodeClass] = {"mic.plain": Mic, "mic.fancy": Fancy, "tape": Tape, "ear": Ear, "box": Box}


def build(nodes: str, links: str = "[m -> e]", **options: Any) -> Graph:
    return load_text(f"nodes:\n{nodes}\n  e: {{use: ear}}\nlinks: {links}\n", nodes=NODES, **options)


def said(nodes: str, links: str = "[m -> e]", **options: Any) -> str:
    with pytest.raises(GraphError) as info:
        build(nodes, links, **options)
    return str(info.value)


def test_a_role_is_recorded_with_what_it_took_and_passed_over() -> None:
    choice = build("  m: {use: mic}").roles["m"]
    assert isinstance(choice, RoleChoice)
    assert (choice.role, choice.taken) == ("mic", "mic.plain")
    assert "mic.fancy: no sparkle here" in choice.passed_over


def test_a_property_of_a_role_that_its_candidate_lacks_is_left_out() -> None:
    graph = build("  m: {use: mic, frame: 32ms, device: usb}")
    assert graph.nodes["m"].values == {"device": "usb"}
    (warning,) = graph.warnings
    assert warning.startswith("<text>:2:17: warning: m: mic.plain has no property 'frame': it is ignored")


def test_a_property_that_a_stand_in_lacks_is_left_out_without_a_warning() -> None:
    for stand_in in (("tape", {"file": "x"}), ("mic.plain", {})):
        graph = build("  m: {use: mic, frame: 32ms}", stand_ins={"mic": stand_in})
        assert graph.warnings == ()


class Torn(Bin):
    """Names what nobody has."""

    rank = 3000
    graph = "ports: {audio: x}\nproxy: [x]\nnodes:\n  x: {use: mike}\n"


class Garbled(Torn):
    graph = "nodes: [1]"


class Unsure(Fancy):
    @classmethod
    def unavailable(cls) -> str:
        raise OSError("no bus")


@pytest.mark.parametrize("bad", [Torn, Garbled, Unsure])
def test_a_broken_candidate_does_not_break_a_graph_that_names_the_role(bad: NodeClass) -> None:
    text = "nodes:\n  m: {use: mic}\n  e: {use: ear}\nlinks: [m -> e]\n"
    graph = load_text(text, nodes={**NODES, "mic.bad": bad})
    assert graph.nodes["m"].resolved == "mic.plain"


@pytest.mark.parametrize(
    ("bad", "message"),
    [(Torn, "<mic.bad>:4:12: error: no node is named 'mike'"), (Garbled, "<mic.bad>:1:8: error: nodes is a")],
)
@pytest.mark.parametrize("required", [True, False])
def test_a_broken_bin_that_is_named_has_its_errors(bad: NodeClass, message: str, required: bool) -> None:
    text = "nodes:\n  m: {use: mic.bad, device: usb}\n  e: {use: ear}\nlinks: [m -> e]\n"
    with pytest.raises(GraphError, match=message):
        load_text(text, nodes={**NODES, "mic.bad": bad}, require_available=required)


@pytest.mark.parametrize("required", [True, False])
def test_a_role_with_nothing_but_broken_candidates_has_their_errors(required: bool) -> None:
    nodes: dict[str, NodeClass] = dict.fromkeys(
        (name for name in Registry().names() if name.startswith("tts.")), Torn
    )
    with pytest.raises(GraphError, match="no node is named 'mike'"):
        load_text("nodes:\n  t: {use: tts, voice: x}\n", nodes=nodes, require_available=required)


def test_a_property_that_only_another_candidate_has_names_it() -> None:
    assert "mic.fancy has it: write 'use: mic.fancy'" in said("  m: {use: mic, sparkle: 3}")


def test_a_role_that_nothing_can_play_is_an_error_or_a_warning() -> None:
    class Nobody(Mic):
        @classmethod
        def unavailable(cls) -> str:
            return "no device"

    text = "nodes:\n  m: {use: tts}\n"
    nodes: dict[str, NodeClass] = dict.fromkeys(
        (n for n in Registry().names() if n.startswith("tts.")), Nobody
    )
    with pytest.raises(GraphError, match="m: nothing can play the role 'tts' here: tts"):
        load_text(text, nodes=nodes)
    (warning,) = load_text(text, nodes=nodes, require_available=False).warnings
    assert warning.startswith("<text>:2:12: warning: m: nothing can play the role 'tts' here: tts")


def test_a_named_node_that_is_not_available_is_a_warning_where_nothing_runs() -> None:
    graph = build("  m: {use: mic.fancy}", require_available=False)
    assert graph.warnings == ("<text>:2:12: warning: m: no sparkle here",)


def test_an_override_is_typed_and_checked_like_the_file() -> None:
    assert build("  m: {use: mic, gain: 3}", overrides={"m.gain": "5"}).nodes["m"].create().gain == 5.0  # type: ignore[attr-defined]  # Mic's
    assert "--set m.gain=-1: error: m: gain is -1, out of range" in said(
        "  m: {use: mic}", overrides={"m.gain": "-1"}
    )
    assert "did you mean 'm'?" in said("  m: {use: mic}", overrides={"mm.gain": "1"})


def test_the_threads_of_a_library_are_set_as_a_property_is() -> None:
    assert build("  m: {use: mic}", overrides={"threads.torch": "3"}).threads == {"torch": 3}
    assert "--set threads.torch=0: error: torch is a whole number of at least 1, not 0" in said(
        "  m: {use: mic}", overrides={"threads.torch": "0"}
    )
    wrong = said("  m: {use: mic}", overrides={"threads.troch": "2"})
    assert "--set threads.troch=2: error: unknown key 'troch' in threads" in wrong
    assert "did you mean 'torch'?" in wrong
    node = build("  m: {use: mic}\n  threads: {use: mic}", "[m -> e]", overrides={"threads.gain": "2"})
    assert (node.threads, node.nodes["threads"].values) == ({}, {"gain": 2})


def test_an_override_is_text_for_a_text_property_and_a_number_for_a_number() -> None:
    def device(text: str) -> Any:
        graph = build("  m: {use: mic}", overrides={"m.device": text})
        return vars(graph.nodes["m"].create())["device"]

    assert [device(text) for text in ("42", "007", "true", "", "usb")] == ["42", "007", "true", "", "usb"]
    assert build("  m: {use: mic}", overrides={"m.gain": "42"}).nodes["m"].values == {"gain": 42}


def test_a_number_stays_one_where_a_property_takes_text_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Either(Node):
        device: int | str | None = prop(None)

    monkeypatch.setenv("DEVICE", "3")
    nodes: dict[str, NodeClass] = {"either": Either}
    text = "nodes:\n  m: {use: either%s}\n"
    for device, found in (("3", 3), ("null", None), ("usb", "usb")):
        graph = load_text(text % "", nodes=nodes, overrides={"m.device": device})
        assert graph.nodes["m"].values == {"device": found}
    assert load_text(text % ', device: "${DEVICE}"', nodes=nodes).nodes["m"].values == {"device": 3}


def test_an_override_reaches_into_a_bin_by_its_own_or_the_inner_name() -> None:
    for name in ("m.gain", "m.inner.gain", "m.loudness"):
        assert build("  m: {use: box}", overrides={name: "5"}).nodes["m.inner"].values["gain"] == 5


def test_a_stand_in_plays_a_role_with_its_own_properties() -> None:
    stand_ins: Mapping[str, tuple[str, Mapping[str, Any]]] = {"mic": ("tape", {"file": "x.wav"})}
    graph = build("  m: {use: mic, device: usb}", stand_ins=stand_ins)
    assert graph.nodes["m"].resolved == "tape"
    assert graph.nodes["m"].values == {"file": "x.wav"}
    assert build("  m: {use: mic.plain}", stand_ins=stand_ins).nodes["m"].resolved == "tape"


def test_a_stand_in_for_a_role_that_nothing_plays_is_refused() -> None:
    message = "--output stands in for the role speaker, which no node plays"
    assert message in said("  m: {use: mic}", stand_ins={"speaker": ("ear", {})})


def test_a_bin_of_the_registry_has_params() -> None:
    assert build("  m: {use: box}").nodes["m.inner"].values == {"gain": 2}
    graph = build("  m: {use: box, loudness: 9}")
    assert graph.nodes["m.inner"].values == {"gain": 9}
    assert graph.aliases == {"m": "box"}


def test_a_bins_error_policy_is_that_of_its_nodes() -> None:
    graph = build("  m: {use: box, on_error: {restart: 2}}")
    assert graph.nodes["m.inner"].on_error == ErrorPolicy("restart", 2)


def test_a_link_takes_the_bounds_of_the_input_unless_it_has_its_own() -> None:
    (link,) = build("  m: {use: mic}").links
    assert (link.queue, link.explicit) == (QueueOptions(packets=7), False)
    (link,) = build("  m: {use: mic}", "[{from: m, to: e, queue: {time: 1s}}]").links
    assert (link.queue, link.explicit) == (QueueOptions(packets=7, time_ns=10**9), True)


LIVE = QueueOptions(packets=1024, policy="leaky-oldest")


@pytest.mark.parametrize(
    ("queue", "options"),
    [
        ("", QueueOptions(packets=7, policy="leaky-oldest")),
        (", queue: {time: 1s}", QueueOptions(packets=7, time_ns=10**9, policy="leaky-oldest")),
        (", queue: {packets: 8}", QueueOptions(packets=8, policy="leaky-oldest")),
        (", queue: {policy: block}", QueueOptions(packets=7)),
        (", queue: {policy: error}", QueueOptions(packets=7, policy="error")),
    ],
)
def test_a_link_behind_a_live_source_never_blocks_unless_the_file_says_so(
    queue: str, options: QueueOptions
) -> None:
    graph = load_live("ear", queue)
    assert graph.queue(graph.links[0]) == options


@pytest.mark.parametrize(
    ("queue", "options"),
    [
        ("", LIVE),
        (", keep: true", replace(LIVE, keep=True)),
        (", queue: {packets: 8}", replace(LIVE, packets=8)),
    ],
)
def test_what_a_live_links_queue_does_not_name_is_that_of_its_ring(queue: str, options: QueueOptions) -> None:
    graph = load_live("nose", queue)
    assert graph.queue(graph.links[0]) == options


def load_live(target: str, queue: str) -> Graph:
    class Live(Mic):
        live = True

    class Nose(Node):
        audio = In(Audio())

    text = f"nodes:\n  m: {{use: live}}\n  t: {{use: {target}}}\nlinks:\n  - {{from: m, to: t{queue}}}\n"
    return load_text(text, nodes={**NODES, "live": Live, "nose": Nose})


def test_caps_choose_the_port_that_fits() -> None:
    (link,) = build("  m: {use: mic}").links
    assert link.into == "audio"


def test_an_optional_input_need_not_be_linked() -> None:
    assert build("  m: {use: mic}").unlinked() == []


def test_waiting_for_every_input_is_refused_below_a_silent_node() -> None:
    class Silent(Node):
        sparse = True
        text = Out(Text("final"))

    text = (
        "nodes:\n  m: {use: mic.plain}\n  s: {use: silent}\n  e: {use: ear, order: pts}\n"
        "links: [m -> e, s -> e.also]\n"
    )
    with pytest.raises(GraphError, match="e waits for every input") as info:
        load_text(text, nodes={**NODES, "silent": Silent})
    assert "s may be silent for long; use 'order: arrival'" in str(info.value)


def test_a_node_whose_caps_fail_is_named() -> None:
    class Broken(Mic):
        def port_caps(self, port: str) -> Any:
            raise ZeroDivisionError("oh")

    with pytest.raises(GraphError, match="m: port_caps raised ZeroDivisionError: oh"):
        load_text("nodes:\n  m: {use: broken}\n", nodes={"broken": Broken})


def test_findings_come_in_the_order_of_the_file() -> None:
    text = said("  a: {use: mic, gian: 1}\n  m: {use: nothing_like_it}", "[a -> ee]")
    assert [line.split(":")[1] for line in text.splitlines()] == ["2", "3", "5"]


def test_text_from_the_environment_stays_text_for_a_text_property(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", "007")
    graph = build('  m: {use: mic, device: "${DEVICE}", gain: "${DEVICE}"}')
    assert graph.nodes["m"].values == {"device": "007", "gain": 7}


def test_bins_in_bins_have_long_names_and_relative_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "g.yaml").write_text("nodes:\n  a: {use: sub/a.yaml}\n  e: {use: ear}\nlinks: [a -> e]\n")
    inside = "ports: {audio: x.audio}\nproxy: [x]\nnodes:\n  x: {use: %s}\n"
    (tmp_path / "sub" / "a.yaml").write_text(inside % "./b.yaml" + "  # below\n")
    (tmp_path / "sub" / "b.yaml").write_text(inside % "mic")
    graph = load(tmp_path / "g.yaml", nodes=NODES)
    assert list(graph.nodes) == ["a.x.x", "e"]
    assert [link.name for link in graph.links] == ["a.x.x.audio -> e.audio"]
    assert list(graph.roles) == ["a.x.x"]


def test_a_bins_file_can_be_loaded_alone_with_its_own_defaults() -> None:
    text = (
        "params: {gain: 2}\nports: {sound: e.audio, words: e.also}\n"
        'nodes:\n  m: {use: mic, gain: "${gain}"}\n  e: {use: ear}\n'
    )
    assert load_text(text + "links: []\n", nodes=NODES).nodes["m"].values == {"gain": 2}
    with pytest.raises(GraphError, match=r"<text>:2:16: error: port 'sound' of the bin: e has no port"):
        load_text(text.replace("e.audio", "e.oudio") + "links: []\n", nodes=NODES)


def test_an_input_that_no_port_of_a_bin_leads_to_has_to_be_fed() -> None:
    text = "ports: {words: e.also}\nnodes:\n  e: {use: ear}\n"
    with pytest.raises(GraphError, match=r"nothing feeds e.audio"):
        load_text(text, nodes=NODES)


def test_a_long_chain_of_light_nodes_is_several_threads_and_runs() -> None:
    ran: list[int] = []

    class Once(Node):
        out = Out(Text("word"))

        def produce(self) -> Iterator[TextPacket]:
            yield TextPacket(text="hello")

    class Hop(Node):
        into = In(Text("word"))
        out = Out(Text("word"))

        def process(self, packet: TextPacket) -> Iterator[TextPacket]:  # a generator: the deepest there is
            ran.append(1)
            yield packet

    names = [f"n{n}" for n in range(2 * MAX_FUSED)]
    hops = "".join(f"  {name}: {{use: hop}}\n" for name in names)
    text = f"nodes:\n  s: {{use: once}}\n{hops}links:\n  - {' -> '.join(['s', *names])}\n"
    graph = load_text(text, nodes={"once": Once, "hop": Hop})
    assert [len(names) for names in graph.segments()] == [MAX_FUSED, MAX_FUSED, 1]
    with Pipeline(graph) as pipeline:
        assert pipeline.wait(timeout_s=30)
    assert len(ran) == len(names)


def test_bins_that_multiply_are_bounded(tmp_path: Path) -> None:
    for n in range(7):
        inner = "\n".join(f"  x{i}: {{use: ./b{n + 1}.yaml}}" for i in range(10))
        (tmp_path / f"b{n}.yaml").write_text(f"ports: {{audio: x0.audio}}\nnodes:\n{inner}\nlinks: []\n")
    (tmp_path / "b7.yaml").write_text("ports: {audio: x.audio}\nnodes:\n  x: {use: nothing_like_it}\n")
    with pytest.raises(GraphError, match=f"the graph has more than {MAX_NODES:,} nodes"):
        load(tmp_path / "b0.yaml", nodes=NODES)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(),
    st.sampled_from(
        ["m", "e", "m -> e", "mic", "ear", "box", "tape", "20ms", "${X_NOT_SET:-3}", "a.b", "", "->", "."]
    ),
)
WORDS = (
    "vflow doc budget threads convert params ports proxy nodes links use on_error order from to queue keep"
    " max packets time policy restart backoff m e audio device gain file"
)
KEYS = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
NODE = st.fixed_dictionaries(
    {"use": st.sampled_from(list(NODES))}, optional={"gain": VALUES, "params": VALUES}
)
GRAPH = st.fixed_dictionaries(
    {"nodes": st.dictionaries(st.sampled_from("mea"), NODE | VALUES, max_size=3) | VALUES},
    optional={
        key: st.lists(st.sampled_from(["m -> e", "a -> e.also", "e -> m", "m"]) | VALUES, max_size=3) | VALUES
        if key == "links"
        else VALUES
        for key in ("links", "params", "ports", "proxy", "budget", "threads", "convert", "vflow", "doc")
    },
)


@settings(max_examples=300, deadline=None)
@given(GRAPH | VALUES)
def test_any_structure_is_a_graph_or_refused_with_places(tree: Any) -> None:
    try:
        load_text(yaml.safe_dump(tree), nodes=NODES)
    except GraphError as error:
        if not all(d.message and d.place for d in error.diagnostics):
            raise


def test_an_override_stands_in_for_a_variable_that_is_not_set() -> None:
    graph = build("  m: {use: mic, device: '${NOT_SET_X}'}", overrides={"m.device": "usb"})
    assert graph.nodes["m"].values == {"device": "usb"}


def test_an_override_reaches_a_variable_in_a_bin() -> None:
    class Unset(Box):
        graph = Box.graph.replace("${loudness}", "${NOT_SET_X}")

    text = "nodes:\n  m: {use: unset}\n  e: {use: ear}\nlinks: [m -> e]\n"
    graph = load_text(text, nodes={**NODES, "unset": Unset}, overrides={"m.inner.gain": "3"})
    assert graph.nodes["m.inner"].values == {"gain": 3}


def test_a_param_that_is_given_stands_in_for_its_default() -> None:
    class Unset(Box):
        graph = Box.graph.replace("loudness: 2", "loudness: '${NOT_SET_X}'")

    text = "nodes:\n  m: {use: unset, loudness: 4}\n  e: {use: ear}\nlinks: [m -> e]\n"
    assert load_text(text, nodes={**NODES, "unset": Unset}).nodes["m.inner"].values == {"gain": 4}


def test_a_stand_in_needs_no_variable_of_what_it_stands_for() -> None:
    graph = build("  m: {use: mic, device: '${NOT_SET_X}'}", stand_ins={"mic": ("tape", {"file": "x"})})
    assert graph.nodes["m"].values == {"file": "x"}


def test_a_variable_of_a_property_that_is_used_is_told_once_at_its_place() -> None:
    text = said("  m: {use: mic, device: '${NOT_SET_X}', gain: '${NOT_SET_Y}'}", overrides={"m.gain": "2"})
    mend = "set it, or write ${NOT_SET_X:-default}"
    assert text == f"<text>:2:25: error: environment variable NOT_SET_X is not set; {mend}"
