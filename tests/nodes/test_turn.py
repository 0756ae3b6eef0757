"""Transitions of the turn machine, with scripted probabilities: windows of 512 samples, 32 ms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from vflow import (
    MS,
    AudioPacket,
    Eos,
    Event,
    Gap,
    Harness,
    Packet,
    Pause,
    PropertyError,
    Resume,
    SpeechEnd,
    SpeechStart,
    TalkEnd,
    TalkStart,
    TextPacket,
    Unavailable,
)
from vflow_nodes.turn import Turn

WINDOW = 32 * MS


class Script:
    """Feeds a Turn window by window; `at` counts the windows given so far."""

    def __init__(self, harness: Harness) -> None:
        self.harness, self.at = harness, 0

    def windows(self, count: int, speech: float, level: float = 0.1) -> list[Packet | Event]:
        """Push `count` windows of one probability; return the items that come out."""
        for _ in range(count):
            data = np.full(512, level, np.float32)
            meta = {"speech": speech}
            self.harness.push(AudioPacket(data=data, rate=16000, pts_ns=self.at * WINDOW, meta=meta))
            self.at += 1
        return self.harness.pull()


def script(**props: Any) -> Script:
    harness = Harness(Turn(**props))
    harness.__enter__()
    return Script(harness)


def names(items: Iterable[object]) -> list[str]:
    return [item.name for item in items if isinstance(item, Event)]


def sent(items: Iterable[object]) -> list[int]:
    """Return the indices of the windows that were sent."""
    return [item.pts_ns // WINDOW for item in items if isinstance(item, AudioPacket)]


def only(items: Iterable[object], kind: type[Event]) -> Any:
    found = [item for item in items if isinstance(item, kind)]
    assert len(found) == 1
    return found[0]


def test_nothing_leaves_without_speech() -> None:
    assert script().windows(100, 0.49) == []


def test_two_voiced_windows_are_no_utterance() -> None:
    turn = script()
    assert turn.windows(20, 0.0) + turn.windows(2, 0.9) + turn.windows(50, 0.0) == []


def test_the_third_voiced_window_starts_the_turn() -> None:
    turn = script()
    turn.windows(20, 0.0)
    assert turn.windows(2, 0.9) == []
    out = turn.windows(1, 0.9)
    assert names(out) == ["speech_start"]
    assert isinstance(out[0], SpeechStart)
    assert [item.turn for item in out] == [1] * len(out)


def test_the_first_word_is_not_clipped() -> None:
    """400 ms before the first voiced window are sent, and every window from there on, in order."""
    turn = script()
    turn.windows(40, 0.0)
    out = turn.windows(10, 0.9)
    start = only(out, SpeechStart)
    first, *_, last = sent(out)
    assert start.pts_ns == first * WINDOW
    assert 400 * MS <= (40 - first) * WINDOW < 400 * MS + WINDOW
    assert sent(out) == list(range(first, last + 1))
    assert last == 49


def test_a_stream_that_begins_with_speech_has_a_shorter_pre_roll() -> None:
    assert sent(script().windows(4, 0.9)) == [0, 1, 2, 3]


def test_without_pre_roll_the_first_voiced_window_is_the_first_sent() -> None:
    turn = script(pre_roll="0ms")
    turn.windows(5, 0.0)
    assert sent(turn.windows(4, 0.9)) == [5, 6, 7, 8]


def test_a_single_dip_in_an_onset_is_tolerated() -> None:
    turn = script()
    turn.windows(1, 0.9)
    turn.windows(1, 0.1)
    assert names(turn.windows(2, 0.9)) == ["speech_start"]


def test_two_dips_in_a_row_end_an_onset() -> None:
    turn = script()
    turn.windows(2, 0.9)
    turn.windows(2, 0.1)
    assert names(turn.windows(2, 0.9)) == []
    assert names(turn.windows(1, 0.9)) == ["speech_start"]


def test_a_silence_shorter_than_pause_after_sends_no_pause() -> None:
    turn = script()
    turn.windows(5, 0.9)
    assert names(turn.windows(2, 0.0) + turn.windows(3, 0.9)) == []


def test_a_silence_of_pause_after_sends_one_pause() -> None:
    turn = script()
    turn.windows(5, 0.9)
    out = turn.windows(6, 0.0)
    pause = only(out, Pause)
    assert (pause.pts_ns, pause.turn) == (8 * WINDOW, 1)
    assert pause.meta["voice_off_ns"] == 5 * WINDOW
    assert out.index(pause) == 3  # behind the window that made it


def test_speech_after_a_pause_resumes_the_utterance() -> None:
    turn = script()
    turn.windows(5, 0.9)
    turn.windows(6, 0.0)
    out = turn.windows(2, 0.9)
    assert isinstance(out[0], Resume)
    assert (out[0].pts_ns, out[0].turn) == (11 * WINDOW, 1)
    assert sent(out) == [11, 12]


def test_each_pause_of_an_utterance_is_sent() -> None:
    turn = script()
    turn.windows(5, 0.9)
    out = turn.windows(4, 0.0) + turn.windows(1, 0.9) + turn.windows(20, 0.0)
    assert names(out) == ["pause", "resume", "pause", "speech_end"]


def test_a_silence_of_speech_end_after_ends_the_utterance() -> None:
    turn = script()
    turn.windows(5, 0.9)
    out = turn.windows(40, 0.0)
    end = only(out, SpeechEnd)
    assert (end.pts_ns, end.turn) == (20 * WINDOW, 1)
    assert end.meta["voice_off_ns"] == 5 * WINDOW
    assert out[-1] is end
    assert sent(out) == list(range(5, 20))


def test_speech_goes_on_down_to_the_lower_threshold() -> None:
    turn = script()
    turn.windows(5, 0.9)
    assert names(turn.windows(60, 0.36)) == []
    assert names(turn.windows(15, 0.34)) == ["pause", "speech_end"]


@pytest.mark.parametrize("before", [0, 6])
def test_the_lower_threshold_neither_starts_nor_resumes(before: int) -> None:
    turn = script()
    turn.windows(before, 0.9)
    turn.windows(before, 0.0)
    assert "resume" not in names(turn.windows(3, 0.49))
    assert "speech_start" not in names(turn.windows(3, 0.49))


def test_the_end_is_counted_from_the_end_of_the_sound() -> None:
    """Voiced windows 34 dB below the loudest are breath: pause and end come as if they were silent."""
    turn = script()
    turn.windows(10, 0.9, level=0.1)
    out = turn.windows(4, 0.9, level=0.002) + turn.windows(20, 0.0, level=0.0)
    assert only(out, Pause).pts_ns == 13 * WINDOW
    end = only(out, SpeechEnd)
    assert end.pts_ns == 25 * WINDOW
    assert end.meta["voice_off_ns"] == 10 * WINDOW


def test_the_end_of_the_sound_is_that_of_the_power_which_the_detector_measured() -> None:
    """With an offset all windows are equally loud; after the detector's high-pass they are not."""
    turn = script()
    for at in range(34):
        speech, power = (0.9 if at < 14 else 0.0), (0.01 if at < 10 else 1e-6)
        data, meta = np.full(512, 0.3, np.float32), {"speech": speech, "power": power}
        turn.harness.push(AudioPacket(data=data, rate=16000, pts_ns=at * WINDOW, meta=meta))
    assert only(turn.harness.pull(), SpeechEnd).meta["voice_off_ns"] == 10 * WINDOW


