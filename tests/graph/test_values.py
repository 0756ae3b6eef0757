"""The values of a graph file's keys: what is right is converted, what is wrong is told and replaced."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow import MS, SECOND, QueueOptions
from vflow.errors import Diagnostic
from vflow.graph.graph import Budget, ErrorPolicy
from vflow.graph.values import POLICIES, ValueReader
from vflow.graph.yaml_reader import Value, parse


def value(text: str) -> Value:
    """Parse a value that begins in column 4."""
    found: Value = parse(f"k: {text}\n", "g").data["k"]
    return found


def read(method: str, text: str, *more: Any) -> tuple[Any, list[str]]:
    """Return the result of a reader for a value, and its findings."""
    diagnostics: list[Diagnostic] = []
    made = getattr(ValueReader(diagnostics), method)(value(text), *more)
    return made, [str(d).removeprefix("g:1:4: error: ") for d in diagnostics]


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("fail", ErrorPolicy("fail")),
        ("skip", ErrorPolicy("skip")),
        ("restart", ErrorPolicy("restart")),
        ("{restart: 5}", ErrorPolicy("restart", 5)),
        ("{restart: {max: 2, backoff: 1ms}}", ErrorPolicy("restart", 2, MS)),
        ("{restart: {backoff: 1s}}", ErrorPolicy("restart", backoff_ns=SECOND)),
        ("{}", ErrorPolicy()),
    ],
)
def test_an_error_policy_is_a_word_or_says_how_often_and_how_soon_to_restart(
    text: str, policy: ErrorPolicy
) -> None:
    assert read("on_error", text) == (policy, [])


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("{max: 800ms}", ("speech_end", 800 * MS)),
        ("{from: voice_off, to: first_audio, max: 1s}", ("voice_off", SECOND)),
    ],
)
def test_a_budget_starts_at_speech_end_unless_it_says_otherwise(text: str, budget: tuple[str, int]) -> None:
    made, found = read("budget", text)
    assert isinstance(made, Budget)
    assert (made.start, made.limit_ns) == budget
    assert found == []


def test_a_queue_changes_the_bounds_that_it_names_and_no_others() -> None:
    change, found = read("queue", "{packets: 5, max_age: 3s}", Value(True, value("x").place))
    assert found == []
    bounds = QueueOptions(time_ns=9, policy="error")
    assert change(bounds) == QueueOptions(5, 9, "error", 3 * SECOND, keep=True)
    change, found = read("queue", "{}", None)
    assert change(bounds) == bounds


@pytest.mark.parametrize("policy", POLICIES)
def test_a_queue_takes_every_policy(policy: str) -> None:
    change, found = read("queue", f"{{policy: {policy}}}", None)
    assert found == []
    assert change(QueueOptions()).policy == policy


@pytest.mark.parametrize(
    ("method", "text", "more", "made", "message"),
    [
        ("integer", "0", ("packets", 1), 1, "packets is a whole number of at least 1, not 0"),
        ("integer", "true", ("packets", 1), 1, "packets is a whole number of at least 1, not True"),
        ("integer", "2.5", ("packets", 1), 1, "packets is a whole number of at least 1, not 2.5"),
        ("duration", "0", ("max",), 1, "max is longer than 0"),
        ("duration", "20", ("max",), 1, "max: 20 is not a duration; write 20ms or 20s"),
        ("choice", "leeky", ("policy", ("block", "leaky")), "block",
         "policy is one of block, leaky; not 'leeky'; did you mean 'leaky'?"),
        ("convert", "maybe", (), True, "convert is one of auto, never; not 'maybe'"),
        ("mapping", "[1]", ("nodes", None), {},
         "nodes is a mapping, not a list; write '  name: {use: ...}' below it, a line for each node"),
        ("threads", "5", (), {}, "threads is a mapping, not 5"),
        ("budget", "5", (), None,
         "budget is a mapping, not 5; write '{from: speech_end, to: first_audio, max: 800ms}'"),
        ("budget", "{from: voice_off}", (), None, "a budget has a 'max'; add 'max: 800ms'"),
        ("on_error", "explode", (), ErrorPolicy(), "on_error is one of fail, skip, restart; not 'explode'"),
    ],
)  # fmt: skip
def test_wrong_value_is_reported_once_and_a_value_of_its_type_returned(
    method: str, text: str, more: tuple[Any, ...], made: Any, message: str
) -> None:
    assert read(method, text, *more) == (made, [message])


def test_unknown_key_is_reported_with_the_nearest_and_other_keys_are_read() -> None:
    made, found = read("threads", "{torhc: 1, onnxruntime: 2}")
    assert made["onnxruntime"] == 2
    assert found == ["g:1:5: error: unknown key 'torhc' in threads; did you mean 'torch'?"]


def test_value_from_the_environment_is_shown_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    for method, more in (("integer", ("n", 1)), ("duration", ("d",)), ("choice", ("c", ("a",)))):
        _, found = read(method, '"${SECRET}"', *more)
        assert "${SECRET}" in found[0]
        assert "hunter2" not in found[0]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["max", "restart", "time", "x"]), inner)
    ),
    max_leaves=6,
)


def placed(data: Any) -> Value:
    place = value("x").place
    if isinstance(data, dict):
        return Value({k: placed(v) for k, v in data.items()}, place, keys=dict.fromkeys(data, place))
    return Value([placed(v) for v in data] if isinstance(data, list) else data, place)


@given(JUNK)
def test_any_value_is_read_as_the_type_asked_for_or_reported(junk: Any) -> None:
    diagnostics: list[Diagnostic] = []
    reader, given = ValueReader(diagnostics), placed(junk)
    assert type(reader.integer(given, "n", 1)) is int
    assert reader.duration(given, "d") > 0
    assert reader.choice(given, "c", ("a", "b")) in ("a", "b")
    assert isinstance(reader.on_error(given), ErrorPolicy)
    assert isinstance(reader.budget(given), Budget | None)
    assert isinstance(reader.queue(given, given)(QueueOptions()), QueueOptions)
    assert all(found.message and found.place for found in diagnostics)
