"""The turns of one conversation, each handed over once."""

from __future__ import annotations

from typing import Any

from vflow import MS, Message, SpeechEnd, SpeechStart, TurnEnd
from vflow.graph.loader import load_text
from vflow.otel.turn_feed import TurnFeed
from vflow.report.turn import TurnRecord
from vflow.report.turn_log import TurnLog
from vflow.runtime.pipeline import Pipeline

GRAPH = "nodes: {mic: {use: test_tone, duration: 20ms}, end: {use: 'null'}}\nlinks: [mic -> end]\n"


class Taken:
    """In place of the export."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, int]] = []

    def add(self, conversation: str, pipeline: Pipeline, turn: TurnRecord) -> None:
        self.turns.append((conversation, turn.number))


def tell(log: TurnLog, at_ms: int, event: Any) -> None:
    log.listen(Message("event", "mic", at_ms * MS, data={"event": event, "port": "audio"}))


def test_turns_are_handed_over_once_and_at_the_end_those_that_did_not_end() -> None:
    graph = load_text(GRAPH)
    log, taken = TurnLog(graph), Taken()
    feed = TurnFeed(taken, "abc", Pipeline(graph), log)  # type: ignore[arg-type]
    for turn in (1, 2, 3):
        tell(log, turn * 1_000, SpeechStart(turn=turn))
        tell(log, turn * 1_000 + 500, SpeechEnd(turn=turn))
    tell(log, 9_000, TurnEnd(turn=1))
    feed.more()
    feed.more()
    assert taken.turns == [("abc", 1)]
    tell(log, 9_100, TurnEnd(turn=3))
    feed.end()
    assert taken.turns == [("abc", 1), ("abc", 3), ("abc", 2)]
    assert [turn.number for turn in log.take_ended()] == [1, 3]  # others have readers of their own
