from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import answered, examples, hashed
from vflow_nodes.lib.decode.scheduler import Chunk, Job, Plan, Scheduler, Stage


def job(session: int, length: int, limit: int = 0, deadline: float = float("inf"), first: int = 100) -> Job:
    return Job(session, list(range(first, first + length)), limit, deadline)


def compute(scheduler: Scheduler, now: float = 0.0) -> Chunk:
    chunk = scheduler.plan(now).chunk
    assert chunk is not None
    scheduler.computed(chunk)
    return chunk


def prefill(scheduler: Scheduler, made: Job) -> int:
    """Compute the prompt of the only job; return how many positions that took."""
    scheduler.submit(made)
    count = 0
    while made.stage in (Stage.WAITING, Stage.PREFILL):
        chunk = compute(scheduler)
        count += chunk.stop - chunk.start
    return count


def held(scheduler: Scheduler, session: int) -> int:
    """Return how many positions are kept for a session."""
    return sum(len(slot.content) for slot in scheduler.slots if slot.session == session)


def test_a_prompt_is_computed_in_chunks_larger_ones_when_nobody_decodes() -> None:
    scheduler = Scheduler(2, chunk=4, alone=10)
    scheduler.submit(first := job(1, 15, limit=5))
    assert [compute(scheduler).stop for _ in range(2)] == [10, 15]
    assert first.stage is Stage.DECODE
    scheduler.submit(job(2, 15, limit=5))
    assert [compute(scheduler).stop for _ in range(4)] == [4, 8, 12, 15]
    assert scheduler.plan(0.0).chunk is None


def test_prompt_without_a_reply_is_computed_to_its_end() -> None:
    scheduler = Scheduler(1, alone=10)
    assert prefill(scheduler, made := Job(1, list(range(25)))) == 25
    assert held(scheduler, 1) == 25
    assert made.stage is Stage.DONE


def test_prompts_take_turns_so_that_a_short_one_does_not_wait_for_a_long_one() -> None:
    scheduler = Scheduler(3, chunk=10, alone=10)
    scheduler.submit(long := job(1, 1000, limit=1))
    compute(scheduler)
    scheduler.submit(short := job(2, 20, limit=1))
    turns = [compute(scheduler).job for _ in range(4)]
    assert turns == [long, short, long, short]
    assert short.stage is Stage.DECODE
    assert long.stage is Stage.PREFILL


def test_every_reply_steps_while_a_prompt_is_computed() -> None:
    scheduler = Scheduler(3, chunk=1)
    for session in (1, 2):
        prefill(scheduler, job(session, 3, limit=50))
    scheduler.submit(job(3, 30, limit=1))
    for _ in range(30):
        plan = scheduler.plan(0.0)
        assert [row.session for row in plan.rows] == [1, 2]
        assert plan.chunk is not None
        scheduler.computed(plan.chunk)


def test_jobs_get_slots_in_the_order_in_which_they_came() -> None:
    scheduler = Scheduler(1)
    jobs = [job(session, 3, limit=1) for session in range(1, 5)]
    for made in jobs:
        scheduler.submit(made)
    served = []
    while not (plan := scheduler.plan(0.0)).idle:
        assert plan.chunk is not None
        scheduler.computed(plan.chunk)
        served.append(plan.chunk.job.session)
        scheduler.finish(plan.chunk.job, [7])
    assert served == [1, 2, 3, 4]


def test_a_session_comes_back_to_its_slot_and_computes_only_what_is_new() -> None:
    scheduler = Scheduler(2)
    assert prefill(scheduler, job(1, 50)) == 50
    assert prefill(scheduler, job(2, 20, first=500)) == 20
    assert prefill(scheduler, job(1, 80)) == 30
    assert prefill(scheduler, job(1, 40)) == 1, "the last position is computed again: its logits are wanted"
    assert held(scheduler, 1) == 40


def test_slot_keeps_an_answered_prompt_except_its_last_token() -> None:
    scheduler = Scheduler(1)
    prefill(scheduler, made := job(1, 10, limit=9))
    scheduler.finish(made, [201, 202, 203])
    assert scheduler.slots[0].content == [*range(100, 110), 201, 202]
    follow = Job(1, [*range(100, 110), 201, 202, 203, 5, 6])
    assert prefill(scheduler, follow) == 3


