"""Push to talk: the button alone begins and ends a turn, by a call or by marks in the stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from vflow import MS, AudioPacket, Event, Harness, SpeechEnd, SpeechStart, TalkEnd, TalkStart, VflowError
from vflow_nodes.push_to_talk import MOST_WAITING, PushToTalk

STEP = 20 * MS


class Button:
    """A harness whose clock and audio advance together, in packets of 20 ms."""

    def __init__(self, harness: Harness) -> None:
        assert isinstance(harness.node, PushToTalk)
        self.harness, self.node = harness, harness.node
        self.out: list[Any] = []

    def hear(self, ms: int) -> None:
        for _ in range(ms // 20):
            pts = self.harness.time_ns
            self.harness.time_ns += STEP
            packet = AudioPacket(data=np.zeros(320, np.float32), rate=16_000, pts_ns=pts)
            self._took(self.harness.push(packet))

    def mark(self, event: Event) -> None:
        self._took(self.harness.event(event))

    def _took(self, items: list[Any]) -> None:
        self.harness.pull()
        self.out += items

    @property
    def told(self) -> list[tuple[str, int, int]]:
        """Return the events, with turn and time in ms."""
        return [(item.name, item.turn, item.pts_ns // MS) for item in self.out if isinstance(item, Event)]

    @property
    def sent(self) -> list[tuple[int, int]]:
        """Return the packets, with turn and time in ms."""
        return [(item.turn, item.pts_ns // MS) for item in self.out if isinstance(item, AudioPacket)]


@pytest.fixture
def button() -> Iterator[Button]:
    with Harness(PushToTalk()) as harness:
        yield Button(harness)


def test_turn_is_the_audio_between_press_and_release_with_pre_roll_and_tail(button: Button) -> None:
    button.hear(1000)
    button.node.press()
    button.hear(600)
    button.node.release()
    button.hear(1000)
    assert button.told == [("speech_start", 1, 800), ("speech_end", 1, 1800)]
    assert button.sent == [(1, ms) for ms in range(800, 1800, 20)]
    assert button.out[-1].meta["voice_off_ns"] == 1600 * MS
    assert button.harness.interrupted == [0]


def test_pressing_interrupts_before_the_turn_is_long_enough_to_be_one(button: Button) -> None:
    button.hear(100)
    button.node.press()
    button.hear(20)
    assert button.harness.interrupted == [0]
    assert button.out == []


def test_a_short_press_interrupts_and_makes_no_turn(button: Button) -> None:
    button.hear(1000)
    button.node.press()
    button.hear(100)
    button.node.release()
    button.hear(1000)
    assert button.out == []
    button.node.press()
    button.hear(400)
    assert button.told == [("speech_start", 2, 1900)]
    assert button.harness.interrupted == [0, 1]


def test_a_second_press_or_release_has_no_effect(button: Button) -> None:
    button.node.release()
    button.hear(100)
    for _ in range(2):
        button.node.press()
        button.hear(300)
    for _ in range(2):
        button.node.release()
        button.hear(60)
    button.hear(1000)
    assert [name for name, *_ in button.told] == ["speech_start", "speech_end"]


def test_a_press_within_the_tail_ends_the_turn_and_begins_the_next(button: Button) -> None:
    button.node.press()
    button.hear(400)
    button.node.release()
    button.hear(100)
    button.node.press()
    button.hear(400)
    assert [(name, turn) for name, turn, _ in button.told] == [
        ("speech_start", 1), ("speech_end", 1), ("speech_start", 2)
    ]  # fmt: skip


def test_a_button_that_sticks_ends_the_turn_after_the_longest_utterance() -> None:
    with Harness(PushToTalk(max_utterance="1s")) as harness:
        button = Button(harness)
        button.node.press()
        button.hear(3000)
    assert [name for name, *_ in button.told] == ["speech_start", "speech_end"]
    assert len(button.sent) == 50


def test_the_end_of_the_stream_ends_the_turn(button: Button) -> None:
    button.node.press()
    button.hear(400)
    items = button.harness.eos()
    assert [type(item) for item in items if isinstance(item, SpeechEnd)] == [SpeechEnd]


def test_marks_cut_the_stream_at_their_place_and_are_not_passed_on() -> None:
    with Harness(PushToTalk(tail="0ms", shortest="0ms", pre_roll="0ms")) as harness:
        button = Button(harness)
        button.hear(100)
        button.mark(TalkStart())
        button.hear(400)
        button.mark(TalkEnd())
        button.hear(100)
    assert button.told == [("speech_start", 1, 100), ("speech_end", 1, 500)]
    assert button.sent == [(1, ms) for ms in range(100, 500, 20)]


def test_without_a_shortest_press_the_turn_begins_with_it() -> None:
    with Harness(PushToTalk(shortest="0ms")) as harness:
        button = Button(harness)
        button.mark(TalkStart())
        assert isinstance(button.out[0], SpeechStart)


@pytest.mark.parametrize("call", ["press", "release"])
def test_a_button_of_a_pipeline_that_is_not_open_says_so(call: str) -> None:
    node = PushToTalk()
    with pytest.raises(VflowError, match="the pipeline is not open; start one"):
        getattr(node, call)()
    with Harness(node):
        getattr(node, call)()
    with pytest.raises(VflowError, match="the pipeline is not open; start one"):
        getattr(node, call)()


def test_a_button_that_is_pressed_without_end_while_no_audio_comes_is_refused(button: Button) -> None:
    for _ in range(MOST_WAITING // 2):
        button.node.press()
        button.node.release()
    with pytest.raises(VflowError, match="1,000 presses and releases wait: no audio comes"):
        button.node.press()
    button.hear(40)
    button.node.press()
