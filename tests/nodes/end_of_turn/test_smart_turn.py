"""smart-turn as a candidate: one look a pause, at the last 8 s, and none that comes too late."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes.end_of_turn.stand_in import PAUSE_NS, Ear, ratings, utter
from vflow import MS, AudioPacket, Harness, Pause, Resume, SpeechEnd, TextPacket
from vflow_nodes.end_of_turn.smart_turn import SmartTurnEndOfTurn
from vflow_nodes.lib import smart_turn
from vflow_nodes.lib.utterance import RATE


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    made = Ear(0.9)
    monkeypatch.setattr(smart_turn, "load", lambda: made)
    return made


def test_a_pause_gets_one_verdict_of_its_turn_and_time(ear: Ear) -> None:
    with Harness(SmartTurnEndOfTurn()) as harness:
        ear.heard.clear()
        (verdict,) = utter(harness)
        assert isinstance(verdict, TextPacket)
        assert (verdict.turn, verdict.pts_ns) == (1, PAUSE_NS)
        assert 0 < verdict.meta["finished"] < 1
        assert ear.heard == [RATE]
        harness.pull()
        assert harness.event(Pause(turn=1, pts_ns=PAUSE_NS)) == [], "the same, by the other input"
        assert harness.event(SpeechEnd(turn=1, pts_ns=2 * PAUSE_NS)) == []


def test_speech_that_sounds_finished_is_rated_higher(ear: Ear) -> None:
    found = []
    for ear.rating in (0.0, 0.01, 0.5, 0.99, 1.0):
        with Harness(SmartTurnEndOfTurn()) as harness:
            found += ratings(utter(harness))
    assert found == sorted(found)
    assert found[0] < 0.3 < found[-1]


def test_a_pause_that_is_half_a_second_old_is_not_looked_at(ear: Ear) -> None:
    with Harness(SmartTurnEndOfTurn()) as harness:
        utter(harness)
        harness.event(Resume(turn=1, pts_ns=PAUSE_NS))
        harness.push(
            AudioPacket(data=np.zeros(RATE, np.float32), rate=RATE, pts_ns=PAUSE_NS, turn=1), "audio"
        )
        ear.heard.clear()
        harness.pull()
        harness.time_ns = 2 * PAUSE_NS + 501 * MS
        assert harness.event(Pause(turn=1, pts_ns=2 * PAUSE_NS)) == []
        assert ear.heard == []


def test_the_transcript_changes_nothing(ear: Ear) -> None:
    with Harness(SmartTurnEndOfTurn()) as harness:
        utter(harness)
        harness.pull()
        assert harness.push(TextPacket(text="And", turn=1, pts_ns=PAUSE_NS), "transcript") == []


def test_a_missing_model_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.models.catalogue.is_present", lambda name: False)
    assert SmartTurnEndOfTurn.unavailable().endswith("vflow models pull smart-turn")
