"""Audio for an application: sent ahead by the buffer at most, and counted as it is heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Harness,
    PropertyError,
    Span,
    TurnEnd,
    Unavailable,
    VflowError,
)
from vflow_nodes.app_sink import AppSink

RATE = 16_000
CAPS = {"audio": Audio(rate=RATE, channels=1)}


def speech(turn: int, *words: str, index: int = 0, ms: int = 100) -> AudioPacket:
    frames = ms * RATE // 1000
    spans = tuple(Span(turn, index + n, word, n * frames, (n + 1) * frames) for n, word in enumerate(words))
    data = np.full(frames * len(words), 0.5, np.float32)
    return AudioPacket(data=data, rate=RATE, spans=spans, turn=turn)


def sent(node: AppSink) -> list[AudioPacket]:
    return node.output.take_back(lambda packet: True)


def told(harness: Harness) -> list[tuple[str, str, int]]:
    return [
        (m.data["phase"], m.data["played"].heard, m.data["at_ns"] // MS)
        for m in harness.messages
        if m.kind == "played" and "at_ns" in m.data
    ]


def node_of(harness: Harness) -> AppSink:
    assert isinstance(harness.node, AppSink)
    return harness.node


@pytest.fixture
def clock() -> Iterator[Harness]:
    with Harness(AppSink(buffer="300ms"), caps=CAPS) as made:
        yield made


@pytest.fixture
def reported() -> Iterator[Harness]:
    with Harness(AppSink(pace="played", buffer="2s"), caps=CAPS) as made:
        yield made


def test_audio_is_sent_in_short_packets_with_its_spans(clock: Harness) -> None:
    clock.push(speech(1, "one", "two"))
    packets = sent(node_of(clock))
    assert max(p.duration_ns for p in packets) <= 20 * MS
    assert [s.word for p in packets for s in p.spans] == ["one", "two"]
    assert sum(p.frames for p in packets) == RATE // 5


def test_no_more_is_sent_ahead_than_the_buffer_holds(clock: Harness) -> None:
    clock.push(speech(1, *"abcdefghij"))
    assert sum(p.frames for p in sent(node_of(clock))) == RATE
    assert 700 * MS <= clock.time_ns <= 702 * MS
    assert 298 * MS <= node_of(clock).lead_ns() <= 300 * MS


def test_start_and_end_are_reported_when_they_are_heard(clock: Harness) -> None:
    clock.time_ns = 5 * SECOND
    clock.push(speech(1, "one", "two"))
    clock.event(TurnEnd(turn=1))
    clock.advance(SECOND)
    assert told(clock) == [("start", "", 5000), ("end", "one two", 5200)]


def test_the_clock_says_what_was_heard_when_a_reply_is_cut(clock: Harness) -> None:
    clock.push(speech(1, "one", "two", "three"))
    sent(node_of(clock))  # the application has read it
    clock.advance(160 * MS)
    flush = clock.flush(turn=1)
    assert flush.heard(1) == "one two"
    assert node_of(clock).lead_ns() == 0


def test_a_pause_between_replies_is_not_counted_as_heard(clock: Harness) -> None:
    clock.push(speech(1, "one"))
    clock.event(TurnEnd(turn=1))
    clock.advance(10 * SECOND)
    clock.push(speech(2, "two", "three"))
    sent(node_of(clock))
    clock.advance(60 * MS)
    assert clock.flush(turn=2).heard(2) == "two"


def test_unread_audio_is_taken_back_and_counts_as_not_heard(clock: Harness) -> None:
    clock.push(speech(1, "one", "two"))
    clock.advance(SECOND)
    flush = clock.flush(turn=1)
    assert flush.heard(1) == ""
    assert sent(node_of(clock)) == []


def test_after_a_cut_the_next_reply_plays_from_its_own_beginning(clock: Harness) -> None:
    clock.push(speech(1, "one", "two"))
    clock.flush(turn=1)
    clock.push(speech(2, "three", "four"))
    assert 199 * MS <= node_of(clock).lead_ns() <= 200 * MS
    sent(node_of(clock))
    clock.advance(60 * MS)
    assert clock.flush(turn=2).heard(2) == "three"


def test_the_application_reports_what_was_heard(reported: Harness) -> None:
    node = node_of(reported)
    reported.push(speech(1, "one", "two", "three"))
    sent(node)
    reported.advance(SECOND)
    assert told(reported) == []
    node.played(0.06)
    node.played(0.16)
    node.played(0.02)  # older news
    assert [phase for phase, _, _ in told(reported)] == ["start"]
    assert reported.flush(turn=1).heard(1) == "one two"


def test_the_end_is_posted_when_all_was_reported(reported: Harness) -> None:
    node = node_of(reported)
    reported.push(speech(1, "one"))
    reported.event(TurnEnd(turn=1))
    node.played(0.05, turn=1)
    node.played(0.1, turn=1)
    assert [(phase, heard) for phase, heard, _ in told(reported)] == [("start", ""), ("end", "one")]


def test_a_late_report_corrects_the_history(reported: Harness) -> None:
    node = node_of(reported)
    reported.conversation.append("user", "hello", 1)
    reported.conversation.append("assistant", "one two three", 1)
    reported.push(speech(1, "one", "two", "three"))
    sent(node)
    flush = reported.flush(turn=1)
    reported.conversation.truncate(1, flush.heard(1))
    assert [e.text for e in reported.conversation.entries()] == ["hello"]
    for seconds, heard in ((0.16, "one two"), (9.0, "one two three"), (0.06, "one")):
        node.played(seconds, turn=1)
        assert [e.text for e in reported.conversation.entries()] == ["hello", heard]
    late = [m.data["played"].heard for m in reported.messages if m.data.get("phase") == "late"]
    assert late == ["one two", "one two three", "one"]


def test_more_than_was_sent_counts_as_all_of_it_and_is_told_once(reported: Harness) -> None:
    reported.push(speech(1, "one"))
    for _ in range(2):
        node_of(reported).played(7.0, turn=1)
    (warning,) = [m.text for m in reported.messages if m.kind == "warning"]
    assert "reported 7.00 s of turn 1, of which 0.10 s were sent" in warning


def test_a_report_of_an_unknown_turn_is_no_error(reported: Harness) -> None:
    node_of(reported).played(1.0, turn=99)
    node_of(reported).played(1.0)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "1", None])
def test_a_report_that_is_no_time_is_refused(reported: Harness, seconds: object) -> None:
    with pytest.raises(VflowError, match="takes seconds of a reply"):
        node_of(reported).played(seconds)  # type: ignore[arg-type]


def test_a_report_where_the_clock_counts_is_refused(clock: Harness) -> None:
    with pytest.raises(VflowError, match="with pace: clock the clock says what was heard"):
        node_of(clock).played(1.0)
    with pytest.raises(VflowError, match="the pipeline is not open; start one"):
        AppSink(pace="played").played(1.0)


def test_a_missing_report_is_warned_of(reported: Harness) -> None:
    node = node_of(reported)
    waits: list[int] = []
    after = reported.wait_until

    def wait_until(deadline_ns: int | None = None) -> None:
        after(deadline_ns)
        waits.append(reported.time_ns)
        if len(waits) == 2:
            node.played(0.5)

    reported.wait_until = wait_until  # type: ignore[method-assign]
    reported.push(speech(1, *"abcdefghijklmnopqrstuvwxy"))
    (warning,) = [m.text for m in reported.messages if m.kind == "warning"]
    assert "nothing was reported as played for 5 s" in warning


def test_a_reply_of_which_nothing_is_reported_goes_on_at_the_clocks_pace_and_ends(reported: Harness) -> None:
    reported.push(speech(1, *"abcdefghijklmnopqrstuvwxyzabcdefghijklmn"))
    assert sum(p.frames for p in sent(node_of(reported))) == 4 * RATE
    assert 6_900 * MS <= reported.time_ns <= 7_100 * MS, "5 s of patience, then the 2 s that did not fit"
    reported.event(TurnEnd(turn=1))
    reported.eos()
    assert reported.time_ns <= 12_200 * MS
    assert reported.flush(turn=1).heard(1) == ""


def test_patience_begins_anew_with_each_report_and_each_reply(reported: Harness) -> None:
    node = node_of(reported)
    waits: list[int] = []
    wait_until = reported.wait_until

    def waited(deadline_ns: int | None = None) -> None:
        waits.append(((deadline_ns or 0) - reported.time_ns) // MS)
        if len(waits) == 2:
            node.played(0.02, turn=1)
        wait_until(deadline_ns)

    reported.wait_until = waited  # type: ignore[method-assign]
    reported.push(speech(1, *"abcdefghijklmnopqrstu"))
    assert waits[:4] == [5_000, 20, 5_000, 20]
    reported.flush(turn=1)
    waits.clear()
    reported.push(speech(2, *"abcdefghijklmnopqrstu"))
    assert waits[0] == 5_000


def test_a_ducked_reply_is_sent_softer_until_a_cut(clock: Harness) -> None:
    node = node_of(clock)
    node.duck(0.25)
    clock.push(speech(1, "one"))
    levels = [float(p.data[-1, 0]) for p in sent(node)]
    assert levels[0] == pytest.approx(0.125)
    clock.flush(turn=1)
    clock.push(speech(2, "two"))
    assert float(sent(node)[0].data[0, 0]) == 0.5


def test_the_stream_ends_when_all_was_heard(clock: Harness) -> None:
    clock.push(speech(1, "one", "two"))
    clock.event(TurnEnd(turn=1))
    clock.eos()
    assert clock.time_ns >= 200 * MS
    assert [phase for phase, _, _ in told(clock)] == ["start", "end"]


def test_the_end_of_the_stream_does_not_wait_for_reports_for_ever(reported: Harness) -> None:
    reported.push(speech(1, "one"))
    reported.eos()
    assert reported.time_ns <= 6 * SECOND


def test_a_rate_is_asked_for_and_needed() -> None:
    assert AppSink(rate=8_000).port_caps("audio") == Audio(rate=8_000, channels=1)
    with pytest.raises(PropertyError):
        AppSink(rate=1)
    with pytest.raises(Unavailable, match="has to know the rate"), Harness(AppSink()):
        pass


def test_the_output_ends_with_the_node() -> None:
    with Harness(AppSink(), caps=CAPS) as harness:
        node = node_of(harness)
        harness.push(speech(1, "one"))
    assert sum(p.frames for p in node.output) == RATE // 10


def counted(clock: Harness, release_after: int = 30) -> list[int]:
    """Make the waits of a harness advance its time, and end a hold after `release_after` of them; return the
    list of waits in ms."""
    waits: list[int] = []

    def wait_until(deadline_ns: int | None = None) -> None:
        assert deadline_ns is not None
        waits.append((deadline_ns - clock.time_ns) // MS)
        clock.time_ns = max(clock.time_ns, deadline_ns)
        if len(waits) == release_after:
            node_of(clock).hold(False)

    clock.wait_until = wait_until  # type: ignore[method-assign]
    return waits


def test_while_a_reply_is_held_nothing_is_sent_and_nothing_is_lost(clock: Harness) -> None:
    node = node_of(clock)
    clock.push(speech(1, "one", "two"))
    assert sum(p.frames for p in sent(node)) == RATE // 5
    node.hold(True)
    waits = counted(clock)
    clock.push(speech(1, "three", index=2))
    clock.event(TurnEnd(turn=1))
    assert len(waits) >= 30
    assert sum(p.frames for p in sent(node)) == RATE // 10
    clock.advance(SECOND)
    assert [(phase, heard) for phase, heard, _ in told(clock)] == [("start", ""), ("end", "one two three")]


def test_in_a_hold_the_clock_goes_on_if_the_application_plays_on(clock: Harness) -> None:
    clock.push(speech(1, "one", "two"))
    sent(node_of(clock))
    node_of(clock).hold(True)
    clock.advance(150 * MS)
    assert node_of(clock).lead_ns() == 50 * MS
    assert clock.flush(turn=1).heard(1) == "one"


def test_in_a_hold_the_clock_stops_if_the_application_pauses() -> None:
    with Harness(AppSink(buffer="300ms", holds=True), caps=CAPS) as clock:
        node = node_of(clock)
        clock.push(speech(1, "one", "two"))
        clock.event(TurnEnd(turn=1))
        clock.advance(70 * MS)
        node.hold(True)
        clock.advance(500 * MS)
        assert node.lead_ns() == 130 * MS
        node.hold(False)
        clock.advance(70 * MS)
        assert node.lead_ns() == 60 * MS
        clock.advance(200 * MS)
    assert told(clock) == [("start", "", 0), ("end", "one two", 700)]


def test_audio_that_waits_in_a_hold_counts_as_lead(clock: Harness) -> None:
    node = node_of(clock)
    node.hold(True)
    leads: list[int] = []
    waits = counted(clock)
    wait_until = clock.wait_until

    def looked(deadline_ns: int | None = None) -> None:
        leads.append(node.lead_ns())
        wait_until(deadline_ns)

    clock.wait_until = looked  # type: ignore[method-assign]
    clock.push(speech(1, "one"))
    assert set(leads) == {100 * MS}
    assert set(waits) == {20}


def test_a_cut_ends_a_hold(clock: Harness) -> None:
    node_of(clock).hold(True)
    clock.flush(turn=1)
    clock.push(speech(2, "two"))
    assert sum(p.frames for p in sent(node_of(clock))) == RATE // 10


def test_no_patience_is_lost_while_a_reply_is_held(reported: Harness) -> None:
    node = node_of(reported)
    reported.push(speech(1, "one"))
    node.hold(True)
    counted(reported, release_after=60 * 50)
    reported.push(speech(1, "two", index=1))
    assert reported.time_ns >= 60 * SECOND
    assert [m for m in reported.messages if m.kind == "warning"] == []


def test_a_late_report_of_a_reply_that_was_taken_back_brings_it_back_only_where_more_was_heard(
    reported: Harness,
) -> None:
    node = node_of(reported)
    for turn, back in ((1, False), (2, True)):
        words = ("one", "two", "three", "four", "five", "six")
        reported.conversation.append("assistant", " ".join(words), turn)
        reported.push(speech(turn, *words))
        sent(node)
        flush = reported.flush(turn=turn, takes_back=back)
        reported.conversation.truncate(turn, flush.heard(turn))
        node.played(0.16, turn)
    assert [(entry.turn, entry.text) for entry in reported.conversation.entries()] == [(1, "one two")]
    node.played(0.36, 2)
    assert [entry.text for entry in reported.conversation.entries()] == ["one two"]
    node.played(0.46, 2)
    assert [entry.text for entry in reported.conversation.entries()] == [
        "one two",
        "one two three four five",
    ]


@pytest.mark.parametrize("pace", ["clock", "played"])
def test_reply_stands_still_without_a_warning_while_the_line_is_down(
    pace: Literal["clock", "played"],
) -> None:
    with Harness(AppSink(pace=pace, buffer="300ms"), caps=CAPS) as harness:
        node, wait_until = node_of(harness), harness.wait_until
        sent_at: list[int] = []
        node.output.listen(lambda packet: sent_at.append(harness.time_ns))
        harness.push(speech(1, "one"))
        node.pause(True)

        def waits(deadline_ns: int | None = None) -> None:
            if harness.time_ns >= 60 * SECOND:
                node.pause(False)
                if pace == "played":
                    node.played(0.1)
            wait_until(deadline_ns)

        harness.wait_until = waits  # type: ignore[method-assign]
        harness.push(speech(1, "two", "three", index=1))
        assert [at for at in sent_at if 0 < at < 60 * SECOND] == []
        assert len(sent_at) == 3 * 5
        assert [m for m in harness.messages if m.kind == "warning"] == []
        assert harness.flush(turn=1).heard(1) == ("one" if pace == "played" else "")
