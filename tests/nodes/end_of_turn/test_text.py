"""The words alone: a verdict where a pause has a transcript, and none where it has not."""

from __future__ import annotations

import pytest

from tests.nodes.end_of_turn.stand_in import PAUSE_NS, ratings, utter
from vflow import MS, Harness, Resume, TextPacket
from vflow.ports import Item
from vflow_nodes.end_of_turn.text import TextEndOfTurn


def transcript(harness: Harness, text: str, pts_ns: int = PAUSE_NS, turn: int = 1) -> list[Item]:
    harness.pull()
    return harness.push(TextPacket(text=text, pts_ns=pts_ns, turn=turn), "transcript")


def test_a_pause_is_judged_when_its_transcript_comes() -> None:
    with Harness(TextEndOfTurn()) as harness:
        assert utter(harness) == []
        (verdict,) = transcript(harness, "What's the weather like?")
        assert isinstance(verdict, TextPacket)
        assert (verdict.turn, verdict.pts_ns) == (1, PAUSE_NS)


def test_a_transcript_that_comes_first_waits_for_the_pause() -> None:
    with Harness(TextEndOfTurn()) as harness:
        assert transcript(harness, "Yes.") == []
        assert len(ratings(utter(harness))) == 1


def test_a_complete_sentence_is_rated_above_one_that_breaks_off() -> None:
    found = []
    for text in ("My name is", "My name is Ada.", "What is your name?"):
        with Harness(TextEndOfTurn()) as harness:
            utter(harness)
            found += ratings(transcript(harness, text))
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("text", "pts_ns", "turn"), [("", PAUSE_NS, 1), ("Yes.", PAUSE_NS - MS, 1), ("Yes.", PAUSE_NS, 7)]
)
def test_no_words_or_those_of_another_pause_give_no_verdict(text: str, pts_ns: int, turn: int) -> None:
    with Harness(TextEndOfTurn()) as harness:
        utter(harness)
        assert transcript(harness, text, pts_ns, turn) == []


@pytest.mark.parametrize("in_band", [False, True])
def test_no_verdict_comes_of_a_pause_that_is_over(in_band: bool) -> None:
    with Harness(TextEndOfTurn()) as harness:
        if in_band:
            utter(harness)
            harness.event(Resume(turn=1, pts_ns=PAUSE_NS))
            assert transcript(harness, "Yes.") == []
        else:  # the transcript came first, and was taken back before the pause was read
            transcript(harness, "Yes.")
            harness.retracted(1)
            assert utter(harness) == []


def test_text_is_available_on_any_machine() -> None:
    assert TextEndOfTurn.unavailable() == ""