def test_a_voice_that_goes_on_softly_takes_the_pause_back() -> None:
    """A detector is late by up to 0.2 s; what it hears for longer is voice, however soft."""
    turn = script()
    turn.windows(10, 0.9, level=0.1)
    out = turn.windows(8, 0.9, level=0.002)
    assert names(out) == ["pause"]
    assert names(turn.windows(1, 0.9, level=0.002)) == ["resume"]
    assert names(turn.windows(30, 0.9, level=0.002)) == []
    end = only(turn.windows(20, 0.0, level=0.0), SpeechEnd)
    assert end.meta["voice_off_ns"] == (49 - 6) * WINDOW


@pytest.mark.parametrize(("below_db", "off"), [(29.5, 14), (30.5, 10)])
def test_voice_that_is_30_db_below_the_loudest_is_breath(below_db: float, off: int) -> None:
    turn = script()
    turn.windows(10, 0.9, level=0.1)
    turn.windows(4, 0.9, level=0.1 * 10 ** (-below_db / 20))
    end = only(turn.windows(20, 0.0, level=0.0), SpeechEnd)
    assert end.meta["voice_off_ns"] == off * WINDOW


def test_the_end_is_dated_back_by_no_more_than_fade() -> None:
    """Words spoken softly are speech: the detector's word counts for all but the last 192 ms of it."""
    turn = script()
    turn.windows(10, 0.9, level=0.1)
    turn.windows(30, 0.9, level=0.005)
    assert only(turn.windows(20, 0.0, level=0.0), SpeechEnd).pts_ns == (40 - 6 + 15) * WINDOW


