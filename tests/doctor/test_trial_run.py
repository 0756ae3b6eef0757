"""A graph's nodes opened on their own: what they take, what they advise, and what goes wrong with them."""

from __future__ import annotations

import gc
import mmap
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests.stand_ins import PATIENCE_S, Takes, unplaced
from vflow import Advice, AnyCaps, Audio, In, Unavailable, prop
from vflow.doctor import trial_run as module
from vflow.doctor.trial_run import TrialRun, trial_run
from vflow.graph.graph import Graph
from vflow.graph.loader import load_text
from vflow.graph.registry import NodeClass

GRAPH = "nodes:\n  tone: {use: test_tone}\n  it: {use: it%s}\nlinks: [tone -> it]\n%s"


class Taker(Takes):
    """Takes audio, and remembers that it was opened and closed."""

    audio = In(Audio())
    log: ClassVar[list[str]] = []

    def open(self) -> None:
        self.log.append("open")

    def close(self) -> None:
        self.log.append("close")


class Summing(Taker):
    """Adds numbers up in Python, or with numpy."""

    fast: bool = prop(False, doc="whether numpy does it")

    def seconds(self, fast: bool) -> float:
        numbers, best = np.arange(200_000), float("inf")
        for _ in range(3):  # other work may come between
            began = time.perf_counter()
            assert (numbers.sum() if fast else sum(numbers)) == 19_999_900_000
            best = min(best, time.perf_counter() - began)
        return best

    def advise(self) -> Iterator[Advice]:
        before, after = self.seconds(self.fast), self.seconds(True)
        if after < before / 10:
            yield Advice("fast", "true", "200,000 numbers", "faster", before * 1e3, after * 1e3, "ms")
        yield Advice("order", "pts", "it has one input", "none")


class Missing(Taker):
    """Lacks its model."""

    def open(self) -> None:
        super().open()
        raise Unavailable("model it is not here: vflow models pull it")


class Broken(Taker):
    """Warns in `open`, and raises in `advise` and `close`."""

    def advise(self) -> Iterator[Advice]:
        yield Advice("order", "pts", "", "none")
        raise ZeroDivisionError("by zero")

    def open(self) -> None:
        self.ctx.warn("it is late")

    def close(self) -> None:
        raise KeyError("gone")


class Stuck(Taker):
    """Works on its advice until the test releases it."""

    go = threading.Event()

    def advise(self) -> Iterator[Advice]:
        yield Advice("order", "pts", "", "none")
        self.go.wait(PATIENCE_S)


class Leaving(Taker):
    """A node that tries to end the process."""

    def warm_up(self) -> None:
        sys.exit(3)


class Effect(Taker):
    """A node with an effect."""

    effect = True


def graph(cls: NodeClass, properties: str = "", more: str = "") -> Graph:
    return load_text(GRAPH % (properties, more), nodes={"it": cls})


def silent(text: str, fraction: float | None) -> None: ...


@pytest.fixture(autouse=True)
def log() -> list[str]:
    Taker.log.clear()
    return Taker.log


def test_advice_of_a_node_uses_its_measurements() -> None:
    with trial_run(graph(Summing), (), silent) as run:
        fast, order = run.advice()
    assert (fast.name, fast.value, fast.effect, fast.unit) == ("it.fast", "true", "faster", "ms")
    assert fast.before is not None
    assert fast.after is not None
    assert fast.before > 2 * fast.after > 0
    assert (order.name, order.effect) == ("it.order", "none")


def test_a_node_that_is_set_well_is_not_told_to_change() -> None:
    with trial_run(graph(Summing, ", fast: true"), (), silent) as run:
        assert [advice.effect for advice in run.advice()] == ["none"]


def test_nodes_are_opened_once_and_closed_again(log: list[str]) -> None:
    with trial_run(graph(Summing), (), silent) as run:
        assert log == ["open"]
        assert [node.node for node in run.loaded] == ["it"]
    run.close()
    assert log == ["open", "close"]


