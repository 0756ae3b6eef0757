"""The scenes of a television beside a user are mixed as said, and their outcome is counted as defined."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

RATE = 16_000


@pytest.fixture
def script(benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Any:
    made: Any = benchmark("foreground")
    monkeypatch.setattr(made, "power", lambda samples: float(np.mean(np.square(samples))))
    return made


def test_the_television_plays_as_far_below_the_user_as_said(script: Any) -> None:
    known, television = np.full(RATE, 0.1, np.float32), np.full(24 * RATE, 0.5, np.float32)
    mixed = script.scene(known, np.zeros(RATE, np.float32), television, 20.0)
    assert mixed.television_s == 3.0
    assert mixed.samples[4 * RATE] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("turns", "false", "glued", "clipped", "missed"),
    [
        ([(0.0, 1.0, 1.5), (10.0, 12.0, 12.5)], 0, [0.0], 0, 0),
        ([(9.0, 13.5, 14.0)], 0, [2.5], 0, 0),
        ([(4.0, 8.0, 8.5), (10.3, 12.0, 12.5)], 1, [0.0], 1, 0),
        ([(4.0, 8.0, 8.5)], 1, [], 1, 1),
    ],
)
def test_turns_are_the_user_s_or_false(
    script: Any,
    monkeypatch: pytest.MonkeyPatch,
    turns: list[tuple[float, float, float]],
    false: int,
    glued: list[float],
    clipped: int,
    missed: int,
) -> None:
    monkeypatch.setattr(script, "turns_of", lambda windows, foreground: turns)
    tally = script.Tally()
    script.judge(tally, script.Scene(np.zeros(1, np.float32), 3.0, (10.0, 12.0)), [], 9.0)
    assert (tally.false_turns, tally.glued_s) == ([false], glued)
    assert (tally.clipped, tally.missed) == (clipped, missed)
