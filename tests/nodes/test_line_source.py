"""Lines of standard input as turns: one by one out of a pipe, each cutting the reply at a terminal."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Iterator
from typing import Literal

import pytest

from tests.stand_ins import PATIENCE_S, Collect
from vflow import Flush, In, Pipeline, Text, load


class Lines(Collect):
    text = In(Text("final"))


def graph(interrupts: Literal["auto", "yes", "no"] = "auto") -> Pipeline:
    nodes = {"it": {"use": "line_source", "interrupts": interrupts}, "sink": {"use": "t.lines"}}
    return Pipeline(load({"nodes": nodes, "links": ["it -> sink"]}, nodes={"t.lines": Lines}))


def ran(running: Pipeline) -> tuple[list[tuple[str, int]], list[Flush]]:
    """Return the lines with their turns, and the interruptions."""
    flushes: list[Flush] = []
    running.bus.listen(lambda m: flushes.append(m.data["flush"]) if m.kind == "flush" else None)
    with running:
        assert running.wait(PATIENCE_S)
    sink = running.nodes["sink"]
    assert isinstance(sink, Collect)
    return [(packet.text, packet.turn) for packet in sink.got], flushes


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ear, mouth = os.pipe()
    os.write(mouth, b"Where?\n\nWhen?")
    os.close(mouth)
    with os.fdopen(ear) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    master, slave = pty.openpty()
    os.write(master, b"Where?\nWhen?\n\x04")
    with os.fdopen(slave) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield
    os.close(master)


def test_lines_of_a_pipe_are_turns_that_interrupt_nothing(piped: None) -> None:
    assert ran(graph()) == ([("Where?", 1), ("When?", 2)], [])


@pytest.mark.parametrize(("interrupts", "cut"), [("auto", [0, 1]), ("no", [])])
def test_lines_at_a_terminal_interrupt_unless_they_are_not_to(
    typed: None, interrupts: Literal["auto", "no"], cut: list[int]
) -> None:
    lines, flushes = ran(graph(interrupts))
    assert lines == [("Where?", 1), ("When?", 2)]
    assert [flush.turn for flush in flushes] == cut


def test_lines_of_a_pipe_interrupt_where_they_are_to(piped: None) -> None:
    _, flushes = ran(graph("yes"))
    assert [flush.turn for flush in flushes] == [0, 1]


def test_a_pipeline_ends_while_nobody_types(monkeypatch: pytest.MonkeyPatch) -> None:
    ear, mouth = os.pipe()
    with os.fdopen(ear) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        running = graph()
        with running:
            pass
        assert not running.abandoned
    os.close(mouth)
