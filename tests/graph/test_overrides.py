"""A caller's changes to a file: properties and threads by `--set`, and stand-ins for roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.graph.graphs import NODES, Box, build, said
from tests.stand_ins import Gives
from vflow import MS, Audio, Duration, GraphError, Out, prop
from vflow.graph.loader import load_text
from vflow.graph.registry import NodeClass


def test_an_override_is_typed_and_checked_like_the_file() -> None:
    assert build("  m: {use: mic, gain: 3}", overrides={"m.gain": "5"}).nodes["m"].create().gain == 5.0  # type: ignore[attr-defined]  # Mic's
    assert "--set m.gain=-1: error: m: gain is -1, out of range" in said(
        "  m: {use: mic}", overrides={"m.gain": "-1"}
    )
    assert "did you mean 'm'?" in said("  m: {use: mic}", overrides={"mm.gain": "1"})


def test_threads_of_a_library_are_set_like_a_property() -> None:
    assert build("  m: {use: mic}", overrides={"threads.torch": "3"}).threads == {"torch": 3}
    assert "--set threads.torch=0: error: torch is a whole number of at least 1, not 0" in said(
        "  m: {use: mic}", overrides={"threads.torch": "0"}
    )
    wrong = said("  m: {use: mic}", overrides={"threads.troch": "2"})
    assert "--set threads.troch=2: error: unknown key 'troch' in threads" in wrong
    assert "did you mean 'torch'?" in wrong
    node = build("  m: {use: mic}\n  threads: {use: mic}", "[m -> e]", overrides={"threads.gain": "2"})
    assert (node.threads, node.nodes["threads"].values) == ({}, {"gain": 2})


@pytest.mark.parametrize(
    "count",
    ["0", "-1", "1025", "100000", "1e9", "1.5", "true", "nan", "''", "[2]", "9" * 25, "9" * 400, "9" * 5000],
)
def test_a_number_of_threads_that_no_library_can_have_is_refused(count: str) -> None:
    """libgomp ends the process at 100,000."""
    for library in ("torch", "onnxruntime"):
        wrong = said("  m: {use: mic}", overrides={f"threads.{library}": count})
        assert wrong.startswith(f"--set threads.{library}={count}"[:40])
        assert f"error: {library} is " in wrong
        assert "set it to the cores that this process may use (" in wrong
    with pytest.raises(GraphError, match=r"2:18: error: torch is .*; set it to the cores"):
        load_text(f"vflow: 1\nthreads: {{torch: {count}}}\nnodes:\n  n: {{use: 'null'}}\nlinks: []\n")


def test_a_thousand_threads_may_be_given_and_more_have_a_mend() -> None:
    assert build("  m: {use: mic}", overrides={"threads.torch": "1024"}).threads == {"torch": 1024}
    wrong = said("  m: {use: mic}", overrides={"threads.torch": "1025"})
    assert "torch is at most 1024 threads, not 1025" in wrong
    assert "set it to the cores that this process may use (" in wrong


def test_an_override_is_text_for_a_text_property_and_a_number_for_a_number() -> None:
    def device(text: str) -> Any:
        graph = build("  m: {use: mic}", overrides={"m.device": text})
        return vars(graph.nodes["m"].create())["device"]

    assert [device(text) for text in ("42", "007", "true", "", "usb")] == ["42", "007", "true", "", "usb"]
    assert build("  m: {use: mic}", overrides={"m.gain": "42"}).nodes["m"].values == {"gain": 42}


def test_number_stays_a_number_if_the_property_takes_text_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Either(Gives):
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


def test_a_property_that_a_stand_in_lacks_is_left_out_without_a_warning() -> None:
    for stand_in in (("tape", {"file": "x"}), ("mic.plain", {})):
        graph = build("  m: {use: mic, frame: 32ms}", stand_ins={"mic": stand_in})
        assert graph.warnings == ()


def test_a_stand_in_for_a_role_that_nothing_plays_is_refused() -> None:
    message = "--output stands in for the role speaker, which no node plays"
    assert message in said("  m: {use: mic}", stand_ins={"speaker": ("ear", {})})


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


def test_stand_in_needs_no_variable_of_the_node_it_replaces() -> None:
    graph = build("  m: {use: mic, device: '${NOT_SET_X}'}", stand_ins={"mic": ("tape", {"file": "x"})})
    assert graph.nodes["m"].values == {"file": "x"}


def test_unset_variable_of_a_used_property_is_reported_once_at_its_place() -> None:
    text = said("  m: {use: mic, device: '${NOT_SET_X}', gain: '${NOT_SET_Y}'}", overrides={"m.gain": "2"})
    mend = "set it, or write ${NOT_SET_X:-default}"
    assert text == f"<text>:2:25: error: environment variable NOT_SET_X is not set; {mend}"


class Waiting(Gives):
    waits: dict[float, Duration] = prop({0.5: "250ms"})
    title: str = prop("")
    audio = Out(Audio(rate=16_000, channels=1))


def test_mapping_is_read_from_a_file_and_from_an_override() -> None:
    classes = {**NODES, "waiting": Waiting}

    def made(node: str, **overrides: str) -> Any:
        given = {f"m.{name}": text for name, text in overrides.items()}
        return build(f"  m: {{use: waiting{node}}}", classes=classes, overrides=given).nodes["m"].create()

    assert made("").waits == {0.5: 250 * MS}
    assert made(", waits: {0.6: 300ms, 0: 1s}").waits == {0.6: 300 * MS, 0.0: 1000 * MS}
    assert made("", waits="{0.6: 300ms, 0: 1s}").waits == {0.6: 300 * MS, 0.0: 1000 * MS}
    assert made("", title="{a: b}").title == "{a: b}"
    assert made("", title="{a").title == "{a"
    wrong = said("  m: {use: waiting}", classes=classes, overrides={"m.waits": "{0.6: 300"})
    assert "m: waits takes dict[float, duration], not '{0.6: 300' (str)" in wrong
