"""The wait of a silence, by verdicts on it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from vflow import MS
from vflow.conversation import ANSWERS
from vflow_nodes.lib.end_wait import EndWait

WAITS = {0.3: 480 * MS, 0.6: 250 * MS, 0.0: 1300 * MS}


def rated(*verdicts: tuple[int, float], pause_ns: int = 7) -> int:
    wait = EndWait(500 * MS, WAITS)
    wait.pause(pause_ns)
    assert not any(wait.rate(*verdict) for verdict in verdicts)
    return wait.ns // MS


def test_a_silence_that_nobody_rates_has_the_plain_wait() -> None:
    assert rated() == 500


@pytest.mark.parametrize(
    ("finished", "ms"),
    [(1.0, 250), (0.6, 250), (0.599, 480), (0.3, 480), (0.29, 1300), (0.0, 1300), (1, 250)],
)
def test_the_highest_bound_that_a_verdict_reaches_gives_the_wait(finished: float, ms: int) -> None:
    assert rated((7, finished)) == ms


def test_below_all_bounds_the_plain_wait_stays() -> None:
    wait = EndWait(500 * MS, {0.6: 250 * MS})
    wait.pause(7)
    wait.rate(7, 0.5)
    assert wait.ns == 500 * MS


def test_the_newest_verdict_counts() -> None:
    assert rated((7, 0.9), (7, 0.1)) == 1300


def test_a_verdict_on_another_pause_changes_nothing() -> None:
    assert rated((6, 0.9)) == 500
    assert rated((7, 0.9), (6, 0.1)) == 250


def test_the_next_silence_begins_with_the_plain_wait() -> None:
    wait = EndWait(500 * MS, WAITS)
    wait.pause(7)
    wait.rate(7, 0.9)
    wait.over()
    assert wait.ns == 500 * MS
    wait.rate(7, 0.1)
    assert wait.ns == 500 * MS


def test_digits_are_waited_for_and_a_yes_is_not() -> None:
    wait = EndWait(480 * MS, WAITS)
    found = {}
    for kind in ("phone", "number", "email", "name", "yes_no", ""):
        wait.begin(kind, goes_on=False)
        found[kind] = [wait.ns // MS]
        for finished in (0.9, 0.1):
            wait.pause(7)
            wait.rate(7, finished)
            found[kind].append(wait.ns // MS)
    assert found == {
        "phone": [1500, 1500, 1500],
        "number": [1500, 1500, 1500],
        "email": [1500, 1500, 1500],
        "name": [800, 800, 1300],
        "yes_no": [400, 250, 400],
        "": [480, 250, 1300],
    }
    assert {*found} == {*ANSWERS, ""}


def test_after_each_false_end_the_turn_is_waited_for_longer_and_expected_as_before() -> None:
    wait = EndWait(480 * MS, WAITS)
    found = []
    for goes_on in (False, True, True, True, False):
        wait.begin("", goes_on)
        found.append(wait.ns // MS)
    assert found == [480, 720, 1080, 1080, 480]
    wait.pause(7)
    wait.rate(7, 0.1)
    assert wait.ns == 1300 * MS
    wait.begin("", goes_on=True)
    wait.pause(7)
    wait.rate(7, 0.1)
    assert wait.ns == 1500 * MS
    wait.begin("phone", goes_on=False)
    wait.begin("", goes_on=True)
    assert wait.ns == 1500 * MS
    wait.begin("", goes_on=False)
    assert wait.ns == 480 * MS


@pytest.mark.parametrize("finished", [None, "0.9", -0.1, 1.1, math.nan, math.inf])
def test_invalid_probability_is_reported_and_ignored(finished: Any) -> None:
    wait = EndWait(500 * MS, WAITS)
    wait.pause(7)
    assert repr(finished) in wait.rate(7, finished)
    assert wait.ns == 500 * MS


def test_other_waits_hold_from_the_next_silence_on() -> None:
    wait = EndWait(500 * MS, WAITS)
    wait.bound(900 * MS, {0.5: 100 * MS})
    wait.begin("", False)
    assert wait.ns == 900 * MS
    wait.pause(7)
    wait.rate(7, 0.6)
    assert wait.ns == 100 * MS
