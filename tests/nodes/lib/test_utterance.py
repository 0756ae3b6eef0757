"""The utterance that goes on: its newest sound, and each event of it once, however often it comes."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import MS, SECOND, AudioPacket, Eos, Pause, Resume, SpeechEnd, SpeechStart
from vflow_nodes.lib.utterance import RATE, Utterance


def block(at_ms: int, ms: int = 100, value: float = 0.0, turn: int = 1) -> AudioPacket:
    data = np.full(ms * RATE // 1000, value, np.float32)
    return AudioPacket(data=data, rate=RATE, pts_ns=at_ms * MS, turn=turn)


@pytest.fixture
def utterance() -> Utterance:
    """Return an utterance of turn 1, which began at 100 ms and has 400 ms of sound."""
    made = Utterance(keep_s=0.25)
    assert made.follow(SpeechStart(turn=1, pts_ns=100 * MS))
    for n in range(4):
        made.add(block(100 + 100 * n, value=n / 10))
    return made


def test_the_newest_sound_is_kept_and_the_length_is_of_all(utterance: Utterance) -> None:
    samples = utterance.samples()
    assert len(samples) == RATE // 4
    assert samples[0] == pytest.approx(0.1)
    assert samples[-1] == pytest.approx(0.3)
    assert utterance.seconds == pytest.approx(0.4)


def test_sound_that_nobody_wants_is_not_kept() -> None:
    made = Utterance(keep_s=0)
    made.follow(SpeechStart(turn=1))
    made.add(block(0))
    assert len(made.samples()) == 0
    assert made.seconds == pytest.approx(0.1)


def test_a_new_utterance_begins_empty(utterance: Utterance) -> None:
    utterance.follow(SpeechStart(turn=2, pts_ns=450 * MS))
    assert len(utterance.samples()) == 0
    utterance.add(block(500, turn=1))
    assert len(utterance.samples()) == 0, "of the turn before"
    utterance.add(block(450, turn=2))
    assert len(utterance.samples()) == RATE // 10


def test_an_event_counts_once_though_two_inputs_bring_it(utterance: Utterance) -> None:
    events = [
        Pause(turn=1, pts_ns=500 * MS),
        Resume(turn=1, pts_ns=500 * MS),  # the next window was voice
        Pause(turn=1, pts_ns=900 * MS),
        SpeechEnd(turn=1, pts_ns=1300 * MS),
    ]
    for at in range(500, 1300, 100):
        utterance.add(block(at))
    assert [utterance.follow(event) for event in events] == [True] * 4
    assert not utterance.follow(SpeechStart(turn=1, pts_ns=100 * MS))
    assert [utterance.follow(event) for event in events] == [False] * 4
    assert utterance.seconds == pytest.approx(1.2), "the second SpeechStart begins nothing"


def test_a_pause_lasts_until_the_speaker_goes_on(utterance: Utterance) -> None:
    pause = Pause(turn=1, pts_ns=500 * MS)
    assert utterance.pause is None
    utterance.follow(pause)
    assert utterance.pause is pause
    utterance.follow(Resume(turn=1, pts_ns=500 * MS))
    assert utterance.pause is None
    assert not utterance.follow(pause), "it comes late, by the other input"
    assert utterance.pause is None


def test_a_pause_that_comes_before_its_audio_waits_for_its_second_coming(utterance: Utterance) -> None:
    pause = Pause(turn=1, pts_ns=600 * MS)
    assert not utterance.follow(pause)
    utterance.add(block(500))
    assert utterance.follow(pause)


@pytest.mark.parametrize("event", [Pause(turn=7, pts_ns=SECOND), Eos(), SpeechEnd(turn=0)])
def test_events_of_no_utterance_here_are_left_alone(utterance: Utterance, event: Pause) -> None:
    assert not utterance.follow(event)
    assert utterance.turn == 1
