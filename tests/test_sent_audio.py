"""Sent audio: spans, cuts, and late reports tell how much of each reply was sent and heard."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import AudioPacket, SentAudio, Span
from vflow.errors import Flushed

RATE = 1000


def packet(turn: int, *words: str, index: int = 0) -> AudioPacket:
    """100 frames a word."""
    spans = tuple(Span(turn, index + n, w, n * 100, (n + 1) * 100) for n, w in enumerate(words))
    return AudioPacket(data=np.zeros(100 * max(1, len(words)), np.float32), rate=RATE, spans=spans, turn=turn)


@pytest.fixture
def sent() -> SentAudio:
    return SentAudio(RATE)


def test_a_word_counts_from_its_middle_on(sent: SentAudio) -> None:
    sent.send(packet(1, "one", "two"), 0)
    sent.hear(150)
    (played,) = sent.drop(1)
    assert (played.turn, played.samples, played.heard, played.words) == (1, 150, "one", 1)


def test_start_and_end_are_told_once_as_they_are_heard(sent: SentAudio) -> None:
    sent.send(packet(1, "one"), 0)
    assert sent.hear(0) == []
    assert [phase for phase, _ in sent.hear(10)] == ["start"]
    assert sent.end_turn(1) == []
    ((phase, played),) = sent.hear(100)
    assert (phase, played.heard, played.ended) == ("end", "one", True)
    assert sent.hear(100) == []


def test_an_end_after_all_was_heard_is_told_at_once(sent: SentAudio) -> None:
    sent.send(packet(1, "one"), 0)
    sent.hear(100)
    assert [phase for phase, _ in sent.end_turn(1)] == ["end"]
    assert sent.end_turn(9) == []


def test_heard_audio_never_shrinks_or_exceeds_the_sent_audio(sent: SentAudio) -> None:
    sent.send(packet(1, "one", "two"), 0)
    sent.hear(500)
    sent.hear(50)
    assert sent.unheard == 0
    (played,) = sent.drop(1)
    assert played.samples == 200


def test_drop_refuses_older_epochs_and_forgets_unheard_audio(sent: SentAudio) -> None:
    sent.send(packet(1, "one"), 0)
    sent.drop(3)
    assert sent.unheard == 0
    with pytest.raises(Flushed):
        sent.send(packet(2, "late"), 2)
    sent.send(packet(2, "new"), 3)
    assert sent.unheard == 100


def test_a_drop_tells_of_the_reply_that_was_heard_to_its_end_until_another_sounds(sent: SentAudio) -> None:
    sent.send(packet(1, "one"), 0)
    sent.end_turn(1)
    sent.hear(100)
    sent.send(packet(2, "two"), 0)
    first, second = sent.drop(1)
    assert (first.turn, first.ended, second.turn, second.samples) == (1, True, 2, 0)
    sent.send(packet(3, "three"), 1)
    sent.hear(250)
    assert [record.turn for record in sent.drop(2)] == [3]


def test_audio_the_application_never_got_counts_as_not_sent(sent: SentAudio) -> None:
    sent.send(packet(1, "one", "two"), 0)
    sent.hear(200)
    (played,) = sent.drop(1, unsent=100)
    assert (played.heard, played.samples) == ("one", 100)
    _, late = sent.hear_of(1, 200)
    assert late is not None
    assert late.heard == "one"


@pytest.mark.parametrize(
    ("frames", "heard"), [(0, ""), (80, "one"), (160, "one two"), (999, "one two three")]
)
def test_a_late_report_puts_a_cut_reply_right(sent: SentAudio, frames: int, heard: str) -> None:
    sent.send(packet(7, "before"), 0)
    sent.end_turn(7)
    sent.hear(100)
    sent.send(packet(1, "one", "two", "three"), 0)
    sent.hear(220)
    sent.drop(1)
    reports, late = sent.hear_of(1, frames)
    assert reports == []
    assert late is not None
    assert late.heard == heard
    assert sent.sent_of(1) == 300


def test_a_cut_reply_is_forgotten_when_the_next_one_has_ended(sent: SentAudio) -> None:
    sent.send(packet(1, "one"), 0)
    sent.drop(1)
    sent.send(packet(2, "two"), 1)
    sent.end_turn(2)
    assert sent.hear_of(2, 50)[0][0][0] == "start"
    assert sent.sent_of(1) == 100
    assert [phase for phase, _ in sent.hear_of(2, 100)[0]] == ["end"]
    assert sent.sent_of(1) is None
    assert sent.hear_of(1, 100) == ([], None)


def test_words_are_joined_as_their_script_writes_them(sent: SentAudio) -> None:
    sent.send(packet(1, "你好，", "世界。"), 0)
    sent.hear(200)
    assert sent.drop(1)[0].heard == "你好，世界。"


def test_of_many_cuts_in_a_row_the_last_are_remembered(sent: SentAudio) -> None:
    for turn in range(1, 101):
        sent.send(packet(turn, "one"), turn)
        sent.drop(turn + 1)
    assert sent.sent_of(100) == sent.sent_of(85) == 100
    assert sent.sent_of(84) is None


def test_the_first_reply_that_is_not_over_is_the_one_that_sounds(sent: SentAudio) -> None:
    assert sent.sounding is None
    sent.send(packet(1, "one"), 0)
    sent.send(packet(2, "two"), 0)
    assert sent.sounding == 1
    sent.end_turn(1)
    sent.hear(100)
    assert sent.sounding == 2


def test_next_due_is_where_a_reply_begins_or_ends(sent: SentAudio) -> None:
    assert sent.next_due() is None
    sent.send(packet(1, "one"), 0)
    assert sent.next_due() == 1
    sent.hear(1)
    assert sent.next_due() is None
    sent.end_turn(1)
    assert sent.next_due() == 100


def test_the_reply_that_plays_has_the_words_heard_by_then(sent: SentAudio) -> None:
    assert sent.playing(0) is None
    sent.send(packet(1, "one", "two"), 0)
    sent.send(packet(2, "three"), 0)
    sent.end_turn(1)
    found = [sent.playing(heard) for heard in (0, 160, 200, 250)]
    assert [(p.turn, p.words) for p in found if p is not None] == [(1, 0), (1, 2), (2, 0), (2, 0)]