def test_without_fade_the_end_is_counted_from_the_last_voiced_window() -> None:
    turn = script(fade="0ms")
    turn.windows(10, 0.9, level=0.1)
    turn.windows(4, 0.9, level=0.005)
    end = only(turn.windows(20, 0.0, level=0.0), SpeechEnd)
    assert end.pts_ns == 29 * WINDOW
    assert end.meta["voice_off_ns"] == 14 * WINDOW


def test_a_cough_while_the_agent_speaks_is_no_turn() -> None:
    turn = script()
    turn.harness.is_speaking = True
    assert turn.windows(6, 0.9) + turn.windows(20, 0.0) == []
    assert turn.harness.interrupted == []
    assert turn.harness.turn == 0


def test_speech_while_the_agent_speaks_interrupts_it_before_speech_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn = script()
    turn.harness.is_speaking = True
    seen: list[tuple[int, list[Packet | Event]]] = []
    monkeypatch.setattr(turn.harness, "interrupt", lambda t: seen.append((t, turn.harness.pull())))
    assert turn.windows(6, 0.9) == []
    assert names(turn.windows(1, 0.9)) == ["speech_start"]
    assert seen == [(0, [])]


def test_a_reply_in_preparation_is_interrupted_too() -> None:
    turn = script(grace="0ms")
    for _ in range(2):
        turn.windows(5, 0.9)
        turn.windows(20, 0.0)
    assert turn.harness.interrupted == [0, 1]


def test_without_barge_in_nothing_is_interrupted_and_no_more_voice_is_needed() -> None:
    turn = script(barge_in=False)
    turn.harness.is_speaking = True
    assert names(turn.windows(3, 0.9)) == ["speech_start"]
    assert turn.harness.interrupted == []


def test_a_long_utterance_is_cut_and_the_rest_is_the_next_turn() -> None:
    turn = script(max_utterance="1s")
    out = turn.windows(40, 0.9)
    assert names(out) == ["speech_start", "speech_end", "speech_start"]
    assert sent(out) == list(range(40))
    end = only(out, SpeechEnd)
    assert end.pts_ns == 32 * WINDOW
    assert end.meta["voice_off_ns"] == 32 * WINDOW
    assert [item.turn for item in out if isinstance(item, SpeechStart)] == [1, 2]


def test_the_rest_of_a_cut_utterance_needs_no_second_onset_while_the_agent_speaks() -> None:
    turn = script(max_utterance="1s")
    turn.windows(32, 0.9)
    turn.harness.is_speaking = True
    assert names(turn.windows(1, 0.9)) == ["speech_start"]


def test_no_turn_opens_where_speech_ends_at_the_cut() -> None:
    turn = script(max_utterance="1s")
    turn.windows(32, 0.9)
    assert turn.windows(40, 0.0) == []


def test_after_a_cut_within_a_silence_voice_needs_an_onset_again() -> None:
    turn = script(max_utterance="1s")
    turn.windows(30, 0.9)
    assert names(turn.windows(2, 0.0)) == ["speech_end"]
    assert names(turn.windows(1, 0.9)) == []


