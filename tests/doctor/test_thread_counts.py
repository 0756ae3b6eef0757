"""The best number of threads for a library is decided by the time of a node's work, and its time to load."""

from __future__ import annotations

import pytest

from tests.doctor.test_trial_run import Taker, graph, silent
from vflow import Advice
from vflow.doctor import thread_counts
from vflow.doctor.trial_run import trial_run


class Threaded(Taker):
    """A node that takes longer with each thread: it has only the overhead of threads."""

    def open(self) -> None:
        self.count = self.ctx.threads("onnxruntime")

    def warm_up(self) -> None:
        Clock.now_s += 0.01 * self.count


class Clock:
    """Stands in for the process's clock; only the node's work moves it."""

    now_s = 0.0

    @classmethod
    def perf_counter(cls) -> float:
        return cls.now_s


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_counts, "time", Clock)


def advised(more: str) -> list[Advice]:
    """Return the advice about threads on a machine of four cores."""
    loaded = graph(Threaded, more=more)
    with trial_run(loaded, (), silent) as run:
        pass
    return list(thread_counts.advice(loaded, run.loaded, 4, silent))


def test_the_number_of_threads_that_is_fastest_is_advised() -> None:
    (advice,) = advised("threads: {onnxruntime: 4}\n")
    assert (advice.name, advice.value, advice.effect) == ("threads.onnxruntime", "1", "faster")
    assert (advice.before, advice.after) == (pytest.approx(40), pytest.approx(10))
    assert all(f"on {count}" in advice.text for count in (1, 2, 4))


def test_the_advice_says_if_no_other_number_is_faster() -> None:
    (advice,) = advised("threads: {onnxruntime: 1}\n")
    assert (advice.value, advice.effect, advice.before == advice.after) == ("1", "none", True)


def test_threads_of_a_library_that_no_node_uses_have_no_effect() -> None:
    *_, advice = advised("threads: {onnxruntime: 1, torch: 8}\n")
    assert (advice.name, advice.value, advice.effect) == ("threads.torch", "8", "none")


def test_a_node_that_loads_long_is_not_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_counts, "LONGEST_S", 0.0)
    loaded = graph(Threaded)
    with trial_run(loaded, (), silent) as run:
        pass
    assert not list(thread_counts.advice(loaded, run.loaded, 4, silent))
    (note,) = thread_counts.not_compared(run.loaded)
    assert note.startswith("threads.onnxruntime: not tried with it")
