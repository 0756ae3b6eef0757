"""Cut replies are counted as defined, and silence through the real nodes cuts none."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def script(benchmark: Callable[[str], ModuleType]) -> Any:
    return benchmark("backchannels")


def test_a_long_hole_counts_as_a_cut_and_a_short_one_does_not(script: Any) -> None:
    assert script.Fate("a", cut_ms=500.0).cut
    assert script.Fate("a", holes_ms=[96.0, 320.0]).cut
    assert not script.Fate("a", silent_ms=320.0, holes_ms=[300.0]).cut


def test_figures_count_cut_replies_and_taken_interruptions(script: Any) -> None:
    assents = [
        script.Fate("a", cut_ms=500.0),
        script.Fate("b", holes_ms=[96.0]),
        script.Fate("c"),
        script.Fate("d"),
    ]
    queries = [script.Fate("e", silent_ms=300.0, cut_ms=400.0), script.Fate("f")]
    found = script.summary(assents, queries)
    assert (found["cut"], found["backchannels"], found["longest_hole_ms"]) == (1, 4, 96.0)
    assert (found["taken"], found["interruptions"]) == (1, 2)
    assert (found["silent_ms"], found["flush_ms"]) == ([300.0, 300.0], [400.0, 400.0])


def test_silence_over_a_reply_leaves_it_alone(script: Any) -> None:
    fate = script.spoken_over("silence", np.zeros(8000, np.float32), False)
    assert (fate.cut, fate.onset_ns) == (False, -1)
