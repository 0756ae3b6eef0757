"""Looks at the words over a reply, with a transcriber that says what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from vflow import MS, AudioPacket, Harness, Pause, Samples, SpeechStart, SpeechVoid, TextPacket
from vflow_nodes.backchannel.words import BackchannelWords
from vflow_nodes.lib import moonshine

WINDOW = 512
ONSET_MS = 400


@dataclass(slots=True)
class Ear:
    """Stands in for Moonshine: transcribes all audio as `said`, and remembers how long it was, in ms."""

    said: str = "Okay."
    heard: list[int] = field(default_factory=list)

    def text(self, samples: Samples) -> str:
        self.heard.append(len(samples) // 16)
        return self.said

    def warm_up(self) -> None:
        """Do nothing: there is no model."""


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Ear:
    ear = Ear()
    monkeypatch.setattr(moonshine, "folder_of", lambda model: tmp_path)
    monkeypatch.setattr(moonshine, "Transcriber", lambda folder, threads: ear)
    return ear


@pytest.fixture
def harness(ear: Ear) -> Iterator[Harness]:
    with Harness(BackchannelWords()) as harness:
        yield harness


def start(harness: Harness, over_reply: bool = True) -> None:
    harness.event(SpeechStart(turn=2, meta={"over_reply_ns": ONSET_MS * MS} if over_reply else {}))


def speak(harness: Harness, to_ms: int, from_ms: int = 0, late_ms: int = 0) -> list[TextPacket]:
    """Push windows from one time of the utterance to another; return the looks at them."""
    for at in range(from_ms, to_ms, 32):
        harness.time_ns = (at + 32 + late_ms) * MS
        data = np.full(WINDOW, 0.1, np.float32)
        harness.push(AudioPacket(data=data, rate=16_000, pts_ns=at * MS, turn=2))
    return [item for item in harness.pull() if isinstance(item, TextPacket)]


def test_words_are_looked_at_after_a_quarter_second_and_then_every_tenth(harness: Harness, ear: Ear) -> None:
    start(harness)
    looks = speak(harness, 896)
    assert [look.pts_ns // MS - ONSET_MS for look in looks] == [272, 368, 464]
    assert ear.heard == [672, 768, 864]
    assert {(look.turn, look.text, look.meta["backchannel"]) for look in looks} == {(2, "Okay.", True)}


def test_an_utterance_without_a_reply_is_not_looked_at(harness: Harness, ear: Ear) -> None:
    start(harness, over_reply=False)
    assert speak(harness, 2000) == []
    assert ear.heard == []


def test_a_pause_is_looked_at_once_and_nothing_after_it(harness: Harness, ear: Ear) -> None:
    start(harness)
    speak(harness, 704)
    ear.said = "Stop."
    harness.time_ns = 704 * MS
    (look,) = harness.event(Pause(turn=2, pts_ns=704 * MS))
    assert isinstance(look, TextPacket)
    assert (look.text, look.meta["backchannel"]) == ("Stop.", False)
    harness.pull()
    assert speak(harness, 1200, 704) == []


def test_two_looks_in_a_row_at_other_words_are_enough(harness: Harness, ear: Ear) -> None:
    ear.said = "What is"
    start(harness)
    assert len(speak(harness, 1200)) == 2
    harness.pull()
    assert harness.event(Pause(turn=2, pts_ns=1200 * MS)) == []


def test_utterance_over_1500_ms_is_not_looked_at(harness: Harness) -> None:
    start(harness)
    looks = speak(harness, 4000)
    assert looks[-1].pts_ns <= (ONSET_MS + 1500) * MS


def test_audio_that_comes_late_is_not_looked_at(harness: Harness) -> None:
    start(harness)
    assert speak(harness, 800, late_ms=300) == []
    assert len(speak(harness, 832, 800)) == 1


def test_a_voided_utterance_is_over(harness: Harness) -> None:
    start(harness)
    harness.event(SpeechVoid(turn=2))
    assert speak(harness, 1200) == []
