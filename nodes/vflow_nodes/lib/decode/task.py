"""One job of the engine's with what it computes and whom it answers, the counts of all, and calls."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.scheduler import Job
from vflow_nodes.lib.decode.stepper import Device
from vflow_nodes.lib.decode.vocabulary import TextStream, Vocabulary
from vflow_nodes.lib.decode.words import WordCount

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Task:
    """A job with what it computes and whom it answers; `reply` is None where a prompt is computed ahead."""

    job: Job
    prompt: Prompt
    reply: Reply | None
    drawn: list[int] = field(default_factory=list)
    begun: bool = False
    text: TextStream | None = None
    words: WordCount | None = None

    def count(self, token: int, vocabulary: Vocabulary, device: Device) -> None:
        """Tell the device how many words the reply has with a token more, where it cannot know."""
        if self.reply is None or not self.reply.sampling.min_words:
            return
        if self.text is None or self.words is None:
            self.text, self.words = TextStream(vocabulary), WordCount()
        if (words := self.words.push(self.text.push(token))) is not None:
            device.counted(self.job.slot, words)


@dataclass(slots=True)
class Counters:
    """The engine's work since it began. `reused` are positions of prompts that were there already."""

    steps: int = 0
    tokens: int = 0
    prefilled: int = 0
    reused: int = 0
    replies: int = 0
    cancelled: int = 0
    failed: int = 0


def answer(future: Future[T], work: Callable[[], T]) -> None:
    """Run `work` and give what it returns, or raises, to whoever waits for `future`. Raises nothing: it
    runs in the engine's thread, where sys.exit() of one caller's work or callback would end all replies."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # the caller's work, and the caller's error
        with contextlib.suppress(BaseException):  # a callback's
            future.set_exception(error)
        return
    with contextlib.suppress(BaseException):  # a callback's
        future.set_result(result)
