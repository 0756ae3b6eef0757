"""The events that tell of one response."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from vflow.packet import Span
from vflow.report.turn import TurnRecord
from vflow.web.realtime.items import Items
from vflow.web.realtime.response import Response
from vflow.web.realtime.settings import Settings


class Told:
    """A response, and the events that it sends."""

    def __init__(self, **settings: Any) -> None:
        self.response = Response(Settings(**settings), "conv_1")
        self.items = Items()
        self.events: list[dict[str, Any]] = []

    def say(self, kind: str, **fields: Any) -> None:
        self.events.append({"type": kind, **fields})

    def word(self, text: str) -> None:
        self.response.word(self.items, text, self.say)

    def audio(self, frames: int, *spans: Span) -> None:
        self.response.audio(self.items, np.zeros(frames, np.float32), 24_000, spans, self.say)

    def end(self, **record: Any) -> dict[str, Any]:
        self.response.end(TurnRecord(1, **record), self.say)
        done: dict[str, Any] = self.events[-1]["response"]
        return done


def test_deltas_of_words_make_the_transcript() -> None:
    told = Told()
    for word in (" Rome", "grew", "\u90fd\u5e02", "\u306f", "out."):
        told.word(word)
    deltas = [event["delta"] for event in told.events if event["type"].endswith(".delta")]
    done = told.end(tokens=7)
    assert (
        "".join(deltas) == "Rome grew\u90fd\u5e02\u306fout." == done["output"][0]["content"][0]["transcript"]
    )
    assert done["usage"]["total_tokens"] == 7


def test_usage_counts_the_prompt_and_what_of_it_is_sound() -> None:
    usage = Told().end(tokens=7, prompt_tokens=400, prompt_audio_tokens=375)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (400, 7, 407)
    assert usage["input_token_details"] == {"text_tokens": 25, "audio_tokens": 375, "cached_tokens": 0}
    assert Told().end(tokens=7)["usage"]["input_tokens"] == 0


def test_every_part_that_was_opened_is_closed_in_reverse() -> None:
    told = Told()
    told.word("one")
    told.audio(480)
    told.end()
    kinds = [event["type"] for event in told.events]
    assert kinds[:3] == [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    audio = next(event for event in told.events if event["type"] == "response.output_audio.delta")
    assert len(base64.b64decode(audio["delta"])) == 960


def test_a_reply_of_nothing_has_no_item() -> None:
    done = Told().end()
    assert (done["status"], done["output"]) == ("completed", [])


def test_how_a_turn_ended_is_the_status() -> None:
    def status(**record: Any) -> tuple[str, Any]:
        done = Told().end(**record)
        return done["status"], (done["status_details"] or {}).get("reason")

    assert status(stop_reason="eos") == ("completed", None)
    assert status(stop_reason="limit") == ("incomplete", "max_output_tokens")
    assert status(stop_reason="error") == ("failed", None)
    assert status(interrupted=True) == ("cancelled", "turn_detected")


def test_a_reply_that_was_cut_has_the_words_that_are_remembered() -> None:
    told = Told()
    for word in ("one", "two", "three"):
        told.word(word)
    done = told.end(interrupted=True, heard="one two")
    assert done["output"][0]["content"][0]["transcript"] == "one two"
    assert done["output"][0]["status"] == "incomplete"


def test_a_reply_that_was_taken_back_has_no_words() -> None:
    told = Told()
    told.word("one")
    done = told.end(interrupted=True, heard="one", taken_back=True)
    assert done["output"][0]["content"][0]["transcript"] == ""


def test_words_have_places_in_the_whole_of_the_sound() -> None:
    told = Told()
    told.audio(24_000, Span(1, 0, "one", 0, 12_000))
    told.audio(24_000, Span(1, 1, "two", -2_400, 4_800))
    assert told.response.item is not None
    assert told.response.item.spans == [(0.25, "one"), (1.05, "two")]
    assert told.response.item.sent_s == 2.0


def test_a_reply_in_words_sends_no_sound() -> None:
    told = Told(modalities=("text",))
    told.word("one")
    told.audio(480)
    done = told.end()
    assert [event["type"] for event in told.events if "audio" in event["type"]] == []
    assert done["output"][0]["content"][0] == {"type": "output_text", "text": "one"}
    assert done["audio"] is None
