"""The events that messages of the bus mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import scripted_agent
from vflow import AudioPacket, Flush, Message, SpeechEnd, SpeechStart, SpeechVoid, TurnEnd, load
from vflow.outbox import Outbox
from vflow.session import (
    Event,
    ReplyAudio,
    ReplyGoesOn,
    ReplyHeld,
    ReplyWritten,
    StateChanged,
    UserBegan,
    UserFinished,
    Warned,
)
from vflow.session.teller import Teller


@pytest.fixture
def made(tmp_path: Path) -> tuple[Teller, Outbox[Event]]:
    events: Outbox[Event] = Outbox(100)
    graph = load(scripted_agent.graph(tmp_path), nodes=scripted_agent.NODES, require_available=False)
    return Teller(graph, events), events


def told(made: tuple[Teller, Outbox[Event]], kind: str, text: str = "", **data: Any) -> list[Event]:
    teller, events = made
    teller.listen(Message(kind, "speaker", 0, text, data))
    found = []
    while (event := events.get(0)) is not None:
        found.append(event)
    return [event for event in found if not isinstance(event, StateChanged)]


def test_a_hold_begins_and_ends(made: tuple[Teller, Outbox[Event]]) -> None:
    assert told(made, "hold", phase="begun") == [ReplyHeld()]
    assert told(made, "hold", phase="ended") == [ReplyGoesOn()]


def test_a_warning_names_its_node(made: tuple[Teller, Outbox[Event]]) -> None:
    assert told(made, "warning", "too slow") == [Warned("speaker", "too slow")]


def test_the_end_of_the_pipeline_ends_the_events(made: tuple[Teller, Outbox[Event]]) -> None:
    teller, events = made
    teller.listen(Message("state", "", 0, "", {"state": "playing"}))
    assert not events._closed
    teller.listen(Message("state", "", 0, "", {"state": "stopped"}))
    assert events._closed


def test_forget_drops_unread_audio(made: tuple[Teller, Outbox[Event]]) -> None:
    teller, events = made
    teller.audio(AudioPacket(data=np.zeros((240, 1), np.float32), rate=24_000, turn=1, pts_ns=0))
    told_of = events.get(0)
    assert isinstance(told_of, ReplyAudio)
    assert len(told_of.samples) == 240
    teller.audio(AudioPacket(data=np.zeros((480, 1), np.float32), rate=24_000, turn=1, pts_ns=0))
    assert teller.forget() == 480
    assert events.get(0) is None


def test_the_begin_and_the_end_of_speech_are_told_once_with_their_places(
    made: tuple[Teller, Outbox[Event]],
) -> None:
    made[0].handed_in_s = lambda pts_ns: pts_ns / 1_000_000_000 - 1
    for _ in range(2):  # a node behind may say it again
        began = told(made, "event", event=SpeechStart(turn=1, pts_ns=2_000_000_000))
        ended = told(made, "event", event=SpeechEnd(turn=1, pts_ns=3_000_000_000))
        if began:
            assert (began, ended) == ([UserBegan(1, 1.0)], [UserFinished(1, 2.0)])
    assert began == ended == []


def over_a_reply(made: tuple[Teller, Outbox[Event]]) -> list[Event]:
    """Somebody speaks over a reply, and may only assent."""
    start = SpeechStart(pts_ns=2_000_000_000, turn=2, meta={"over_reply_ns": 2_100_000_000})
    return told(made, "event", event=start)


def test_voice_over_a_reply_is_told_of_once_it_surely_interrupts(made: tuple[Teller, Outbox[Event]]) -> None:
    assert over_a_reply(made) == []
    assert told(made, "flush", flush=Flush(1, 1)) == [UserBegan(2, 2.0)]
    assert told(made, "flush", flush=Flush(2, 1)) == []
    end = SpeechEnd(pts_ns=3_000_000_000, turn=2)
    assert told(made, "event", event=end) == [UserFinished(2, 3.0)]


def test_a_word_of_assent_is_not_told_of(made: tuple[Teller, Outbox[Event]]) -> None:
    assert over_a_reply(made) == []
    assert told(made, "event", event=SpeechVoid(turn=2)) == []
    assert told(made, "flush", flush=Flush(1, 2)) == []
    start = SpeechStart(pts_ns=4_000_000_000, turn=3)
    assert told(made, "event", event=start) == [UserBegan(3, 4.0)]


def test_an_earlier_interruption_says_nothing_of_voice_that_is_in_doubt(
    made: tuple[Teller, Outbox[Event]],
) -> None:
    assert over_a_reply(made) == []
    assert told(made, "flush", flush=Flush(1, 0)) == []
    assert told(made, "event", event=SpeechEnd(pts_ns=3_000_000_000, turn=2)) == [
        UserBegan(2, 2.0),
        UserFinished(2, 3.0),
    ]


def test_a_reply_that_has_all_its_words_is_told_of_once(made: tuple[Teller, Outbox[Event]]) -> None:
    def written(end: TurnEnd) -> list[Event]:
        return [event for event in told(made, "event", event=end) if isinstance(event, ReplyWritten)]

    end = TurnEnd(turn=1, meta={"tokens": 3, "stop_reason": "limit"})
    assert written(end) == [ReplyWritten(1, 3, "limit")]
    assert written(end) == []
    assert written(TurnEnd(turn=2, meta={"tokens": "x", "prompt_tokens": 9})) == [
        ReplyWritten(2, 0, "eos", 9)
    ]


def test_a_reply_that_was_settled_is_so_in_the_log(made: tuple[Teller, Outbox[Event]]) -> None:
    made[0].settle(1, "Rome grew")
    assert made[0].log.turns[1].heard == "Rome grew"
