"""Properties: conversion, bounds, units, and what is said of a wrong value."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow import Duration, Node, PropertyError, prop
from vflow.props import (
    LONGEST_NS,
    Prop,
    convert,
    convert_all,
    duration_ns,
    duration_text,
    props_of,
    type_text,
    value_text,
)


class Base(Node):
    factor: float = prop(1.0, ge=0, le=16, doc="gain")


class Sample(Base):
    wait: Duration = prop("20ms", ge="10ms", le="1s")
    limit: Duration | None = prop(None)
    count: int = prop(3, ge=1)
    mode: Literal["fast", "slow"] = prop("fast")
    kind: str = prop("a", choices=("a", "bee"))
    on: bool = prop(False)
    names: list[str] = prop(())


def make(**values: Any) -> Sample:
    return Sample(**values)


def test_defaults_are_read_in_the_nodes_units() -> None:
    node = make()
    assert (node.factor, node.wait, node.limit, node.count, node.mode) == (1.0, 20_000_000, None, 3, "fast")


def test_values_are_converted() -> None:
    node = make(factor=2, wait="1s", limit="1.5ms", names=["x"], on=True, mode="slow", kind="bee")
    assert (node.factor, node.wait, node.limit, node.names) == (2.0, 1_000_000_000, 1_500_000, ["x"])
    assert (node.on, node.mode, node.kind) == (True, "slow", "bee")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"factr": 1}, "no property 'factr'; did you mean 'factor'?"),
        ({"xyzzy": 1}, "no property 'xyzzy'; known: factor, wait, limit, count, mode, kind, on, names"),
        ({"factor": "loud"}, "factor takes float, not 'loud' (str)"),
        ({"factor": None}, "factor takes float, not null"),
        ({"factor": 17}, "factor is 17, out of range; at least 0 and at most 16"),
        ({"factor": float("nan")}, "factor is nan, out of range; at least 0 and at most 16"),
        ({"wait": 20}, "wait: 20 is not a duration; write 20ms or 20s"),
        ({"wait": "20"}, "wait: '20' is not a duration; write it as 480ms or 1.5s"),
        ({"wait": float("inf")}, "wait: inf is not a duration; write it as 480ms or 1.5s"),
        ({"wait": True}, "wait: True is not a duration; write it as 480ms or 1.5s"),
        ({"wait": "5ms"}, "wait is '5ms', out of range; at least 10ms and at most 1s"),
        ({"count": 1.5}, "count takes int, not 1.5 (float)"),
        ({"count": True}, "count takes int, not True (bool)"),
        ({"count": 0}, "count is 0, out of range; at least 1"),
        ({"mode": "slwo"}, "mode takes fast | slow, not 'slwo' (str); did you mean 'slow'?"),
        ({"kind": "be"}, "kind is one of a, bee; not 'be'; did you mean 'bee'?"),
        ({"on": "yes"}, "on takes bool, not 'yes' (str); write true or false"),
        ({"names": [1]}, "names takes list[str], not [1] (list)"),
        ({"count": "x" * 999}, f"count takes int, not '{'x' * 59}... (1001 characters) (str)"),
    ],
)
def test_a_wrong_value_is_told_with_what_mends_it(values: dict[str, Any], message: str) -> None:
    with pytest.raises(PropertyError) as info:
        make(**values)
    assert str(info.value) == message


def test_the_properties_of_the_bases_come_first() -> None:
    assert list(props_of(Sample))[:2] == ["factor", "wait"]


def test_types_and_values_print_as_a_graph_file_has_them() -> None:
    declared = props_of(Sample)
    assert [type_text(declared[name]) for name in ("wait", "limit", "mode", "kind", "names")] == [
        "duration",
        "duration",
        "fast | slow",
        "a | bee",
        "list[str]",
    ]
    assert value_text(declared["wait"], 20_000_000) == "20ms"
    assert value_text(declared["on"], False) == "false"
    assert value_text(declared["limit"], None) == "null"


def test_units() -> None:
    texts = ("1us", "1ms", "1s", "1min", "1m", "1h", " 1.5 s ")
    assert [duration_ns(t) for t in texts] == [
        10**3,
        10**6,
        10**9,
        60 * 10**9,
        60 * 10**9,
        3600 * 10**9,
        1_500_000_000,
    ]
    assert duration_ns(0) == 0


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_survives_being_written(us: int) -> None:
    assert duration_ns(duration_text(us * 1000)) == us * 1000


def test_a_property_that_is_absent_on_purpose_is_told_with_the_reason() -> None:
    class Whole(Sample):
        absent: ClassVar = {"factr": "it was never one"}

    errors = dict[str, PropertyError]()
    convert_all(Whole, {"factr": 1, "xyzzy": 1}, errors.__setitem__)
    assert str(errors["factr"]) == "no property 'factr': it was never one; leave it out"
    assert str(errors["xyzzy"]).startswith("no property 'xyzzy'; known: factor, ")


@pytest.mark.parametrize("text", ["9" * 400 + "s", "9" * 5000 + "h", "8761h"])
def test_a_duration_that_no_clock_counts_to_is_refused(text: str) -> None:
    with pytest.raises(PropertyError):
        duration_ns(text)


def test_a_year_is_a_duration() -> None:
    assert duration_ns("8760h") == LONGEST_NS


@pytest.mark.parametrize("value", [10**400, -(10**99), 2**63, float("inf"), float("nan"), 1e300])
@pytest.mark.parametrize("kind", [int, float])
def test_a_number_that_overflows_is_refused(kind: type, value: float) -> None:
    declaration = Prop(0, None, None, (), "", "", False, "", "n", kind)
    with pytest.raises(PropertyError):
        convert(declaration, value)


class Levels(Node):
    levels: dict[str, float] = prop({}, ge=-120, le=40)


@pytest.mark.parametrize("level", [40.5, -121, float("inf"), float("nan"), 1e300])
def test_each_value_of_a_mapping_is_bounded(level: float) -> None:
    assert Levels(levels={"a": 40, "b": -120}).levels == {"a": 40.0, "b": -120.0}
    with pytest.raises(PropertyError, match=r"levels is .* out of range; at least -120 and at most 40"):
        Levels(levels={"a": 0, "b": level})


class Waits(Node):
    waits: dict[float, Duration] = prop({0.5: "250ms", 0.0: "1s"}, ge="64ms", le="10s")


def test_a_mapping_to_durations() -> None:
    assert Waits().waits == {0.5: 250_000_000, 0.0: 1_000_000_000}
    assert Waits(waits={1: "64ms"}).waits == Waits(waits={"1": "64ms"}).waits == {1.0: 64_000_000}
    declared = props_of(Waits)["waits"]
    assert type_text(declared) == "dict[float, duration]"
    assert value_text(declared, Waits().waits) == "{0.5: 250ms, 0.0: 1s}"


@pytest.mark.parametrize(
    ("waits", "message"),
    [
        ({0.5: 250}, "waits: 250 is not a duration; write 250ms or 250s"),
        ({0.5: "63ms"}, "waits is {0.5: '63ms'}, out of range; at least 64ms and at most 10s"),
        ({"half": "1s"}, "waits takes dict[float, duration], not {'half': '1s'} (dict)"),
        ("1s", "waits takes dict[float, duration], not '1s' (str)"),
    ],
)
def test_value_that_is_not_a_mapping_to_durations_is_refused(waits: Any, message: str) -> None:
    with pytest.raises(PropertyError) as info:
        Waits(waits=waits)
    assert str(info.value) == message


def test_a_plain_attribute_that_is_set_like_a_property_is_to_be_declared() -> None:
    class Louder(Base):
        level = 2.0

        def audio(self) -> None: ...

    with pytest.raises(PropertyError, match=r"no property 'level'; declare it: 'level: float = prop\(2.0\)'"):
        Louder(level=3.0)
    for name in ("heavy", "audio", "process"):
        with pytest.raises(PropertyError, match=f"no property '{name}'; known: factor"):
            Louder(**{name: True})