def test_slot_with_doubtful_contents_is_computed_anew() -> None:
    scheduler = Scheduler(1)
    prefill(scheduler, made := job(1, 10, limit=9))
    scheduler.finish(made, [201, 202], broken=True)
    assert prefill(scheduler, job(1, 10)) == 10


def test_a_model_without_rewind_keeps_only_a_prompt_that_goes_on() -> None:
    scheduler = Scheduler(1, rewinds=False)
    assert prefill(scheduler, job(1, 10)) == 10
    assert prefill(scheduler, job(1, 15)) == 5
    assert prefill(scheduler, job(1, 14)) == 14
    assert prefill(scheduler, job(1, 14)) == 14, "its last position would have to be taken back"


def test_a_new_session_takes_a_released_slot_that_begins_like_its_prompt() -> None:
    scheduler = Scheduler(3)
    for session, first in ((1, 0), (2, 500), (3, 900)):
        prefill(scheduler, job(session, 20, first=first))
    scheduler.release(1)
    scheduler.release(2)
    made = job(4, 25, first=500)
    assert prefill(scheduler, made) == 5
    assert made.slot == 1


def test_without_an_unused_slot_the_one_that_rested_longest_is_taken_and_its_session_computes_again() -> None:
    scheduler = Scheduler(2)
    for session in (1, 2):
        prefill(scheduler, job(session, 20, first=session * 100))
    prefill(scheduler, job(1, 21, first=100))
    thief = job(3, 5, first=900)
    prefill(scheduler, thief)
    assert thief.slot == 1, "session 2's, since session 1 came back meanwhile"
    assert held(scheduler, 2) == 0
    assert prefill(scheduler, job(2, 20, first=200)) == 20


def test_a_slot_that_was_never_used_goes_before_a_released_one_that_begins_otherwise() -> None:
    scheduler = Scheduler(2)
    prefill(scheduler, job(1, 20, first=100))
    scheduler.release(1)
    prefill(scheduler, made := job(2, 20, first=900))
    assert made.slot == 1


def test_a_job_that_waits_has_no_slot_and_nothing_computed_or_drawn() -> None:
    scheduler = Scheduler(1)
    prefill(scheduler, job(1, 5, limit=9))
    scheduler.submit(made := job(2, 5))
    scheduler.plan(0.0)
    assert (made.stage, made.slot, made.at, made.begun) == (Stage.WAITING, -1, 0, 0)


def test_a_resting_session_keeps_its_slot_while_another_is_unused() -> None:
    scheduler = Scheduler(2)
    prefill(scheduler, job(1, 20, first=100))
    prefill(scheduler, job(2, 20, first=200))
    scheduler.release(2)
    prefill(scheduler, job(3, 20, first=300))
    assert (held(scheduler, 1), held(scheduler, 3)) == (20, 20)


def test_a_slot_at_work_is_never_taken() -> None:
    scheduler = Scheduler(1)
    prefill(scheduler, busy := job(1, 5, limit=9))
    busy.paused = True
    scheduler.submit(waiting := job(2, 5, limit=9, deadline=10.0))
    assert scheduler.next_deadline() == 10.0
    assert scheduler.plan(9.9).expired == []
    plan = scheduler.plan(10.0)
    assert (plan.expired, plan.idle) == ([waiting], False)
    assert waiting.stage is Stage.DONE
    busy.paused = False
    assert scheduler.plan(11.0).rows == [busy]
    assert scheduler.next_deadline() == float("inf")


def test_a_job_past_its_deadline_still_takes_a_slot_that_is_free() -> None:
    scheduler = Scheduler(1)
    scheduler.submit(made := job(1, 5, deadline=1.0))
    assert scheduler.plan(2.0).expired == []
    assert made.stage is Stage.PREFILL


