"""Shares with intervals, and the baseline that they are held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.battery.made import played, scene
from vflow.bench.battery.battery_run import SceneResult
from vflow.bench.battery.outcome import Outcome, Verdict
from vflow.bench.battery.shares import Share, baseline_of, read_baseline, shares, wilson, worse
from vflow.errors import GraphError


def result(kind: str, verdict: Verdict) -> SceneResult:
    return SceneResult(played(scene(kind), (1000,)), Outcome(verdict), "01.wav")


def test_wilson_gives_the_published_interval() -> None:
    # Source: Newcombe 1998, Statistics in Medicine 17, 857: 81 of 263, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 0) == (0, 1)


def test_shares_are_by_kind_and_of_all_without_what_was_not_judged() -> None:
    verdicts = (Verdict.OK, Verdict.TURN_CUT, Verdict.NOT_JUDGED)
    found = shares([*(result("pause", v) for v in verdicts), result("noise", Verdict.OK)])
    assert [(share.kind, share.ok, share.of) for share in found] == [
        ("pause", 1, 2), ("noise", 1, 1), ("all", 2, 3),
    ]  # fmt: skip
    assert found[0].faults == {"turn cut": 1, "not judged": 1}
    assert found[0].as_dict()["low"] == round(wilson(1, 2)[0], 4)


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    file.write_text(baseline_of([Share("pause", 3, 4)], fast=True))
    assert read_baseline(str(file), fast=True) == {"pause": Share("pause", 3, 4)}


def test_a_share_is_worse_below_the_interval_of_the_baseline_and_not_within() -> None:
    before = {"noise": Share("noise", 10, 10)}  # from 72 % on
    assert list(worse([Share("noise", 8, 10)], before)) == []
    assert list(worse([Share("noise", 7, 10)], before)) == [
        "noise: 7 of 10 ok, in the baseline 10 of 10 (72% to 100%)"
    ]


def test_a_kind_that_is_not_judged_any_more_is_worse() -> None:
    before = {"noise": Share("noise", 3, 4)}
    for found in ([], [Share("noise", 0, 0)]):
        (line,) = worse(found, before)
        assert line == "noise: no scene was judged; 3 of 4 were ok in the baseline"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("{", "is no JSON"),
        ("[]", "is no baseline of a battery"),
        ('{"battery": 2}', "is no baseline of a battery"),
        ('{"battery": 1, "time": "real", "kinds": {}}', "was made in real time"),
        ('{"battery": 1, "time": "virtual", "kinds": {"pause": {"ok": 3, "of": 2}}}', "are no shares"),
        ('{"battery": 1, "time": "virtual", "kinds": {"pause": {"ok": true, "of": 2}}}', "are no shares"),
        ('{"battery": 1, "time": "virtual", "kinds": []}', "are no shares"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused_with_its_mend(
    tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "base.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(GraphError) as raised:
        read_baseline(str(file), fast=True)
    (found,) = raised.value.diagnostics
    assert said in found.message
    assert found.mend
    assert str(found.place) == str(file)