def test_voice_without_any_power_ends_with_its_last_window() -> None:
    turn = script()
    out = turn.windows(5, 0.9, level=0.0) + turn.windows(20, 0.0)
    assert only(out, SpeechEnd).meta["voice_off_ns"] == 5 * WINDOW


def test_an_utterance_that_pauses_at_the_cut_ends_there() -> None:
    turn = script(max_utterance="1s")
    turn.windows(27, 0.9)
    out = turn.windows(40, 0.0)
    assert names(out) == ["pause", "speech_end"]
    assert sent(out) == list(range(27, 32))


def test_the_pre_roll_reaches_into_the_silence_of_the_last_utterance() -> None:
    """A word that begins right after speech_end is not clipped, and no voice is sent twice."""
    turn = script()
    turn.windows(5, 0.9)
    turn.windows(15, 0.0)
    out = turn.windows(3, 0.9)
    assert sent(out) == list(range(7, 23))
    assert only(out, SpeechStart).turn == 2


def test_a_silence_within_an_utterance_is_no_pre_roll_of_the_next() -> None:
    turn = script(pre_roll="2s", speech_end_after="96ms")
    turn.windows(5, 0.9)
    turn.windows(1, 0.0)
    turn.windows(2, 0.9)
    assert names(turn.windows(3, 0.0)) == ["speech_end"]
    assert sent(turn.windows(3, 0.9)) == list(range(8, 14))


def test_eos_closes_an_open_utterance_first() -> None:
    turn = script()
    turn.windows(5, 0.9)
    turn.windows(1, 0.0)
    end, eos = turn.harness.eos()
    assert isinstance(end, SpeechEnd)
    assert isinstance(eos, Eos)
    assert (end.pts_ns, end.turn, end.meta["voice_off_ns"]) == (6 * WINDOW, 1, 5 * WINDOW)


@pytest.mark.parametrize("voiced", [0, 2])
def test_eos_outside_an_utterance_passes_alone(voiced: int) -> None:
    turn = script()
    turn.windows(voiced, 0.9)
    assert names(turn.harness.eos()) == ["eos"]


def test_silence_is_held_in_bounded_memory() -> None:
    turn = script()
    turn.windows(2000, 0.0)
    node = turn.harness.node
    assert isinstance(node, Turn)
    assert len(node._held) == 13


def test_a_threshold_without_room_for_hysteresis_is_refused() -> None:
    with pytest.raises(PropertyError, match=r"at least 0\.2"):
        Turn(threshold=0.1)


def test_a_pause_is_speculative_until_the_end_commits_it() -> None:
    s = script()
    s.windows(20, 0.9)
    assert s.harness.speculation == []
    s.windows(8, 0.0)
    assert s.harness.speculation == [("speculate", 1)]
    s.windows(20, 0.0)
    assert s.harness.speculation == [("speculate", 1), ("doubt", 1), ("commit", 1)]


def test_resume_retracts_a_reply_made_in_advance() -> None:
    s = script()
    s.windows(20, 0.9)
    s.windows(8, 0.0)
    s.windows(3, 0.9)
    s.windows(30, 0.0)
    assert [what for what, _ in s.harness.speculation] == [
        "speculate",
        "retract",
        "speculate",
        "doubt",
        "commit",
    ]


def test_without_speculation_nothing_is_asked_for_in_advance() -> None:
    s = script(speculate=False)
    s.windows(20, 0.9)
    s.windows(8, 0.0)
    s.windows(3, 0.9)
    s.windows(30, 0.0)
    assert [what for what, _ in s.harness.speculation] == ["doubt", "commit"]


def test_the_end_of_the_stream_commits_too() -> None:
    s = script()
    s.windows(20, 0.9)
    s.windows(8, 0.0)
    s.harness.eos()
    assert s.harness.speculation[-1] == ("commit", 1)


