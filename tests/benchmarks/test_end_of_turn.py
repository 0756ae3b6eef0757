"""The weights of the end of a turn: fitted as they should be, judged by what they have not seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def script(benchmark: Callable[[str], ModuleType]) -> Any:
    return benchmark("end_of_turn")


def look(script: Any, sound: float, text: str = "Yes.") -> Any:
    return script.Look(sound, text, 1.0)


def test_a_fit_finds_the_weights_that_made_the_truth(script: Any) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(0, [1, 3], (20_000, 2)) + np.array([5, 0])
    truth = random.random(20_000) < 1 / (1 + np.exp(-(-4 + 1.0 * rows[:, 0] - 0.5 * rows[:, 1])))
    assert script.fit(rows, truth.astype(float), 0.01) == pytest.approx([-4, 1, -0.5], abs=0.15)


def test_a_value_that_never_changes_gets_no_weight(script: Any) -> None:
    rows = np.column_stack([np.ones(100), np.repeat([0.0, 1.0], 50)])
    found = script.fit(rows, np.repeat([0.0, 1.0], 50), 1.0)
    assert found[1] == pytest.approx(0)
    assert found[2] > 1


def test_auc_counts_pairs_in_order_and_half_of_the_ties(script: Any) -> None:
    scores, ends = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    assert script.auc(scores, ends) == pytest.approx((2 + 1 + 0.5) / 4)


def test_recording_is_judged_by_weights_fitted_without_it(script: Any) -> None:
    cases = [script.Case("a", look(script, 0.9), False), script.Case("a", look(script, 0.1), True)]
    cases += [script.Case("b", look(script, p), p > 0.5) for p in (0.1, 0.2, 0.8, 0.9)]
    weights = script.without_each(cases, ("sound",), 1.0)
    assert weights.keys() == {"a", "b"}
    assert weights["a"]["sound"] > 0, "by b alone"
    assert weights["b"]["sound"] < 0, "by a alone"


def test_first_pause_after_the_end_is_a_case_and_unlabelled_pauses_are_not(
    script: Any,
) -> None:
    pauses = [(at, look(script, 0.5)) for at in (1.1, 2.0, 5.2, 6.0)]
    closed = script.Clip(Path("a.flac"), "call1", ((1.0, 1.6),), 5.0)
    assert [case.end for case in script.cases_of(closed, "r", pauses)] == [False, False, True]
    open_end = script.Clip(Path("a.flac"), "call1", ((1.0, 1.6),), None)
    assert [case.end for case in script.cases_of(open_end, "r", pauses)] == [False]


def test_fused_judges_by_the_sound_until_the_transcript_is_here(script: Any) -> None:
    judge = script.judge_of("fused", {"bias": 1.0}, {"bias": -1.0})
    ((soon_ms, _),) = judge(look(script, 0.5))
    assert soon_ms == 100
    (early_ms, alone), (late_ms, both) = judge(script.Look(0.5, "Yes.", 9.0))
    assert (early_ms, late_ms) == (160, 220)
    assert alone < 0.5 < both
    ((_, unheard),) = judge(look(script, 0.5, text=""))
    assert unheard == alone


def test_a_table_is_written_as_pairs(script: Any) -> None:
    assert script.table_of("0.6:250 0:1300") == {0.6: "250ms", 0.0: "1300ms"}


def test_recordings_are_named_by_source_and_path(script: Any, tmp_path: Path) -> None:
    (tmp_path / "manifest.tsv").write_text(
        "file\tsource\tpath\ndev/a.flac\tone\tx.wav\ndev/b.flac\ttwo\tx.wav\n"
    )
    assert script.recordings_of(tmp_path) == {"a.flac": "one x.wav", "b.flac": "two x.wav"}
