"""Verdicts: which pause they judge, and when it is too late for one."""

from __future__ import annotations

import pytest

from vflow import MS, Pause
from vflow_nodes.lib.verdicts import too_old, verdict

PAUSE = Pause(turn=3, pts_ns=700 * MS)


@pytest.mark.parametrize(("finished", "text"), [(0.0, "goes on"), (0.49, "goes on"), (0.5, "finished")])
def test_a_verdict_names_its_pause_and_its_probability(finished: float, text: str) -> None:
    made = verdict(PAUSE, finished)
    assert (made.text, made.turn, made.pts_ns) == (text, 3, 700 * MS)
    assert made.meta == {"finished": finished}


def test_a_pause_is_judged_within_half_a_second() -> None:
    assert not too_old(PAUSE, PAUSE.pts_ns + 500 * MS)
    assert too_old(PAUSE, PAUSE.pts_ns + 501 * MS)
