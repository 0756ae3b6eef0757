"""All that the doctor finds, put together: problems once and in order, roles, advice by what it gains."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stand_ins import Takes
from vflow import Advice, Audio, In
from vflow.doctor import bandwidth, thread_counts
from vflow.doctor.examination import Examination, examine
from vflow.errors import Diagnostic
from vflow.graph.graph import Graph
from vflow.graph.loader import load_text

GRAPH = "nodes:\n  tone: {use: test_tone}\n  it: {use: it}\nlinks: [tone -> it]\n"


class It(Takes):
    """Advises this and that."""

    audio = In(Audio())

    def advise(self) -> Iterator[Advice]:
        yield Advice("order", "pts", "no effect", "none")
        yield Advice("on_error", "skip", "a little", "faster", 3.0, 2.0, "ms")
        yield Advice("on_error", "skip", "of memory", "smaller", 9.0, 1.0, "MB")
        yield Advice("on_error", "fail", "much", "faster", 9.0, 1.0, "ms")


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "SECONDS", 0.01)
    monkeypatch.setattr(bandwidth, "LARGE", bandwidth.LEAST)


def silent(text: str, fraction: float | None) -> None: ...


def graph() -> Graph:
    return load_text(GRAPH, nodes={"it": It})


def test_problems_come_once_each_and_errors_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "100000")
    known = [
        Diagnostic("late", severity="warning"),
        Diagnostic("missing", mend="fetch it"),
        Diagnostic("late", severity="warning"),
        Diagnostic("missing"),
    ]
    found = examine(None, known, silent)
    assert [p.message for p in found.problems][:2] == ["missing", "late"]
    assert found.problems[0].mend == "fetch it"
    assert [p.message for p in found.problems][2].startswith("OMP_NUM_THREADS is 100000")
    assert not found.ready


def test_a_warning_leaves_a_graph_ready() -> None:
    assert examine(None, [Diagnostic("late", severity="warning")], silent).ready


def test_without_a_graph_every_role_says_what_plays_it_here() -> None:
    found = examine(None, (), silent)
    assert {"mic", "speaker", "vad", "stt", "generator", "tts"} <= found.roles.keys()
    assert found.roles["vad"].taken.startswith("vad.")
    assert (found.loaded, found.advice) == ([], [])


def test_advice_that_makes_faster_comes_first_and_by_how_much() -> None:
    found = examine(graph(), (), silent)
    assert [(a.effect, a.text) for a in found.advice] == [
        ("faster", "much"),
        ("faster", "a little"),
        ("smaller", "of memory"),
        ("none", "no effect"),
    ]
    assert {a.name for a in found.advice} == {"it.on_error", "it.order"}


def test_threads_that_cannot_be_compared_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> Iterator[Advice]:
        raise OSError("the device is taken")
        yield

    monkeypatch.setattr(thread_counts, "advice", fails)
    found: Examination = examine(graph(), (), silent)
    told = "the numbers of threads could not be compared: OSError: the device is taken"
    assert ("warning", told) in [(p.severity, p.message) for p in found.problems]
    assert found.advice
