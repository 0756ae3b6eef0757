"""A conversation's side of the engine: prompts in, replies out."""

from __future__ import annotations

import contextlib
import time

from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import Closed, TooLong
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.scheduler import Job
from vflow_nodes.lib.decode.task import Task

PATIENCE_S = 10.0
"""How long a request waits for a slot."""


class DecodeSession:
    """Asks the engine for one thing at a time: a new request ends the one before. Any thread, one at a time.

    Each prompt is whole. The part that the session's slot holds already is not computed again; what it holds
    beyond that is forgotten. That is how a speculation, or a reply that was cut, is rolled back.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._number = engine.new_session()
        self._job: Job | None = None
        self._closed = False

    def prefill(self, prompt: Prompt, patience_s: float = PATIENCE_S) -> None:
        """Compute a prompt's beginning in advance. Returns at once. If there is no slot, or it fails, the
        reply computes it later. Raises: TooLong, Closed."""
        self._submit(Task(self._job_for(prompt, 0, patience_s), prompt, None))

    def generate(
        self,
        prompt: Prompt,
        sampling: Sampling | None = None,
        *,
        one_line: bool = False,
        patience_s: float = PATIENCE_S,
    ) -> Reply:
        """Answer a prompt; returns at once. With `one_line`, the reply ends with its first line that is not
        empty. If no slot is free within `patience_s` seconds, the reply fails with Full.

        Raises: TooLong, Closed.
        """
        sampling = sampling or Sampling()
        job = self._job_for(prompt, sampling.max_tokens, patience_s)
        engine = self.engine
        reply = Reply(
            engine.vocabulary,
            sampling,
            job.limit,
            one_line=one_line,
            room=engine.context - len(prompt) - 1,
            prompt=engine.vocabulary.tail(prompt.keys),
            on_taken=lambda reply: engine.taken(job, reply),
        )
        self._submit(Task(job, prompt, reply))
        return reply

    def close(self) -> None:
        """End the present request, and give up the slot. May be called twice, and after the engine's end."""
        job, self._closed = self._job, True
        with contextlib.suppress(Closed):
            self.engine.ask(lambda: self._end(job))

    def _end(self, job: Job | None) -> None:
        if job is not None:
            self.engine.cancel(job)
        self.engine.release(self._number)

    def _job_for(self, prompt: Prompt, tokens: int, patience_s: float) -> Job:
        room = self.engine.context - len(prompt) - 1
        if len(prompt) == 0 or room < 1:
            found = f"the prompt has {len(prompt)} tokens, the engine's context {self.engine.context}"
            raise TooLong(f"{found}; {self.engine.device.more_context}, or shorten persona and history")
        return Job(self._number, prompt.keys, min(tokens, room), time.monotonic() + patience_s)

    def _submit(self, task: Task) -> None:
        if self._closed:
            raise Closed("the session is closed")
        before, self._job = self._job, task.job

        def submit() -> None:
            try:
                if before is not None:
                    self.engine.cancel(before)
            finally:  # if that fails, the engine ends and reports to all tasks that it knows
                self.engine.submit(task)

        self.engine.ask(submit)
