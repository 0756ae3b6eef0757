"""The bell: signals and threads ring it, and no ring is lost."""

from __future__ import annotations

import os
import signal
import threading

from vflow.cli.signals import DONE, SignalWaiter


def test_a_signal_rings_with_its_number() -> None:
    with SignalWaiter() as bell:
        os.kill(os.getpid(), signal.SIGINT)
        assert bell.wait(10) == signal.SIGINT


def test_a_thread_rings_done() -> None:
    with SignalWaiter() as bell:
        threading.Thread(target=bell.ring).start()
        assert bell.wait(10) == DONE


def test_nothing_rings_within_the_timeout() -> None:
    with SignalWaiter() as bell:
        assert bell.wait(0.01) is None


def test_other_signals_are_passed_over() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with SignalWaiter() as bell:
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGTERM)
            assert bell.wait(10) == signal.SIGTERM
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_handlers_of_before_are_restored_and_a_late_ring_is_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    with SignalWaiter() as bell:
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    bell.ring()
