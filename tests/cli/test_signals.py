"""The waiter: signals and threads wake it, and none is missed."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from vflow.cli.signals import DONE, SignalWaiter


def test_a_signal_is_returned_by_its_number() -> None:
    with SignalWaiter() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.wait(10) == signal.SIGINT


def test_a_thread_wakes_it_with_done() -> None:
    with SignalWaiter() as signals:
        threading.Thread(target=signals.wake).start()
        assert signals.wait(10) == DONE


def test_nothing_comes_within_the_timeout() -> None:
    with SignalWaiter() as signals:
        assert signals.wait(0.01) is None


def test_other_signals_are_passed_over() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with SignalWaiter() as signals:
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGTERM)
            assert signals.wait(10) == signal.SIGTERM
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_handlers_of_before_are_restored_and_to_wake_it_late_is_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    with SignalWaiter() as signals:
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    signals.wake()


def test_a_look_without_waiting_finds_nothing() -> None:
    with SignalWaiter() as signals:
        assert signals.wait(0) is None


def test_a_closed_terminal_is_a_signal_unless_it_is_ignored() -> None:
    with SignalWaiter() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.wait(10) == signal.SIGHUP
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with SignalWaiter() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            assert signals.wait(10) == signal.SIGTERM
    finally:
        signal.signal(signal.SIGHUP, before)


def test_second_signal_raises_while_nobody_waits() -> None:
    with SignalWaiter() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.came == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGINT)
        signals.raises = True
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert signals.came == [signal.SIGTERM, signal.SIGINT, signal.SIGINT]


def test_with_raises_the_first_signal_raises_nothing() -> None:
    with SignalWaiter() as signals:
        signals.raises = True
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.came == [signal.SIGINT]