def test_a_cough_makes_the_reply_softer_for_a_moment() -> None:
    s = script(duck=-20.0)
    s.harness.is_speaking = True
    s.windows(3, 0.9)
    assert s.harness.gains == [pytest.approx(0.1)]
    s.windows(3, 0.0)
    assert s.harness.gains == [pytest.approx(0.1), 1.0]
    s.windows(9, 0.0)
    s.harness.eos()
    assert s.harness.gains == [pytest.approx(0.1), 1.0], "it is as loud as before: once is enough"
    assert s.harness.interrupted == []


def test_a_stream_that_ends_in_an_onset_leaves_the_reply_at_its_loudness() -> None:
    s = script(duck=-20.0)
    s.harness.is_speaking = True
    s.windows(3, 0.9)
    s.harness.eos()
    assert s.harness.gains == [pytest.approx(0.1), 1.0]


def test_a_reopened_turn_leaves_no_reply_on_hold_or_ducked() -> None:
    s = script(duck=-20.0)
    s.harness.is_speaking = True
    s.windows(3, 0.9)
    s.harness.node.open()
    assert s.harness.gains == [pytest.approx(0.1), 1.0]
    s.windows(10, 0.9)
    s.harness.node.open()
    assert s.harness.speculation == [("commit", 1)]
    s.harness.node.open()
    assert s.harness.speculation == [("commit", 1)]


def test_an_interruption_is_ducked_first_and_then_cut() -> None:
    s = script(duck=-20.0, barge_in_after="224ms")
    s.harness.is_speaking = True
    s.windows(6, 0.9)
    assert (len(s.harness.gains), s.harness.interrupted) == (1, [])
    s.windows(1, 0.9)
    assert s.harness.interrupted == [0]
    s.windows(40, 0.0)
    assert len(s.harness.gains) == 1, "the flush has ended it already"


@pytest.mark.parametrize(
    ("props", "speaking"), [({"duck": 0}, True), ({"barge_in": False}, True), ({}, False)]
)
def test_nothing_is_ducked_where_nothing_can_be_interrupted(props: dict[str, Any], speaking: bool) -> None:
    s = script(**props)
    s.harness.is_speaking = speaking
    s.windows(3, 0.9)
    s.windows(5, 0.0)
    assert s.harness.gains == []


def test_the_reply_to_an_interruption_is_ducked_too() -> None:
    s = script(duck=-20.0)
    s.harness.is_speaking = True
    s.windows(10, 0.9)
    s.windows(40, 0.0)
    assert s.harness.interrupted == [0]
    s.windows(3, 0.9)
    s.windows(3, 0.0)
    assert s.harness.gains == [pytest.approx(0.1), pytest.approx(0.1), 1.0]


def test_silence_while_the_agent_speaks_makes_nothing_softer() -> None:
    s = script()
    s.harness.is_speaking = True
    s.windows(20, 0.0)
    assert s.harness.gains == []


def test_an_event_that_is_not_the_end_ends_no_utterance() -> None:
    s = script(duck=-20.0)
    s.windows(5, 0.9)
    assert names(s.harness.event(Gap(pts_ns=5 * WINDOW))) == ["gap"]
    assert s.harness.speculation == []
    s.harness.pull()
    assert sent(s.windows(1, 0.9)) == [5]


def test_a_gap_in_an_onset_leaves_the_reply_soft() -> None:
    s = script(duck=-20.0)
    s.harness.is_speaking = True
    s.windows(3, 0.9)
    s.harness.event(Gap(pts_ns=3 * WINDOW))
    assert s.harness.gains == [pytest.approx(0.1)]


def test_a_soft_utterance_after_a_loud_one_is_measured_by_its_own_loudness() -> None:
    s = script(grace="0ms")
    s.windows(5, 0.9, level=1.0)
    s.windows(30, 0.0)
    out = s.windows(5, 0.9, level=0.01) + s.windows(20, 0.0)
    assert only(out, SpeechEnd).meta["voice_off_ns"] == 40 * WINDOW