def test_nodes_are_closed_if_the_trial_is_interrupted(log: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt), trial_run(graph(Summing), (), silent):
        raise KeyboardInterrupt
    assert log == ["open", "close"]


def test_the_time_and_memory_of_a_node_are_measured() -> None:
    class Large(Taker):
        """Takes 64 MB of new memory, not from the process's free lists."""

        def open(self) -> None:
            self.held = mmap.mmap(-1, 64 << 20)
            self.held.write(bytes(64 << 20))

        def close(self) -> None:
            self.held.close()

    gc.collect()  # what is freed meanwhile would count against it
    with trial_run(graph(Large), (), silent) as run:
        (node,) = run.loaded
    assert node.seconds > 0
    assert (node.memory or 0) > 50e6


def test_a_node_that_lacks_something_is_an_error_at_its_place(log: list[str]) -> None:
    with trial_run(graph(Missing), (), silent) as run:
        (problem,) = run.problems
    assert str(problem) == "<text>:3:3: error: it: model it is not here: vflow models pull it"
    assert log == ["open", "close"]


def test_an_error_of_a_nodes_own_code_is_reported_and_stops_nothing() -> None:
    run = TrialRun(graph(Broken), silent)
    run.open(())
    assert [advice.name for advice in run.advice()] == ["it.order"]
    run.close()
    assert [(p.severity, unplaced(p.message)) for p in run.problems] == [
        ("warning", "it: it is late"),
        ("warning", "it: its advice failed: ZeroDivisionError: by zero"),
        ("warning", "it: close: KeyError: 'gone'"),
    ]


def test_node_whose_advice_hangs_is_abandoned(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    monkeypatch.setattr(module, "ADVICE_S", 0.5)
    Stuck.go.clear()
    with trial_run(graph(Stuck), (), silent) as run:
        assert [advice.name for advice in run.advice()] == ["it.order"]
    assert [p.message for p in run.problems] == [
        "it: its advice failed: TimeoutError: it has not answered for 0.5 s"
    ]
    assert log == ["open"]
    Stuck.go.set()
    for thread in threading.enumerate():  # or the next test finds its node still at work
        if thread.name == "vflow:doctor:it":
            thread.join(PATIENCE_S)


def test_a_node_does_not_end_the_process(log: list[str]) -> None:
    with trial_run(graph(Leaving), (), silent) as run:
        assert [p.message for p in run.problems] == ["it: RuntimeError: SystemExit: 3"]
    assert log == ["open", "close"]


def test_a_node_with_an_effect_is_not_opened(log: list[str]) -> None:
    with trial_run(graph(Effect), (), silent) as run:
        assert (log, run.loaded, run.problems) == ([], [], [])


def test_a_node_with_an_effect_that_cannot_run_here_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Effect, "unavailable", classmethod(lambda cls: "no such card; plug one in"))
    loaded = load_text(GRAPH % ("", ""), nodes={"it": Effect}, require_available=False)
    with trial_run(loaded, (), silent) as run:
        assert [problem.message for problem in run.problems] == ["it: no such card; plug one in"]


def test_a_node_that_is_not_available_is_not_opened(log: list[str]) -> None:
    with trial_run(graph(Missing), ("it",), silent) as run:
        assert (log, run.problems) == ([], [])


def test_the_file_of_a_sink_is_not_written(tmp_path: Path) -> None:
    text = f"nodes:\n  tone: {{use: test_tone}}\n  out: {{use: wav_sink, file: {tmp_path / 'o.wav'}}}\n"
    with trial_run(load_text(f"{text}links: [tone -> out]\n"), (), silent):
        pass
    assert not (tmp_path / "o.wav").exists()


def test_a_node_may_take_any_caps() -> None:
    class Any(Takes):
        """Takes what comes."""

        input = In(AnyCaps())

        def open(self) -> None:
            self.caps = self.ctx.caps("input")

    with trial_run(graph(Any), (), silent) as run:
        assert [node.node for node in run.loaded] == ["it"]
        assert not run.problems
