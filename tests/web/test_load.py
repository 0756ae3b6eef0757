"""The load: the share of the cores over the last seconds, by a clock that the test moves."""

from __future__ import annotations

import pytest

from vflow.web.load import Load


class Machine:
    now_s = used_s = 0.0

    def run(self, load: Load, seconds: float, share: float) -> None:
        """Use so much of two cores."""
        for _ in range(round(seconds / 0.25)):
            self.now_s += 0.25
            self.used_s += 0.25 * 2 * share
            load.look()


def test_share_covers_the_last_five_seconds() -> None:
    machine = Machine()
    load = Load(2, lambda: machine.now_s, lambda: machine.used_s)
    assert load.share() == 0
    machine.run(load, 3, 1.0)
    assert load.share() == 0  # not known yet
    machine.run(load, 7, 0.5)
    assert load.share() == pytest.approx(0.5, abs=0.06)
    machine.run(load, 7, 0.95)
    assert load.share() == pytest.approx(0.95, abs=0.06)


def test_share_is_unknown_without_recent_looks() -> None:
    machine = Machine()
    load = Load(2, lambda: machine.now_s, lambda: machine.used_s)
    machine.run(load, 10, 1.0)
    assert load.share() == pytest.approx(1.0)
    machine.now_s += 60
    assert load.share() == 0


def test_the_cores_are_those_that_this_process_may_use() -> None:
    assert Load().cores > 0
    Load().look()