def test_a_paused_reply_does_not_step_and_keeps_its_slot() -> None:
    scheduler = Scheduler(1)
    prefill(scheduler, made := job(1, 5, limit=9))
    made.paused = True
    assert scheduler.plan(0.0).idle
    scheduler.submit(job(2, 5))
    assert scheduler.plan(0.0).idle
    made.paused = False
    assert scheduler.plan(0.0).rows == [made]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_reply_steps_once_less_than_its_limit_since_its_prompt_gives_the_first_token(limit: int) -> None:
    scheduler = Scheduler(1)
    prefill(scheduler, made := job(1, 5, limit=limit))
    steps = 0
    while scheduler.plan(0.0).rows:
        made.begun += 1
        steps += 1
    assert steps == limit - 1


def test_the_next_deadline_is_the_first_of_all_that_wait() -> None:
    scheduler = Scheduler(1)
    assert scheduler.next_deadline() == float("inf")
    prefill(scheduler, job(1, 5, limit=9))
    for session, deadline in ((2, 30.0), (3, 10.0), (4, 20.0), (5, float("inf"))):
        scheduler.submit(job(session, 5, deadline=deadline))
    assert scheduler.next_deadline() == 10.0
    assert [made.session for made in scheduler.plan(20.0).expired] == [3, 4]
    assert scheduler.next_deadline() == 30.0


def test_a_prompt_is_computed_256_positions_at_once_beside_replies_and_512_alone() -> None:
    scheduler = Scheduler(2)
    scheduler.submit(job(1, 600, limit=9))
    assert [compute(scheduler).stop for _ in range(2)] == [512, 600]
    scheduler.submit(job(2, 600))
    assert compute(scheduler).stop == 256


def test_scheduler_is_idle_only_without_jobs() -> None:
    scheduler = Scheduler(1)
    assert scheduler.plan(0.0).idle is True
    prefill(scheduler, made := job(1, 5, limit=9))
    plan = scheduler.plan(0.0)
    assert (plan.expired, plan.chunk, plan.rows, plan.idle) == ([], None, [made], False)


def test_slots_that_nobody_used_belong_to_nobody() -> None:
    scheduler = Scheduler(2)
    assert [slot.session for slot in scheduler.slots] == [0, 0]
    scheduler.submit(first := job(1, 5, limit=9))
    scheduler.submit(second := job(1, 5, limit=9))
    plan = scheduler.plan(0.0)
    assert (first.slot, second.slot) == (0, 1)
    assert plan.chunk == Chunk(first, 0, 5, last=True)


def test_the_longest_released_slot_with_another_beginning_is_taken() -> None:
    scheduler = Scheduler(3)
    for session in (1, 2, 3):
        prefill(scheduler, job(session, 20, first=session * 100))
    prefill(scheduler, job(1, 20, first=100))  # session 1 came back
    for session in (3, 1, 2):
        scheduler.release(session)
    prefill(scheduler, made := job(4, 20, first=900))
    assert made.slot == 1


def test_a_resting_session_does_not_lose_its_slot_for_its_contents() -> None:
    scheduler = Scheduler(2)
    for session in (1, 2):
        prefill(scheduler, job(session, 20, first=session * 100))
    prefill(scheduler, thief := job(3, 25, first=200))
    assert thief.slot == 0, "session 2's begins like its prompt, but session 1 rested longest"


def test_a_released_slot_is_taken_before_one_of_a_resting_session_whatever_it_holds() -> None:
    scheduler = Scheduler(2)
    for session in (1, 2):
        prefill(scheduler, job(session, 20, first=session * 100))
    scheduler.release(2)
    prefill(scheduler, made := job(3, 25, first=100))
    assert made.slot == 1


def test_a_release_leaves_other_sessions_their_slots() -> None:
    scheduler = Scheduler(2)
    for session in (1, 2):
        prefill(scheduler, job(session, 20, first=session * 100))
    scheduler.release(2)
    assert (held(scheduler, 1), held(scheduler, 0)) == (20, 20)


