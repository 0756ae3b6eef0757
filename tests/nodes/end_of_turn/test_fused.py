"""Sound and words: which of them a verdict has, and when it comes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.nodes.end_of_turn.stand_in import PAUSE_NS, Ear, ratings, utter
from vflow import MS, AudioPacket, Harness, Pause, Resume, TextPacket
from vflow.ports import Item
from vflow_nodes.end_of_turn.fused import FusedEndOfTurn
from vflow_nodes.lib import smart_turn
from vflow_nodes.lib.utterance import RATE
from vflow_nodes.lib.verdicts import PATIENCE_NS


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    made = Ear(0.5)
    monkeypatch.setattr(smart_turn, "load", lambda: made)
    return made


@pytest.fixture
def harness(ear: Ear) -> Harness:
    """Return a harness of the node with a transcript linked."""
    made = Harness(FusedEndOfTurn())
    made.linked_sources = ("stt",)
    return made


def transcript(harness: Harness, text: str, pts_ns: int = PAUSE_NS, turn: int = 1) -> list[Item]:
    harness.pull()
    return harness.push(TextPacket(text=text, pts_ns=pts_ns, turn=turn), "transcript")


def rated(text: str) -> float:
    with Harness(FusedEndOfTurn()) as harness:
        harness.linked_sources = ("stt",)
        utter(harness)
        (found,) = ratings(transcript(harness, text))
        return found


def test_the_verdict_waits_for_the_transcript(harness: Harness) -> None:
    with harness:
        assert utter(harness) == []
        (verdict,) = transcript(harness, "What's the weather like?")
        assert isinstance(verdict, TextPacket)
        assert (verdict.turn, verdict.pts_ns) == (1, PAUSE_NS)
        assert harness.timer_ns is None
        harness.pull()
        assert harness.advance(1000 * MS) == [], "one verdict is enough"


@pytest.mark.parametrize(
    ("over", "open_end"),
    [
        ("What's the weather like?", "What's the weather like in"),
        ("I wanted to give you a call.", "I wanted to give you a call,"),
        ("My last name is Miller.", "My last name is"),
        ("I am not sure.", "I am not sure..."),
    ],
)
@pytest.mark.usefixtures("ear")
def test_a_complete_sentence_is_rated_above_one_that_breaks_off(over: str, open_end: str) -> None:
    assert rated(over) > rated(open_end)


def test_sound_alone_judges_at_once_where_no_transcript_is_linked(harness: Harness, ear: Ear) -> None:
    harness.linked_sources = ()
    with harness:
        assert len(ratings(utter(harness))) == 1
        assert harness.timer_ns is None


def test_sound_alone_judges_where_the_transcript_is_late_until_it_is_here(harness: Harness) -> None:
    with harness:
        assert utter(harness) == []
        assert harness.advance(PATIENCE_NS - 1) == []
        (alone,) = ratings(harness.advance(1))
        (both,) = ratings(transcript(harness, "And then we"))
        assert both < alone


def test_sound_alone_judges_where_nothing_was_understood(harness: Harness) -> None:
    with harness:
        utter(harness)
        (found,) = ratings(transcript(harness, ""))
    with Harness(FusedEndOfTurn()) as alone:
        assert ratings(utter(alone)) == [found]


def test_a_transcript_that_is_here_before_the_look_is_used(harness: Harness) -> None:
    with harness:
        transcript(harness, "Yes, please.")
        assert len(ratings(utter(harness))) == 1


@pytest.mark.parametrize(("pts_ns", "turn"), [(PAUSE_NS - 300 * MS, 1), (PAUSE_NS, 7)])
def test_a_transcript_of_another_pause_or_turn_is_not_used(harness: Harness, pts_ns: int, turn: int) -> None:
    with harness:
        utter(harness)
        assert transcript(harness, "Yes.", pts_ns, turn) == []


@pytest.mark.parametrize("in_band", [False, True])
def test_no_verdict_comes_of_a_pause_that_is_over(harness: Harness, in_band: bool) -> None:
    with harness:
        utter(harness)
        if in_band:
            harness.event(Resume(turn=1, pts_ns=PAUSE_NS))
        else:  # the retraction may come long before the event
            harness.retracted(1)
        assert transcript(harness, "Yes.") == []
        assert harness.advance(1000 * MS) == []


def test_an_interruption_of_a_reply_leaves_the_verdict_to_come(harness: Harness) -> None:
    with harness:
        utter(harness, turn=2)
        harness.timer_ns = None  # a flush cancels the timers of what it reaches
        harness.flush(turn=1)
        assert len(ratings(harness.advance(PATIENCE_NS))) == 1


def test_a_newer_pause_replaces_the_one_that_waits(harness: Harness) -> None:
    with harness:
        utter(harness)
        harness.event(Resume(turn=1, pts_ns=PAUSE_NS))
        block = AudioPacket(data=np.zeros(RATE // 10, np.float32), rate=RATE, pts_ns=PAUSE_NS, turn=1)
        harness.push(block, "audio")
        harness.event(Pause(turn=1, pts_ns=PAUSE_NS + 100 * MS))
        harness.pull()
        found = harness.advance(1000 * MS)
        assert [item.pts_ns for item in found] == [PAUSE_NS + 100 * MS]


def test_a_missing_model_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.models.catalogue.is_present", lambda name: False)
    assert FusedEndOfTurn.unavailable().endswith("vflow models pull smart-turn")
