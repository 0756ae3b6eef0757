"""Typed turns: at a terminal at once, out of a pipe after the reply before, and the end after the last."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S
from vflow import Message, VflowError
from vflow.cli.keyboard import Keyboard


class Asked:
    """Stands in for the node and the log: notes each text; turns end when the test says so."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.called = threading.Semaphore(0)
        self.ended: set[int] = set()
        self.failing = False

    def ask(self, line: str) -> int:
        if self.failing:
            raise VflowError("the pipeline is not open")
        self.calls.append(line)
        self.called.release()
        return len(self.calls)

    def end(self) -> None:
        self.calls.append("end")
        self.called.release()

    def has_ended(self, turn: int) -> bool:
        return turn in self.ended

    def wait(self) -> str:
        assert self.called.acquire(timeout=PATIENCE_S)
        return self.calls[-1]


@pytest.fixture
def mouth(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    ear, mouth = os.pipe()
    with os.fdopen(ear) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield mouth


def keyboard(asked: Asked, notes: list[str]) -> Keyboard:
    log: Any = asked
    return Keyboard(asked, log, notes.append)


def test_a_line_of_a_pipe_is_asked_when_the_turn_before_has_ended(mouth: int) -> None:
    asked, notes = Asked(), list[str]()
    board = keyboard(asked, notes)
    assert not board.at_terminal
    os.write(mouth, b"Where?\nWhen?\n")
    os.close(mouth)
    board.start()
    assert asked.wait() == "Where?"
    board.listen(Message("event", "it"))
    board.listen(Message("packet", "it"))
    asked.ended.add(1)
    board.listen(Message("played", "it"))
    assert asked.wait() == "When?"
    asked.ended.add(2)
    board.listen(Message("event", "it"))
    assert asked.wait() == "end"
    assert asked.calls == ["Where?", "When?", "end"]
    board.close()


def test_a_pipe_without_lines_ends_at_once(mouth: int) -> None:
    asked = Asked()
    board = keyboard(asked, [])
    os.close(mouth)
    board.start()
    assert asked.wait() == "end"
    board.close()


def test_a_pipeline_that_has_ended_is_told_once_and_nothing_after_the_close(mouth: int) -> None:
    asked, notes = Asked(), list[str]()
    asked.failing = True
    board = keyboard(asked, notes)
    os.write(mouth, b"Where?\n")
    board.start()
    board._thread.join(PATIENCE_S)
    assert notes == ["warning: the pipeline is not open"]
    board.close()
    other = keyboard(asked, notes)
    other.start()
    other.close()
    other._thread.join(PATIENCE_S)
    assert len(notes) == 1
    os.close(mouth)


def test_many_lines_that_are_pasted_at_a_terminal_are_all_asked(
    mouth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vflow.cli.keyboard.AT_ONCE", 2)
    monkeypatch.setattr("os.isatty", lambda fd: True)
    asked = Asked()
    board = keyboard(asked, [])
    os.write(mouth, b"1\n2\n3\n4\n5\n")
    os.close(mouth)
    board.start()
    for line in ("1", "2", "3", "4", "5"):
        assert asked.called.acquire(timeout=PATIENCE_S)
        assert len(asked.calls) - len(asked.ended) <= 2
        assert line in asked.calls
        asked.ended.add(len(asked.ended) + 1)
        board.listen(Message("flush", "it"))
    assert asked.wait() == "end"
    board.close()
