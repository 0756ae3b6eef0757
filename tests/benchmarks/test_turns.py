"""Turns held against what is true of them: cut pauses, delays, intervals, and where clips are read from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def turns(benchmark: Callable[[str], ModuleType]) -> Any:
    return benchmark("turns")


def test_an_interval_of_a_share_is_wilsons(turns: Any) -> None:
    assert turns.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    low, high = turns.wilson(0, 20)
    assert low == pytest.approx(0)
    assert high == pytest.approx(0.1611, abs=1e-4)


def test_a_decision_within_a_pause_cuts_and_one_after_the_end_has_a_delay(turns: Any) -> None:
    clip = turns.Clip(Path("a.flac"), "call1", ((1.0, 1.6), (3.0, 3.2)), 5.0)
    outcome = turns.judged(clip, [1.5, 5.48], True)
    assert (outcome.pauses_cut, outcome.delay_ms, outcome.found) == (1, pytest.approx(480), True)
    assert turns.judged(clip, [1.6], True).pauses_cut == 0, "the speaker had gone on"
    assert turns.judged(clip, [], False).delay_ms is None
    open_end = turns.Clip(Path("a.flac"), "call1", (), None)
    assert turns.judged(open_end, [5.48], True).delay_ms is None


def test_clips_are_read_with_their_silences(turns: Any, tmp_path: Path) -> None:
    (tmp_path / "manifest.tsv").write_text("file\tkind\na.flac\tquery\nb.flac\tread\n")
    (tmp_path / "pauses.tsv").write_text(
        "file\tsilence_from_s\tnext_sound_s\tlabel\na.flac\t1.5\t1.9\tinner\na.flac\t4.25\t\tend\n"
    )
    first, second = turns.clips_of(tmp_path)
    assert (first.file, first.kind, first.inner, first.end_s) == (
        tmp_path / "a.flac", "query", ((1.5, 1.9),), 4.25
    )  # fmt: skip
    assert (second.inner, second.end_s) == ((), None)