def test_the_loudest_is_that_of_the_whole_utterance_and_not_of_its_last_window() -> None:
    s = script(fade="500ms")
    s.windows(4, 0.9, level=1.0)
    s.windows(4, 0.9, level=0.01)
    assert only(s.windows(20, 0.0), SpeechEnd).meta["voice_off_ns"] == 4 * WINDOW


def test_the_power_of_a_window_is_that_of_its_samples_however_many() -> None:
    harness = script().harness
    at_ns = 0
    for samples, speech in ((4096, 0.9), (128, 0.9), (128, 0.9), (16000, 0.0)):
        data, meta = np.full(samples, 0.1, np.float32), {"speech": speech}
        packet = AudioPacket(data=data, rate=16000, pts_ns=at_ns, meta=meta)
        harness.push(packet)
        at_ns += packet.duration_ns
    end = only(harness.pull(), SpeechEnd)
    assert end.meta["voice_off_ns"] == (4096 + 256) * 62_500


def test_an_utterance_exactly_as_long_as_the_longest_is_cut() -> None:
    s = script(max_utterance="1024ms")
    s.windows(7, 0.0)  # the pre-roll is part of it
    assert names(s.windows(24, 0.9)) == ["speech_start"]
    assert names(s.windows(1, 0.9)) == ["speech_end"]


def test_pre_roll_of_whole_windows_is_exactly_that_long() -> None:
    s = script(pre_roll="96ms")
    s.windows(20, 0.0)
    assert sent(s.windows(3, 0.9)) == list(range(17, 23))


def test_both_ports_are_mono_at_16_khz() -> None:
    for port in (Turn.audio, Turn.speech):
        assert (port.caps.rate, port.caps.channels) == (16_000, 1)


def paused(**props: Any) -> tuple[Script, Pause]:
    """Return a turn whose user has spoken and pauses, and the pause."""
    turn = script(**props)
    turn.windows(10, 0.9)
    return turn, only(turn.windows(3, 0.0), Pause)


def verdict(pause: Event, finished: Any, **values: Any) -> TextPacket:
    given = {"turn": pause.turn, "pts_ns": pause.pts_ns, **values}
    return TextPacket(text="finished", meta={"finished": finished}, **given)


def test_a_pause_rated_finished_ends_the_turn_sooner() -> None:
    turn, pause = paused(waits={0.5: "160ms", 0: "1s"})
    turn.harness.push(verdict(pause, 0.9), "verdict")
    assert names(turn.windows(1, 0.0)) == []
    assert only(turn.windows(1, 0.0), SpeechEnd).pts_ns == 15 * WINDOW


def test_a_verdict_ends_a_turn_whose_wait_is_over_at_once() -> None:
    turn, pause = paused(waits={0.5: "64ms"})
    assert names(turn.harness.push(verdict(pause, 0.9), "verdict")) == ["speech_end"]


def test_a_pause_rated_unfinished_waits_longer() -> None:
    turn, pause = paused(waits={0.5: "160ms", 0: "1s"})
    turn.harness.push(verdict(pause, 0.1), "verdict")
    assert names(turn.windows(28, 0.0)) == []
    assert names(turn.windows(1, 0.0)) == ["speech_end"]


def test_a_verdict_that_comes_after_the_pause_is_left_out() -> None:
    turn, pause = paused(waits={0.5: "160ms", 0: "1s"})
    assert "resume" in names(turn.windows(1, 0.9))
    turn.harness.push(verdict(pause, 0.9), "verdict")
    second = only(turn.windows(5, 0.0), Pause)
    turn.harness.push(verdict(pause, 0.9), "verdict")
    turn.harness.push(verdict(second, 0.9, turn=2), "verdict")
    assert names(turn.windows(9, 0.0)) == []
    assert names(turn.windows(1, 0.0)) == ["speech_end"]
    assert names(turn.harness.push(verdict(second, 0.9), "verdict")) == []


def test_an_invalid_verdict_is_warned_of_once_and_left_out() -> None:
    turn, pause = paused()
    for bad in (None, 7, "much"):
        turn.harness.push(verdict(pause, bad), "verdict")
    (warning,) = [m for m in turn.harness.messages if m.kind == "warning"]
    assert "from 0 to 1; not None; it is left out" in warning.text
    assert names(turn.windows(11, 0.0)) == []
    assert names(turn.windows(1, 0.0)) == ["speech_end"]


