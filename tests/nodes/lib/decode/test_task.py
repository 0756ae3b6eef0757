"""The result of work reaches whoever waits for it."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from tests.nodes.lib.decode.models import Scripted
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.scheduler import Job
from vflow_nodes.lib.decode.task import Task, answer
from vflow_nodes.lib.decode.vocabulary import Vocabulary


def leave(*args: Any) -> Any:
    raise SystemExit(3)


def test_what_work_returns_or_raises_goes_to_its_future() -> None:
    whole, broken, left = Future[int](), Future[float](), Future[int]()
    answer(whole, lambda: 7)
    answer(broken, lambda: 1 / 0)
    answer(left, leave)
    assert whole.result(0) == 7
    with pytest.raises(ZeroDivisionError):
        broken.result(0)
    with pytest.raises(SystemExit):
        left.result(0)


def test_work_that_was_cancelled_is_not_done() -> None:
    future = Future[Any]()
    assert future.cancel()
    answer(future, leave)
    assert future.cancelled()


def test_a_callback_that_exits_leaves_the_result() -> None:
    whole, broken = Future[int](), Future[float]()
    whole.add_done_callback(leave)
    broken.add_done_callback(leave)
    answer(whole, lambda: 7)
    answer(broken, lambda: 1 / 0)
    assert whole.result(0) == 7
    assert isinstance(broken.exception(0), ZeroDivisionError)


@pytest.mark.parametrize(("least", "told"), [(3, [1, 2, 2, 3]), (0, [])])
def test_the_device_is_told_the_words_of_a_script_without_spaces(least: int, told: list[int]) -> None:
    pieces = [text.encode() for text in ("Hi ", "你好", "，世", "界")]
    words, sampling = Vocabulary(pieces, frozenset()), Sampling(min_words=least)
    reply = Reply(words, sampling, 9, one_line=False, on_taken=lambda reply: None)
    task, device = Task(Job(1, [0], slot=0), Prompt([0]), reply), Scripted(len)
    for token in (1, 2, 3, 0):
        task.count(token, words, device)
    assert [words for what, _, words in device.log] == told
