"""Which session works next, and in which slot. No tensor, no thread, no clock: it is asked, and told.

A session's prompt is always whole; what its slot holds of it already is not computed again. So a slot is only
borrowed: it keeps what it holds while its session rests, and another may take it when none is unused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from vflow_nodes.lib.decode.prompt import shared


class Stage(Enum):
    """Where a job stands."""

    WAITING = "no slot is free"
    PREFILL = "its prompt is computed"
    DECODE = "its tokens are drawn"
    DONE = "finished, cancelled or failed"


@dataclass(slots=True, eq=False)
class Job:
    """One prompt to compute, and to answer with `limit` tokens at most, where that is not 0. `session` is
    whose it is; `deadline` the time in seconds at which it gives up waiting for a slot. `paused`: nobody
    takes its tokens at present."""

    session: int
    keys: Sequence[int]
    limit: int = 0
    deadline: float = float("inf")
    stage: Stage = Stage.WAITING
    slot: int = -1
    at: int = 0
    """How many positions of the prompt its slot holds."""
    begun: int = 0
    """How many of its tokens are drawn, or on their way."""
    paused: bool = False


@dataclass(slots=True)
class Slot:
    """`content` are the keys that its cache holds; `session` 0 where nobody will come back to it."""

    content: list[int] = field(default_factory=list)
    session: int = 0
    job: Job | None = None
    used: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a job's prompt to compute: positions `start` to `stop`. `last`: none is left behind it."""

    job: Job
    start: int
    stop: int
    last: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The work that comes next: at most one chunk of one prompt, and a step of each job that decodes."""

    expired: list[Job]
    chunk: Chunk | None
    rows: list[Job]

    @property
    def idle(self) -> bool:
        return not (self.expired or self.chunk or self.rows)


class Scheduler:
    """Slots, and the jobs that want them. `chunk` positions of a prompt are computed at once while others
    decode, `alone` where none does. Where the model does not `rewinds`, a slot that holds more than a prompt
    shares with it begins anew."""

    def __init__(self, slots: int, chunk: int = 256, alone: int = 512, *, rewinds: bool = True) -> None:
        self.slots = [Slot() for _ in range(slots)]
        self._rewinds = rewinds
        self._chunk, self._alone = chunk, alone
        self._waiting: deque[Job] = deque()
        self._prefilling: deque[Job] = deque()
        self._tick = 0

    def submit(self, job: Job) -> None:
        """A job more; jobs get slots in the order in which they came."""
        self._waiting.append(job)

    def next_deadline(self) -> float:
        """When the next waiting job gives up."""
        return min((job.deadline for job in self._waiting), default=float("inf"))

    def plan(self, now: float) -> Plan:
        """Give slots to who waits, and say what to do. Computing a chunk is reported by `computed`."""
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
        """The slot that a job is given now: its session's own; else what nobody will come back to, with the
        most of its prompt in it; else what rested longest. None where all are at work."""
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
        # one position at least is computed: the logits behind it are wanted
        job.at = shared(slot.content, job.keys[:-1])
        if job.at < len(slot.content) and not self._rewinds:
            job.at = 0
        del slot.content[job.at :]
        slot.job, slot.session = job, job.session
        self._prefilling.append(job)

    def computed(self, chunk: Chunk) -> None:
        """A chunk is in the cache. The next turn is another job's."""
        job, slot = chunk.job, self.slots[chunk.job.slot]
        slot.content.extend(job.keys[chunk.start : chunk.stop])
        job.at = chunk.stop
        if chunk.last and not job.limit:
            self.finish(job)
            return
        self._prefilling.remove(job)
        if chunk.last:
            job.stage, job.begun = Stage.DECODE, 1
        else:
            self._prefilling.append(job)

    def finish(self, job: Job, tokens: Sequence[int] = (), broken: bool = False) -> None:
        """A job ends, wherever it stands; `tokens` are what it was answered with. All but the last of them
        are in the cache, since each was needed for the next. `broken`: its slot cannot be trusted."""
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
        """A session is over: its slot keeps what it holds, for whoever begins in the same way."""
        for slot in self.slots:
            if slot.session == session:
                slot.session = 0


def _wants_step(job: Job) -> bool:
    return job.stage is Stage.DECODE and not job.paused and job.begun < job.limit
