"""A lock that counts who waits for it."""

from __future__ import annotations

import threading
import time

import pytest

from tests.stand_ins import PATIENCE_S
from vflow_nodes.lib.turnstile import Turnstile


def test_who_waits_is_counted_until_they_are_let_in() -> None:
    turnstile = Turnstile()
    inside: list[int] = []

    def enter() -> None:
        with turnstile:
            inside.append(1)

    with turnstile:
        assert turnstile.queue() == {
            "waiting": 0,
            "oldest_s": 0.0,
            "waits": 1,
            "waited_s": pytest.approx(0, abs=1),
        }
        threads = [threading.Thread(target=enter) for _ in range(3)]
        for thread in threads:
            thread.start()
        until_s = time.monotonic() + PATIENCE_S
        while turnstile.queue()["waiting"] < 3:
            assert time.monotonic() < until_s
            time.sleep(0.001)
        assert turnstile.queue()["oldest_s"] > 0
        assert not inside
    for thread in threads:
        thread.join(PATIENCE_S)
    queue = turnstile.queue()
    assert (queue["waiting"], queue["oldest_s"], queue["waits"], len(inside)) == (0, 0.0, 4, 3)
    assert queue["waited_s"] > 0


def test_error_inside_lets_the_next_one_in() -> None:
    turnstile = Turnstile()
    with pytest.raises(ValueError, match="inside"), turnstile:
        raise ValueError("inside")
    with turnstile:
        pass
    assert turnstile.queue()["waits"] == 2
