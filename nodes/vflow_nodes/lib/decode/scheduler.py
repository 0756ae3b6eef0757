"""Decide which session works next, and in which slot. There is no tensor, thread or clock here.

A session always sends its whole prompt; the part that its slot holds already is not computed again. So a
session only borrows its slot. The slot keeps its content while the session rests, and another session may
take it if no slot is unused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from vflow_nodes.lib.decode.prompt import shared


class Stage(Enum):
    """The state of a job."""

    WAITING = "no slot is free"
    PREFILL = "its prompt is computed"
    DECODE = "its tokens are drawn"
    DONE = "finished, cancelled or failed"


@dataclass(slots=True, eq=False)
class Job:
    """A prompt to compute, and if `limit` is not 0, to answer with at most `limit` tokens. `session` owns it.
    `deadline` is the time in seconds at which it stops waiting for a slot. `paused`: nobody takes its tokens
    at present."""

    session: int
    keys: Sequence[int]
    limit: int = 0
    deadline: float = float("inf")
    stage: Stage = Stage.WAITING
    slot: int = -1
    at: int = 0
    """How many positions of the prompt its slot holds."""
    begun: int = 0
    """How many of its tokens are drawn or on their way."""
    paused: bool = False


@dataclass(slots=True)
class Slot:
    """`content` are the keys of its cache; `session` is 0 if nobody will come back to it."""

    content: list[int] = field(default_factory=list)
    session: int = 0
    job: Job | None = None
    used: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a job's prompt to compute: positions `start` to `stop`. `last`: nothing follows it."""

    job: Job
    start: int
    stop: int
    last: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The next work: at most one chunk of one prompt, and a step for each job that decodes."""

    expired: list[Job]
    chunk: Chunk | None
    rows: list[Job]

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.expired or self.chunk or self.rows)


class Scheduler:
    """The slots, and the jobs that want them. While others decode, a prompt is computed in parts of `chunk`
    positions; otherwise of `alone`. If the model cannot rewind (`rewinds`), a slot that holds more than it
    shares with a prompt begins anew."""

    def __init__(self, slots: int, chunk: int = 256, alone: int = 512, *, rewinds: bool = True) -> None:
        self.slots = [Slot() for _ in range(slots)]
        self._rewinds = rewinds
        self._chunk, self._alone = chunk, alone
        self._waiting: deque[Job] = deque()
        self._prefilling: deque[Job] = deque()
        self._tick = 0

    def submit(self, job: Job) -> None:
        """Add a job. Jobs get slots in the order in which they come."""
        self._waiting.append(job)

    def next_deadline(self) -> float:
        """Return when the next waiting job gives up."""
        return min((job.deadline for job in self._waiting), default=float("inf"))

    def plan(self, now: float) -> Plan:
        """Give slots to waiting jobs, and return the next work. Call `computed` after a chunk."""
        expired = [job for job in self._waiting if job.deadline <= now and self._place(job) is None]
        for job in expired:
            self.finish(job)
        while self._waiting and (slot := self._place(self._waiting[0])) is not None:
            self._begin(self._waiting.popleft(), slot)
        rows = [slot.job for slot in self.slots if slot.job is not None and _wants_step(slot.job)]
        chunk = None
        if self._prefilling:
            job = self._prefilling[0]
            stop = min(len(job.keys), job.at + (self._chunk if rows else self._alone))
            chunk = Chunk(job, job.at, stop, stop == len(job.keys))
        return Plan(expired, chunk, rows)

    def _place(self, job: Job) -> Slot | None:
        """Return the slot for a job: its session's own; else, of those that nobody will come back to, the one
        with most of its prompt; else the one that has rested longest. None if all are at work."""
        idle = [slot for slot in self.slots if slot.job is None]
        own = next((slot for slot in idle if slot.session == job.session), None)
        if own is not None:
            return own
        free = [slot for slot in idle if not slot.session]
        if free:
            return min(free, key=lambda slot: (-shared(slot.content, job.keys), slot.used))
        return min(idle, key=lambda slot: slot.used, default=None)

    def _begin(self, job: Job, slot: Slot) -> None:
        job.slot, job.stage = self.slots.index(slot), Stage.PREFILL
        # The last position is always computed: its logits give the first token of the reply.
        job.at = shared(slot.content, job.keys[:-1])
        if job.at < len(slot.content) and not self._rewinds:
            job.at = 0
        del slot.content[job.at :]
        slot.job, slot.session = job, job.session
        self._prefilling.append(job)

    def computed(self, chunk: Chunk) -> None:
        """Note that a chunk is in the cache. Next comes another job's turn."""
        job, slot = chunk.job, self.slots[chunk.job.slot]
        slot.content.extend(job.keys[chunk.start : chunk.stop])
        job.at = chunk.stop
        if chunk.last and not job.limit:
            self.finish(job)
            return
        self._prefilling.remove(job)  # below it goes to the end, so that prompts take turns
        if chunk.last:
            job.stage, job.begun = Stage.DECODE, 1
        else:
            self._prefilling.append(job)

    def finish(self, job: Job, tokens: Sequence[int] = (), broken: bool = False) -> None:
        """End a job in any state; `tokens` are its answer. All but the last of them are in the cache, since
        each was needed for the next. `broken`: its slot's content cannot be trusted."""
        if job.stage is Stage.WAITING:
            self._waiting.remove(job)
        elif job.stage is Stage.PREFILL:
            self._prefilling.remove(job)
        if job.stage in (Stage.PREFILL, Stage.DECODE):
            slot = self.slots[job.slot]
            slot.content.extend(tokens[:-1])
            if broken:
                slot.content.clear()
            self._tick += 1
            slot.job, slot.used = None, self._tick
        job.stage = Stage.DONE

    def release(self, session: int) -> None:
        """End a session. Its slot keeps its content for a prompt with the same beginning."""
        for slot in self.slots:
            if slot.session == session:
                slot.session = 0


def _wants_step(job: Job) -> bool:
    return job.stage is Stage.DECODE and not job.paused and job.begun < job.limit
