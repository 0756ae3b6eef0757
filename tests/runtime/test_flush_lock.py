from __future__ import annotations

import threading

import pytest

from tests.stand_ins import PATIENCE_S
from vflow import VflowError
from vflow.runtime.flush_lock import FlushLock


def test_broken_open_lock_lets_others_in_and_is_not_freed_twice() -> None:
    lock, held, leave = FlushLock(), threading.Event(), threading.Event()
    log: list[str] = []

    def hangs() -> None:
        with lock:
            held.set()
            assert leave.wait(PATIENCE_S)
        log.append("left")

    hung = threading.Thread(target=hangs)
    hung.start()
    assert held.wait(PATIENCE_S)
    lock.break_open()
    with lock:
        leave.set()
        hung.join(PATIENCE_S)
        assert log == ["left"]
        assert lock.mine, "whoever lost the lock has not freed it"
    with lock:
        assert lock.mine


def test_a_lock_knows_the_thread_that_holds_it() -> None:
    lock, mine = FlushLock(), []
    with lock:
        other = threading.Thread(target=lambda: mine.append(lock.mine))
        other.start()
        other.join(PATIENCE_S)
        mine.append(lock.mine)
    assert mine == [False, True]
    assert not lock.mine


def test_breaking_a_free_lock_changes_nothing() -> None:
    lock = FlushLock()
    lock.break_open()
    with lock:
        assert lock.mine


def test_thread_that_lost_the_lock_may_leave_before_another_takes_it() -> None:
    lock, held, leave = FlushLock(), threading.Event(), threading.Event()
    log: list[str] = []

    def hangs() -> None:
        with lock:
            held.set()
            assert leave.wait(PATIENCE_S)
        log.append("left")

    hung = threading.Thread(target=hangs)
    hung.start()
    assert held.wait(PATIENCE_S)
    lock.break_open()
    leave.set()
    hung.join(PATIENCE_S)
    assert log == ["left"]
    with lock:
        assert lock.mine


def test_a_thread_that_holds_the_lock_may_not_take_it_again() -> None:
    lock = FlushLock()
    with lock, pytest.raises(VflowError, match=r"drop\(\)"), lock:
        pytest.fail("it would wait for itself")
    with lock:
        assert lock.mine
