"""Whatever a node posts becomes valid JSON, with what was lost said in words."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from vflow.report.json_values import MAX_TEXT, MAX_VALUES, count_of, plain, text_of, whole


class Sour:
    def __repr__(self) -> str:
        raise ValueError("no")


class Leaving:
    def __str__(self) -> str:
        raise SystemExit(3)


class Torn(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise OSError("gone")

    def __iter__(self) -> Iterator[str]:
        yield "a"

    def __len__(self) -> int:
        return 1


class Endless(Mapping[int, int]):
    def __getitem__(self, key: int) -> int:
        return key

    def __iter__(self) -> Iterator[int]:
        return iter(range(10**9))

    def __len__(self) -> int:
        return 10**9


def parsed(value: object) -> Any:
    """Return a value after a round trip through strict JSON, which has no NaN."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    return json.loads(json.dumps(plain(value)[0], allow_nan=False), parse_constant=refuse)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.float64(2.5), 2.5),
        ({"a": (1, 2), "b": deque([3]), "c": {4}}, {"a": [1, 2], "b": [3], "c": [4]}),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        ({1: "a", "1": "b"}, {"1": "a", "1'": "b"}),
        ({1: "a", "1'": "b", "1": "c", np.int64(2): "d"}, {"1": "a", "1'": "b", "1'2": "c", "2": "d"}),
        ("é\udc80", "é\udc80"),
    ],
)
def test_values_of_json_are_converted_without_loss(value: object, expected: object) -> None:
    assert parsed(value) == expected
    assert plain(value)[1] == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (np.float32("inf"), None),
        (np.array([np.nan, 1.0]), [None, 1.0]),
        (b"ab\xff", "ab\ufffd"),
        (1 + 2j, "(1+2j)"),
        (Sour(), "a Sour whose text raises ValueError"),
        (
            {Sour(): Leaving()},
            {"a Sour whose text raises ValueError": "a Leaving whose text raises SystemExit"},
        ),
        pytest.param(10**5000, "a number of 16,610 bits", id="digits"),
        (np.datetime64("nat"), None),
    ],
)
def test_values_outside_json_become_text_or_null_and_are_reported(value: object, expected: object) -> None:
    assert parsed(value) == expected
    assert plain(value)[1] or expected is None


def test_a_mapping_that_raises_is_text() -> None:
    assert isinstance(parsed(Torn()), str)
    assert "raises OSError" in plain(Torn())[1][0]


def test_a_cycle_is_cut_where_it_closes() -> None:
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = [cycle]
    assert parsed(cycle) == {"a": 1, "self": ["..."]}
    assert plain(cycle)[1] == ["a cycle"]


def test_depth_number_and_length_are_bounded() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert json.dumps(plain(deep)[0]).count("[") < 50
    assert len(parsed(list(range(10**6)))) < MAX_VALUES
    assert len(parsed(Endless())) < MAX_VALUES
    assert parsed(np.zeros(10**6)) == "..."
    assert len(parsed("x" * 10**7)) < MAX_TEXT + 100
    for value in (deep, list(range(10**6)), Endless(), np.zeros(10**6), "x" * 10**7):
        assert plain(value)[1]


def test_keys_with_one_text_are_kept_apart_by_short_names() -> None:
    class Key:
        def __str__(self) -> str:
            return "key"

    found = parsed({Key(): number for number in range(2000)})
    assert list(found.values()) == list(range(2000))
    assert max(map(len, found)) < 10


def test_a_text_is_left_as_it_is() -> None:
    assert text_of("words") == "words"


class Interrupting:
    def __str__(self) -> str:
        raise KeyboardInterrupt


def test_an_interrupt_that_a_value_raises_in_its_own_thread_is_told() -> None:
    with ThreadPoolExecutor() as pool:
        made = pool.submit(plain, [Interrupting(), {Interrupting(): 1}]).result()
    text = "a Interrupting whose text raises KeyboardInterrupt"
    assert made[0] == [text, {text: 1}]


def test_an_interrupt_in_the_main_thread_is_the_users_and_is_passed_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        plain(Interrupting())


@pytest.mark.parametrize(("value", "error"), [("1", TypeError), (1.5, TypeError), (1 << 63, ValueError)])
def test_a_whole_number_is_one_and_no_larger_than_any_moment(value: object, error: type[Exception]) -> None:
    assert whole(np.int64(7)) == 7
    with pytest.raises(error):
        whole(value)


def test_a_count_may_be_a_float_that_is_whole() -> None:
    assert [count_of(value) for value in (3, 3.0, np.float32(3), np.int64(3))] == [3, 3, 3, 3]
    for wrong in ("3", 3.5, None):
        with pytest.raises(TypeError):
            count_of(wrong)