def test_a_job_that_is_cancelled_while_it_waits_frees_no_slot() -> None:
    scheduler = Scheduler(1)
    prefill(scheduler, busy := job(1, 5, limit=9))
    scheduler.submit(waiting := job(2, 5))
    scheduler.finish(waiting)
    assert (waiting.stage, scheduler.slots[0].job) == (Stage.DONE, busy)
    scheduler.finish(waiting)  # and once more: nothing happens
    scheduler.finish(busy, [7])
    scheduler.finish(busy, [7])
    assert scheduler.plan(0.0).idle


def test_cancelled_prompt_keeps_its_computed_part_for_the_next() -> None:
    scheduler = Scheduler(1, alone=10)
    scheduler.submit(made := job(1, 30, limit=9))
    compute(scheduler)
    scheduler.finish(made)
    assert scheduler.slots[0].content == list(range(100, 110))
    assert prefill(scheduler, job(1, 30)) == 20


@dataclass
class Replay:
    """Runs a scheduler without a device, and compares a cache's real contents with the recorded ones."""

    scheduler: Scheduler
    held: list[list[int]]
    drawn: dict[int, list[int]] = field(default_factory=dict)
    """Tokens of each job at work, by identity."""

    def work(self, plan: Plan) -> None:
        if plan.chunk is not None:
            self.prefill(plan.chunk)
        for row in plan.rows:
            tokens = self.drawn[id(row)]
            self.held[row.slot].append(tokens[-1])
            tokens.append(hashed(self.held[row.slot]))
            row.begun += 1
        for row in plan.rows:
            if row.begun == row.limit:
                self.end(row)

    def prefill(self, chunk: Chunk) -> None:
        made, cache = chunk.job, self.held[chunk.job.slot]
        assert cache[: chunk.start] == made.keys[: chunk.start]
        assert chunk.start < chunk.stop
        cache[chunk.start :] = made.keys[chunk.start : chunk.stop]
        self.scheduler.computed(chunk)
        if chunk.last and made.limit:
            self.drawn[id(made)] = [hashed(cache)]
            if made.limit == 1:
                self.end(made)

    def end(self, made: Job) -> None:
        if made.stage is not Stage.DONE:
            self.scheduler.finish(made, self.drawn.get(id(made), ()))

    def check(self) -> None:
        slots = self.scheduler.slots
        for slot, cache in zip(slots, self.held, strict=True):
            if slot.job is None or slot.job.stage is Stage.PREFILL:
                assert cache[: len(slot.content)] == slot.content
        busy = [slot.job for slot in slots if slot.job is not None]
        assert len({id(made) for made in busy}) == len(busy)
        assert all(slots[made.slot].job is made for made in busy)


lengths = st.integers(1, 12)
commands = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 4), lengths, st.integers(0, 5)),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("release"), st.integers(1, 4)),
    st.tuples(st.just("work"), st.integers(1, 6)),
)


@examples(150)
@given(st.lists(commands, max_size=40), st.integers(1, 3), st.integers(1, 5))
def test_slots_hold_their_recorded_tokens_and_jobs_end_in_any_order(
    orders: Sequence[tuple[Any, ...]], slots: int, chunk: int
) -> None:
    replay = Replay(Scheduler(slots, chunk=chunk, alone=2 * chunk), [[] for _ in range(slots)])
    jobs: list[Job] = []
    cut: set[int] = set()
    for kind, *numbers in orders:
        if kind == "ask":
            session, length, limit = numbers
            replay.scheduler.submit(made := job(session, length, limit, first=session // 2 * 100))
            jobs.append(made)
        elif kind == "cancel" and numbers[0] < len(jobs):
            replay.end(jobs[numbers[0]])
            cut.add(numbers[0])
        elif kind == "release":
            replay.scheduler.release(numbers[0])
        else:
            for _ in range(numbers[0]):
                replay.work(replay.scheduler.plan(0.0))
        replay.check()
    while not (plan := replay.scheduler.plan(0.0)).idle:
        replay.work(plan)
        replay.check()
    assert all(made.stage is Stage.DONE for made in jobs)
    for number, made in enumerate(jobs):
        if number not in cut and made.limit:
            assert replay.drawn[id(made)] == answered(hashed, made.keys, made.limit, end=0)
