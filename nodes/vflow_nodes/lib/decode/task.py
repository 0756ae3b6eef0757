"""A job with its prompt and its reply; the counters of all work; and answers to calls."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.reply import Reply, StopReason
from vflow_nodes.lib.decode.scheduler import Job

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Task:
    """A job with its prompt and its reply; `reply` is None for a prompt computed in advance."""

    job: Job
    prompt: Prompt
    reply: Reply | None
    drawn: list[int] = field(default_factory=list)
    begun: bool = False
    asked_s: float = field(default_factory=time.monotonic)

    def take(self, token: int, ends: Collection[int]) -> StopReason | None:
        """Hand a drawn token to the reply. Return why the reply is over; None while it goes on."""
        assert self.reply is not None
        self.drawn.append(token)
        if token in ends:
            return "eos"
        self.reply.put(token)
        if self.reply.spoken.parser.ended:
            return "eos"
        self.job.limit = self.reply.spoken.allowed
        return "limit" if len(self.drawn) >= self.job.limit else None


@dataclass(slots=True)
class Counters:
    """The engine's work since it began. `reused` counts positions of prompts that were in a slot already,
    `waits` the requests that were begun, or waited in vain, and `waited_s` how long these waited in all."""

    steps: int = 0
    tokens: int = 0
    prefilled: int = 0
    reused: int = 0
    replies: int = 0
    cancelled: int = 0
    failed: int = 0
    waits: int = 0
    waited_s: float = 0.0

    def begin(self, task: Task, reused: int) -> None:
        """Note that the work on a task begins, after `reused` positions of its prompt. Later calls do
        nothing."""
        if not task.begun:
            task.begun = True
            self.waited(task)
            self.reused += reused

    def waited(self, task: Task) -> None:
        """Note that a task waits no more."""
        self.waits += 1
        self.waited_s += time.monotonic() - task.asked_s


def answer(future: Future[T], work: Callable[[], T]) -> None:
    """Run `work` and give its result or its error to whoever waits for `future`. Raises nothing: it runs in
    the engine's thread, where sys.exit() in one caller's work or callback would end all replies."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # the caller's work may raise anything; the error is the caller's
        with contextlib.suppress(BaseException):  # raised by a callback of the caller
            future.set_exception(error)
        return
    with contextlib.suppress(BaseException):  # raised by a callback of the caller
        future.set_result(result)
