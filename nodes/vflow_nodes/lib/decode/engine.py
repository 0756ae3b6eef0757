"""The decode engine: one thread owns the device and serves many sessions.

Each round of its loop does four things: apply requests, compute a part of one prompt, start one step of all
replies, and hand out the tokens of the step before. On CUDA tokens are handed out one step late, so that the
device never waits for the host.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import torch

from vflow_nodes.lib.decode import figures
from vflow_nodes.lib.decode.device_errors import explained
from vflow_nodes.lib.decode.errors import Closed, DecodeError, died, full
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.scheduler import Chunk, Job, Plan, Scheduler, Stage
from vflow_nodes.lib.decode.stepper import Device, Tokens
from vflow_nodes.lib.decode.task import Counters, Task, answer
from vflow_nodes.lib.decode.vocabulary import Vocabulary

T = TypeVar("T")
AHEAD = 64
"""Most tokens of a reply that wait to be taken; beyond that the session pauses."""


class Engine:
    """Serves sessions from one thread of its own, from `start` to `close`. Any thread may call its methods.
    `lag`: hand tokens out one step late (CUDA). `threads`: torch's, for this work; None leaves them.
    `effects`: the options in effect, for `stats`."""

    def __init__(
        self,
        device: Device,
        vocabulary: Vocabulary,
        *,
        lag: bool = False,
        threads: int | None = None,
        effects: Mapping[str, Any] | None = None,
        ahead: int = AHEAD,
    ) -> None:
        self.context = device.context
        self.vocabulary = vocabulary
        self.counters = Counters()
        self.device = device
        # without rewinding, a step on its way could not be undone when its reply is cut
        self._lag = int(lag and device.rewinds)
        self._threads, self._ahead = threads, ahead
        self._effects = dict(effects or {})
        self._scheduler = Scheduler(device.slots, rewinds=device.rewinds)  # for the engine's thread
        self._tasks: dict[Job, Task] = {}  # for the engine's thread
        self._pending: deque[tuple[list[Job], Tokens]] = deque()  # for the engine's thread
        self._asked: deque[Callable[[], None]] = deque()  # append: guarded by _asking; popleft is atomic
        self._asking = threading.Lock()
        self._awake = threading.Event()
        self._numbers = itertools.count(1)
        self._thread: threading.Thread | None = None
        self._closing = False  # guarded by _asking: no request is added after it is set
        self._fault: BaseException | None = None  # guarded by _asking: the error that ended the engine

    def start(self, name: str = "decode") -> Engine:
        """Begin to serve, and return itself. Raises: RuntimeError if the system gives it no thread; the
        engine is closed then."""
        self._thread = threading.Thread(target=self._serve, name=f"vflow:{name}", daemon=True)
        atexit.register(self.close)  # a process that exits while a thread is inside torch is aborted
        try:
            self._thread.start()
        except BaseException:
            self._thread = None
            self.close()
            raise
        return self

    def close(self, timeout_s: float = 5.0) -> None:
        """End every reply with an error, and end the thread; may be called twice. Block until then, for at
        most `timeout_s`: a thread inside a library ends after that."""
        with self._asking:
            self._closing = True
        self._awake.set()
        if self._thread is None:  # it never ran: end the requests here
            self._end_all()
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def new_session(self) -> int:
        """Return the number of a new session; any thread."""
        return next(self._numbers)

    def call(self, work: Callable[[], T]) -> Future[T]:
        """Run `work` on the engine's thread, between two steps. All work on the device belongs there."""
        future: Future[T] = Future()

        def run() -> None:
            answer(future, self._refused if self._closing else work)

        self.ask(run)
        return future

    @property
    def open(self) -> bool:
        """Whether it still takes requests; any thread may ask."""
        return not self._closing

    def stats(self) -> dict[str, Any]:
        """Return the options in effect, counts of the work done, and how many slots are in use."""
        work = figures.work(self.counters, self._scheduler.slots)
        return {**self._effects, **work, "context": self.context}

    def queue(self) -> dict[str, float]:
        """Return who waits for a slot, and how long; any thread."""
        return figures.queue([*self._tasks.values()], self.counters, self._scheduler.slots)

    def ask(self, what: Callable[[], None]) -> None:
        """Let the engine's thread do something soon. Raises: Closed, with the fault that ended the engine."""
        with self._asking:
            if self._closing:
                raise Closed(str(died(self._fault)) if self._fault else "the decode engine is closed")
            self._asked.append(what)
        self._awake.set()

    def submit(self, task: Task) -> None:
        """Add a task. The engine's thread."""
        self._tasks[task.job] = task
        self._scheduler.submit(task.job)

    def cancel(self, job: Job) -> None:
        """End a job and its reply. The engine's thread."""
        if job.stage is not Stage.DONE:
            task = self._tasks.get(job)
            self.counters.cancelled += 1
            self._finish(job)
            if task is not None and task.reply is not None:
                task.reply.end("flush")

    def release(self, session: int) -> None:
        """Release a session's slots. The engine's thread."""
        self._scheduler.release(session)

    def taken(self, job: Job, reply: Reply) -> None:
        """Note that a token of a reply was taken, or that it was cancelled; any thread."""
        if reply.over:
            with contextlib.suppress(Closed):
                self.ask(lambda: self.cancel(job))
        elif job.paused and reply.untaken <= self._ahead // 2:
            job.paused = False
            self._awake.set()

    def _serve(self) -> None:
        try:
            if self._threads is not None:
                torch.set_num_threads(self._threads)  # OpenMP counts threads for each thread that calls it
            with torch.inference_mode():  # it holds for this thread only
                self._loop()
        except BaseException as error:  # a fault of the engine itself: every reply and request reports it
            with self._asking:
                self._closing, self._fault = True, error
        finally:
            self._end_all()

    def _end_all(self) -> None:
        """End everything that anybody waits for, each on its own: one that fails stops no other."""
        with self._asking:
            self._closing = True
        atexit.unregister(self.close)
        while self._asked:  # first, so that the last requests are ended too
            with contextlib.suppress(BaseException):
                self._asked.popleft()()
        for job, task in [*self._tasks.items()]:
            with contextlib.suppress(BaseException):
                self._fail(job, self._ended())
            with contextlib.suppress(BaseException):  # needed if giving back the slot failed
                if task.reply is not None:
                    task.reply.end("error", self._ended())
        self._tasks.clear()

    def _ended(self) -> DecodeError:
        """Return why nothing more comes. Each waiter gets an error of its own, since each raises it."""
        return died(self._fault) if self._fault else Closed("the decode engine was closed")

    def _refused(self) -> Any:
        raise self._ended()

    def _loop(self) -> None:
        while True:
            self._awake.clear()
            if self._closing:  # after `clear`, which may have erased the wake-up of `close`
                return
            while self._asked:
                self._asked.popleft()()
            plan = self._scheduler.plan(time.monotonic())
            if plan.idle and not self._pending:
                left = self._scheduler.next_deadline() - time.monotonic()
                self._awake.wait(None if left == float("inf") else max(0.0, left))
            else:
                self._work(plan)

    def _work(self, plan: Plan) -> None:
        for job in plan.expired:  # they waited too long for a slot
            self.counters.waited(self._tasks[job])
            self._fail(job, full(len(self._scheduler.slots)))
        begun = len(self._pending)
        if plan.chunk is not None:
            self._compute(plan.chunk)
        if plan.rows:
            self._step(plan.rows)
        keep = self._lag if len(self._pending) > begun else 0  # new work hides the wait for older tokens
        while len(self._pending) > keep:
            self._deliver(*self._pending.popleft())

    def _compute(self, chunk: Chunk) -> None:
        job = chunk.job
        task = self._tasks[job]
        self.counters.begin(task, chunk.start)
        try:
            self.device.prefill(job.slot, task.prompt, chunk.start, chunk.stop)
            if chunk.last and task.reply is not None:
                tokens = self.device.first(job.slot, len(task.prompt), task.reply.spoken.sampling)
                self._pending.append(([job], tokens))
        except Exception as error:  # the device's libraries may raise anything
            self._fail(job, explained(error, f"a prompt of {len(task.prompt)} tokens"), broken=True)
            return
        self.counters.prefilled += chunk.stop - chunk.start
        self._scheduler.computed(chunk)
        if job.stage is Stage.DONE:
            self._tasks.pop(job, None)

    def _step(self, jobs: list[Job]) -> None:
        longest = max(len(job.keys) + job.begun - 1 for job in jobs)
        replies = (self._tasks[job].reply for job in jobs)
        greedy = all(reply is not None and reply.sampling.temperature == 0 for reply in replies)
        try:
            tokens = self.device.step([job.slot for job in jobs], longest, greedy)
        except Exception as error:  # the device's libraries may raise anything
            for job in jobs:
                self._fail(job, explained(error, f"a step of {len(jobs)} replies"), broken=True)
            return
        self._pending.append((jobs, tokens))
        self.counters.steps += 1
        for job in jobs:
            job.begun += 1

    def _deliver(self, jobs: list[Job], tokens: Tokens) -> None:
        """Hand out tokens. A job that has ended meanwhile ignores the token that was on its way."""
        try:
            ids = tokens.read()
        except Exception as error:  # the device's libraries may raise anything
            for job in jobs:
                if job in self._tasks:  # else it ended while the step was on its way
                    self._fail(job, explained(error, "a step"), broken=True)
            return
        for job, token in zip(jobs, ids, strict=True):
            task = self._tasks.get(job)
            if task is None or task.reply is None or job.stage is not Stage.DECODE:
                continue
            self._hand_out(job, task, task.reply, token)

    def _hand_out(self, job: Job, task: Task, reply: Reply, token: int) -> None:
        self.counters.tokens += 1
        over = task.take(token, self.vocabulary.ends)
        if over is not None:
            self._finish(job)
            reply.end(over)
            return
        if (tuning := reply.spoken.tuning()) is not None:
            self.device.tune(job.slot, tuning)
        if (words := reply.spoken.words) is not None:
            self.device.counted(job.slot, words)
        if reply.untaken >= self._ahead:
            job.paused = True
            self.taken(job, reply)  # all may have been taken just before the pause was set

    def _finish(self, job: Job, broken: bool = False) -> None:
        """Take a job from its slot. If that fails the task stays, and ends with the engine."""
        task = self._tasks.get(job)
        self._scheduler.finish(job, task.drawn if task else (), broken)
        self._tasks.pop(job, None)
        self.counters.replies += task is not None and task.reply is not None

    def _fail(self, job: Job, error: DecodeError, broken: bool = False) -> None:
        task = self._tasks.get(job)
        if job.stage is not Stage.DONE:
            self._finish(job, broken)
        self._tasks.pop(job, None)
        self.counters.failed += 1
        if task is not None and task.reply is not None:
            task.reply.end("error", error)
