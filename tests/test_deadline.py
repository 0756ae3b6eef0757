"""A deadline for a call that may hang: what it returns, raises, and leaves behind."""

from __future__ import annotations

import sys
import threading

import pytest

from tests.stand_ins import PATIENCE_S
from vflow import call_within


def running(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_the_result_is_the_calls_and_its_thread_has_ended() -> None:
    assert call_within(PATIENCE_S, threading.current_thread, "it", "device:ask").name == "vflow:device:ask"
    assert running("vflow:device:ask") == []


def test_error_of_the_call_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        call_within(None, lambda: 1 // 0, "it")


def test_a_call_cannot_end_the_process() -> None:
    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        call_within(PATIENCE_S, lambda: sys.exit(3), "it")


def test_call_that_hangs_is_named_and_abandoned() -> None:
    go = threading.Event()
    try:
        with pytest.raises(TimeoutError, match=r"^the card has not answered for 0\.01 s$"):
            call_within(0.01, go.wait, "the card")
        (left,) = running("vflow:the card")
        assert left.daemon
    finally:
        go.set()
    left.join(PATIENCE_S)
    assert running("vflow:the card") == []


def test_a_timeout_of_the_calls_own_is_not_taken_for_the_deadline() -> None:
    def gives_up() -> None:
        raise TimeoutError("gave up")

    with pytest.raises(TimeoutError, match=r"^gave up$"):
        call_within(PATIENCE_S, gives_up, "it")
