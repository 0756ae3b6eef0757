"""What a run prints of who says what."""

from __future__ import annotations

import pytest

from vflow import Message, Node, Out, Text, TextPacket
from vflow.cli.live_view import Terminal
from vflow.graph.loader import load_text
from vflow.report.turn_log import TurnLog


class Hears(Node):
    """Answers, and says what it heard."""

    words = Out(Text("word"))
    transcript = Out(Text("final"))


def said(port: str, text: str, turn: int) -> Message:
    packet = TextPacket(text=text, turn=turn)
    return Message("packet", "it", text=text, data={"port": port, "packet": packet})


def shown(capsys: pytest.CaptureFixture[str], *messages: Message) -> list[str]:
    graph = load_text("nodes: {it: {use: t.hears}}\n", nodes={"t.hears": Hears})
    terminal = Terminal(graph, TurnLog(graph), live=False)
    for message in messages:
        terminal._show(message)
    terminal.end_line()
    return capsys.readouterr().out.splitlines()


def test_a_reply_is_one_line_behind_its_transcript(capsys: pytest.CaptureFixture[str]) -> None:
    talk = said("transcript", "Why?", 1), said("words", "I", 1), said("words", "see.", 1)
    assert shown(capsys, *talk) == ["you:   Why?", "agent: I see."]


def test_a_reply_whose_transcript_comes_inside_it_is_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    talk = [
        said("words", "I", 1), said("transcript", "Why?", 1), said("words", "see.", 1),
        said("transcript", "What?", 2), said("words", "Well.", 2),
    ]  # fmt: skip
    assert shown(capsys, *talk) == [
        "agent: I",
        "you:   Why?",
        "agent: ... see.",
        "you:   What?",
        "agent: Well.",
    ]
