"""Figures of an engine, from its tasks, counters and slots."""

from __future__ import annotations

from vflow_nodes.lib.decode import figures
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.scheduler import Job, Slot
from vflow_nodes.lib.decode.task import Counters, Task


def task(asked_s: float, begun: bool = False) -> Task:
    return Task(Job(1, [1]), Prompt([1]), None, begun=begun, asked_s=asked_s)


def test_tasks_that_are_not_begun_wait_and_the_first_has_waited_longest() -> None:
    slots = [Slot(job=Job(1, [1])), Slot()]
    found = figures.queue(
        [task(0.0), task(1e9), task(-5.0, begun=True)], Counters(waits=3, waited_s=0.5), slots
    )
    oldest_s = found.pop("oldest_s")
    assert found == {"waiting": 2, "waits": 3, "waited_s": 0.5, "slots": 2, "busy": 1}
    assert 0 < oldest_s < 1e9
    assert figures.queue([], Counters(), [])["oldest_s"] == 0


def test_work_has_every_counter() -> None:
    found = figures.work(Counters(tokens=7), [Slot(), Slot(job=Job(1, [1]))])
    assert (found["slots"], found["busy"], found["tokens"]) == (2, 1, 7)
    assert set(found) == {"slots", "busy", *Counters.__slots__}
