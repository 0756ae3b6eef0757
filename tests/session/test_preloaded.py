"""Pipelines that are open before a session begins."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from vflow import NodeError, Session, VflowError, preload
from vflow.session import Preloaded, TurnEnded


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The voices that were opened."""
    found: list[Any] = []
    monkeypatch.setattr(scripted_agent.Voice, "open", lambda self: found.append(self))
    return found


def made(folder: Path, ready: int = 1) -> Preloaded:
    path = scripted_agent.graph(folder, text="one two", word_ms=20)
    return preload(path, ready, nodes=scripted_agent.NODES)


def test_session_takes_the_open_pipeline_and_another_is_opened(tmp_path: Path, opened: list[Any]) -> None:
    with made(tmp_path) as preloaded:
        assert (len(opened), preloaded.ready) == (1, 1)
        with Session(preloaded) as session:
            assert session.pipeline.nodes["voice"] is opened[0]
            assert preloaded.wait(PATIENCE_S)
            assert (len(opened), preloaded.ready) == (2, 1)
            session.push(scripted_agent.utterance().samples)
            assert any(isinstance(event, TurnEnded) for event in iter(lambda: session.get(PATIENCE_S), None))
        assert preloaded.ready == 1


def test_the_next_is_opened_when_the_session_plays(tmp_path: Path, opened: list[Any]) -> None:
    with made(tmp_path) as preloaded:
        session = Session(preloaded)
        assert session.pipeline.nodes["voice"] is opened[0]
        assert preloaded.wait(0)
        assert (len(opened), preloaded.ready) == (1, 0)
        with session:
            assert preloaded.wait(PATIENCE_S)
            assert (len(opened), preloaded.ready) == (2, 1)


def test_where_none_is_open_a_session_loads_its_own(tmp_path: Path, opened: list[Any]) -> None:
    with made(tmp_path, ready=0) as preloaded, Session(preloaded):
        assert len(opened) >= 1


def test_many_that_are_taken_at_once_are_replaced_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    with made(tmp_path, ready=2) as preloaded:
        monkeypatch.setattr(scripted_agent.Voice, "open", lambda self: gate.wait(PATIENCE_S))
        for _ in range(10):
            preloaded.take()
            preloaded.restock()
        assert [thread.name for thread in threading.enumerate()].count("vflow:preload") == 1
        gate.set()
        assert preloaded.wait(PATIENCE_S)
        assert preloaded.ready == 2


def test_warnings_of_a_preloaded_pipeline_reach_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripted_agent.Voice, "open", lambda self: self.ctx.warn("a cold"))
    with made(tmp_path) as preloaded, Session(preloaded) as session:
        texts = [getattr(event, "text", "") for event in iter(lambda: session.get(0), None)]
    assert "a cold" in texts


def test_renew_replaces_pipelines_that_nobody_took(tmp_path: Path, opened: list[Any]) -> None:
    with made(tmp_path) as preloaded:
        preloaded.renew()
        assert preloaded.wait(PATIENCE_S)
        assert (len(opened), preloaded.ready) == (2, 1)
        with Session(preloaded) as session:
            assert session.pipeline.nodes["voice"] is opened[1]
    preloaded.renew()  # after its end nothing is opened
    assert preloaded.wait(PATIENCE_S)
    assert preloaded.ready == 0


def test_renewed_while_one_is_being_opened_that_one_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, opening = threading.Event(), threading.Semaphore(0)
    opened: list[Any] = []

    def open_slowly(voice: Any) -> None:
        opened.append(voice)
        opening.release()
        assert gate.wait(PATIENCE_S)

    with made(tmp_path) as preloaded:
        monkeypatch.setattr(scripted_agent.Voice, "open", open_slowly)
        preloaded.take().stop()
        preloaded.restock()
        assert opening.acquire(timeout=PATIENCE_S)
        preloaded.renew()
        gate.set()
        assert preloaded.wait(PATIENCE_S)
        assert len(opened) == 2
        assert preloaded.take().nodes["voice"] is opened[1]


def test_close_closes_pipelines_that_nobody_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Any] = []
    monkeypatch.setattr(scripted_agent.Voice, "close", lambda self: closed.append(self))
    preloaded = made(tmp_path, ready=2)
    preloaded.close()
    preloaded.close()
    assert (len(closed), preloaded.ready) == (2, 0)
    with pytest.raises(VflowError, match="the preloaded graph is closed"):
        Session(preloaded).start()


def test_one_that_cannot_be_opened_leaves_no_other_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    closed: list[Any] = []

    def second_fails(self: Any) -> None:
        opened.append(self)
        if len(opened) == 2:
            raise ValueError("no voice")

    monkeypatch.setattr(scripted_agent.Voice, "open", second_fails)
    monkeypatch.setattr(scripted_agent.Voice, "close", lambda self: closed.append(self))
    with pytest.raises(NodeError, match="no voice"):
        made(tmp_path, ready=2)
    assert opened[0] in closed


def test_a_graph_for_no_session_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    graph = {"nodes": {"t": {"use": "test_tone"}, "n": {"use": "null"}}, "links": ["t -> n"]}
    with pytest.raises(VflowError, match="neither app_source, app_sink nor app_text"):
        preload(graph)


def test_node_that_cannot_open_is_a_problem_and_fails_the_next_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made(tmp_path) as preloaded:

        def broken(self: object) -> None:
            raise ValueError("no voice")

        monkeypatch.setattr(scripted_agent.Voice, "open", broken)
        with Session(preloaded):
            assert preloaded.wait(PATIENCE_S)
        assert "no voice" in preloaded.problem
        with pytest.raises(NodeError, match="no voice"):
            Session(preloaded).start()
    with pytest.raises(NodeError, match="no voice"):
        made(tmp_path)


def test_a_system_that_has_no_more_threads_is_told_and_the_next_session_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made(tmp_path) as preloaded:
        monkeypatch.setattr("vflow.runtime.pipeline.Pipeline.open", no_threads)
        preloaded.take()
        preloaded.restock()
        assert preloaded.wait(PATIENCE_S)
        assert preloaded.problem == "RuntimeError: can't start new thread"
        monkeypatch.undo()
        preloaded.restock()
        assert preloaded.wait(PATIENCE_S)
        assert (preloaded.problem, preloaded.ready) == ("", 1)


def no_threads(self: object) -> None:
    raise RuntimeError("can't start new thread")