def test_waits_with_an_invalid_probability_are_refused() -> None:
    with pytest.raises(Unavailable, match="probabilities from 0 to 1"):
        script(waits={60: "250ms"})
    with pytest.raises(PropertyError, match="waits: 250 is not a duration"):
        Turn(waits={0.6: 250})


def test_an_expected_answer_is_waited_for_in_its_turn_alone() -> None:
    turn = script(grace="0ms")
    turn.harness.node.ctx.conversation.expect("phone")
    ends = []
    for _ in range(2):
        turn.windows(10, 0.9)
        spoken = turn.at
        ends.append((only(turn.windows(60, 0.0), SpeechEnd).pts_ns - spoken * WINDOW) // MS)
    assert ends == [1504, 480]


def ended(**props: Any) -> Script:
    """Return a turn that ended four windows ago."""
    turn = script(**props)
    turn.windows(10, 0.9)
    assert "speech_end" in names(turn.windows(19, 0.0))
    return turn


def test_voice_soon_after_the_end_holds_the_reply_and_an_utterance_takes_it_back() -> None:
    turn = ended()
    turn.harness.is_speaking = True
    turn.windows(2, 0.9)
    assert turn.harness.holds == []
    turn.windows(1, 0.9)
    assert turn.harness.holds == [True]
    turn.windows(3, 0.9)
    assert turn.harness.taken_back == []
    assert only(turn.windows(1, 0.9), SpeechStart).turn == 2
    assert (turn.harness.taken_back, turn.harness.interrupted) == ([1], [0])


def test_before_the_reply_is_heard_an_utterance_needs_no_more_voice_than_ever() -> None:
    turn = ended()
    assert names(turn.windows(3, 0.9)) == ["speech_start"]
    assert turn.harness.taken_back == [1]


def test_a_noise_after_the_end_lets_the_reply_go_on() -> None:
    turn = ended()
    turn.harness.is_speaking = True
    turn.windows(4, 0.9)
    turn.windows(9, 0.0)
    assert turn.harness.holds == [True]
    turn.windows(1, 0.0)
    assert turn.harness.holds == [True, False]
    turn.windows(9, 0.9)
    assert (turn.harness.taken_back, turn.harness.interrupted) == ([], [0, 1])


def test_after_the_grace_an_utterance_interrupts() -> None:
    turn = ended()
    turn.windows(20, 0.0)
    turn.windows(3, 0.9)
    assert (turn.harness.taken_back, turn.harness.interrupted) == ([], [0, 1])


def test_the_rest_of_a_turn_is_waited_for_longer() -> None:
    turn = ended()
    turn.windows(10, 0.9)
    assert names(turn.windows(22, 0.0)) == ["pause"]
    assert names(turn.windows(1, 0.0)) == ["speech_end"]


@pytest.mark.parametrize("props", [{"grace": "0ms"}, {"barge_in": False}])
def test_an_end_may_be_final(props: dict[str, Any]) -> None:
    turn = ended(**props)
    turn.harness.is_speaking = True
    turn.windows(10, 0.9)
    assert (turn.harness.holds, turn.harness.taken_back) == ([], [])


def test_the_end_of_a_turn_is_doubted_before_it_is_told_and_settled_after_the_grace() -> None:
    turn = ended()
    assert turn.harness.speculation[-2:] == [("doubt", 1), ("commit", 1)]
    turn.windows(17, 0.0)
    assert turn.harness.speculation[-1] == ("commit", 1)
    turn.windows(1, 0.0)
    assert turn.harness.speculation[-1] == ("settle", 1)
    assert [what for what, _ in turn.harness.speculation].count("settle") == 1


def test_a_text_that_is_said_within_the_grace_is_cut_by_the_rest_of_the_turn_too() -> None:
    turn = ended()
    assert turn.harness.node.ctx.new_turn() == 2
    turn.windows(3, 0.9)
    assert (turn.harness.taken_back, turn.harness.interrupted) == ([1], [0, 2])


def test_a_button_makes_the_utterances_where_voice_is_not_to() -> None:
    turn = script(detect=False, pre_roll="0ms")
    assert turn.windows(10, 0.9) == []
    turn.harness.event(TalkStart(pts_ns=10 * WINDOW))
    items = turn.windows(4, 0.0)
    assert names(items) == ["speech_start"]
    assert sent(items) == [10, 11, 12, 13]
    items = turn.harness.event(TalkEnd(pts_ns=14 * WINDOW))
    assert [(item.name, item.pts_ns) for item in items if isinstance(item, Event)] == [
        ("speech_end", 14 * WINDOW)
    ]
    turn.harness.pull()
    assert turn.windows(10, 0.9) == []


def test_a_button_that_comes_before_any_audio_begins_an_utterance() -> None:
    turn = script(detect=False)
    turn.harness.event(TalkStart(pts_ns=5))
    (start,) = [item for item in turn.harness.pull() if isinstance(item, SpeechStart)]
    assert start.pts_ns == 5


def test_an_utterance_ends_when_it_is_committed_or_no_voice_is_looked_for_any_more() -> None:
    turn = script()
    turn.windows(10, 0.9)
    assert names(turn.harness.event(TalkEnd())) == ["speech_end"]
    turn.harness.pull()
    assert turn.harness.event(TalkEnd()) == []
    assert "speech_start" in names(turn.windows(10, 0.9))
    turn.harness.node.detect = False
    assert names(turn.windows(3, 0.9)) == ["speech_end"]


def test_silences_and_thresholds_of_the_next_utterance_may_change_while_it_runs() -> None:
    turn = script(speech_end_after="320ms", fade="0ms", waits={}, grace="0ms")
    turn.windows(10, 0.9)
    assert "speech_end" in names(turn.windows(12, 0.0))
    turn.harness.node.speech_end_after = 640 * MS
    turn.harness.node.threshold = 0.9
    assert turn.windows(10, 0.8) == []
    turn.windows(10, 0.95)
    assert "speech_end" not in names(turn.windows(12, 0.0))
    assert "speech_end" in names(turn.windows(12, 0.0))


def test_an_end_is_not_taken_back_where_speech_may_not_interrupt_any_more() -> None:
    turn = script(grace="700ms", speech_end_after="128ms", waits={})
    turn.harness.node.barge_in = False
    turn.windows(10, 0.9)
    turn.windows(20, 0.0)
    turn.windows(10, 0.9)
    assert not turn.harness.taken_back


def known(**props: Any) -> Script:
    """A turn has ended, so the user's level is known: -20 dBFS."""
    turn = script(**props)
    turn.windows(30, 0.9)
    turn.windows(60, 0.0, 0.0)
    return turn


def test_voice_far_below_the_user_makes_no_utterance_and_does_not_soften_a_reply() -> None:
    turn = known(duck=-12.0)
    turn.harness.is_speaking = True
    assert turn.windows(100, 0.9, 0.03) == []
    assert turn.harness.gains == []
    start = only(turn.windows(12, 0.9), SpeechStart)
    assert start.turn == 2


def test_all_voice_makes_utterances_without_a_foreground() -> None:
    only(known(foreground=0.0).windows(10, 0.9, 0.03), SpeechStart)


def test_voice_far_below_the_user_ends_the_utterance_where_the_user_stopped() -> None:
    turn = script()
    turn.windows(30, 0.9)
    end = only(turn.windows(125, 0.9, 0.03), SpeechEnd)
    assert end.meta["voice_off_ns"] <= 40 * WINDOW
    assert end.pts_ns >= 130 * WINDOW


def test_the_user_goes_on_softly_without_being_cut() -> None:
    turn = script()
    out = turn.windows(30, 0.9) + turn.windows(90, 0.9, 0.03) + turn.windows(10, 0.9)
    assert "speech_end" not in names(out)
