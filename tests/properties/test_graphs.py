from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from tests.properties.graphs import Plan, fan_ins, plans, run
from tests.properties.laws import broken
from vflow import SystemClock


def judge(plan: Plan, free: bool = False) -> None:
    done = run(plan, SystemClock() if free else None)
    problems = broken(done, exact=not free)
    assert not problems, "\n".join([*problems, str(plan), repr(plan)])


@given(plans())
def test_any_graph_ends_loses_nothing_and_lets_nothing_stale_through(plan: Plan) -> None:
    judge(plan)


@settings(max_examples=settings.default.max_examples // 4)  # type: ignore[union-attr]
@given(fan_ins())
def test_a_fan_in_by_pts_takes_packets_in_the_order_of_their_time(plan: Plan) -> None:
    judge(plan)


@settings(max_examples=settings.default.max_examples // 4)  # type: ignore[union-attr]
@given(plans())
def test_the_same_seed_gives_the_same_run(plan: Plan) -> None:
    if any(action.verb == "stop" for action in plan.actions):
        plan = replace(plan, actions=())  # behind a stop all threads run at once
    first, second = run(plan), run(plan)
    assert first.trace.signature() == second.trace.signature(), str(plan)


@settings(max_examples=settings.default.max_examples // 4)  # type: ignore[union-attr]
@given(plans())
def test_free_threads_keep_the_same_laws(plan: Plan) -> None:
    judge(plan, free=True)
