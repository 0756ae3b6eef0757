"""The result of work reaches whoever waits for it."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from vflow_nodes.lib.decode.task import answer


def leave(*args: Any) -> Any:
    raise SystemExit(3)


def test_the_result_or_error_of_work_goes_to_its_future() -> None:
    whole, broken, left = Future[int](), Future[float](), Future[int]()
    answer(whole, lambda: 7)
    answer(broken, lambda: 1 / 0)
    answer(left, leave)
    assert whole.result(0) == 7
    with pytest.raises(ZeroDivisionError):
        broken.result(0)
    with pytest.raises(SystemExit):
        left.result(0)


def test_cancelled_work_does_not_run() -> None:
    future = Future[Any]()
    assert future.cancel()
    answer(future, leave)
    assert future.cancelled()


def test_callback_that_raises_systemexit_does_not_lose_the_result() -> None:
    whole, broken = Future[int](), Future[float]()
    whole.add_done_callback(leave)
    broken.add_done_callback(leave)
    answer(whole, lambda: 7)
    answer(broken, lambda: 1 / 0)
    assert whole.result(0) == 7
    assert isinstance(broken.exception(0), ZeroDivisionError)
