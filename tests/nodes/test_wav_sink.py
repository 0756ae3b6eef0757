"""wav_sink: what is in the file, at its sample, is what was played, at its time."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    GraphError,
    Harness,
    Message,
    Played,
    Span,
    TurnEnd,
    Unavailable,
    load,
)
from vflow.ports import Item
from vflow_nodes.wav_sink import WavSink

RATE = 16000
STEP = 2**-15


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "out.wav"


def sink(file: Path, **props: object) -> Harness:
    return Harness(WavSink(file=str(file), **props), caps={"audio": Audio(RATE, 1)})


def packet(ms: int, value: float = 0.5, turn: int = 1, spans: tuple[Span, ...] = ()) -> AudioPacket:
    return AudioPacket(data=np.full(ms * RATE // 1000, value, np.float32), rate=RATE, turn=turn, spans=spans)


def written(file: Path) -> np.ndarray:
    data, rate = soundfile.read(file, dtype="float32", always_2d=True)
    info = soundfile.info(file)
    assert (rate, data.shape[1], info.format, info.subtype) == (RATE, 1, "WAV", "PCM_16")
    return data[:, 0]


def runs(data: np.ndarray) -> list[tuple[float, float]]:
    """Return (value, ms) of each stretch of equal samples."""
    edges = [0, *(np.flatnonzero(np.diff(data)) + 1), len(data)]
    return [(round(float(data[a]), 3), (b - a) * 1000 / RATE) for a, b in pairwise(edges)]


def told(harness: Harness) -> list[tuple[str, int, int, float]]:
    """Return (phase, turn, samples, at ms) of each message `played`."""
    found: list[Message] = [m for m in harness.messages if m.kind == "played"]
    return [
        (m.data["phase"], m.data["played"].turn, m.data["played"].samples, m.data["at_ns"] / MS)
        for m in found
    ]


def test_a_sample_is_in_the_file_at_its_pipeline_time(file: Path):
    with sink(file) as harness:
        harness.advance(100 * MS)
        harness.push(packet(40))
        harness.advance(200 * MS)
        harness.push(packet(20, 0.25))
        harness.advance(50 * MS)
    assert runs(written(file)) == [(0, 100), (0.5, 40), (0, 160), (0.25, 20), (0, 30)]


def test_audio_that_comes_in_time_plays_without_holes(file: Path):
    tone = np.random.default_rng(1).uniform(-1, 1, RATE).astype(np.float32)
    with sink(file) as harness:
        for at in range(0, RATE, 512):
            harness.push(AudioPacket(data=tone[at : at + 512].copy(), rate=RATE, turn=1))
            harness.advance(32 * MS)
    data = written(file)
    assert np.abs(data[:RATE] - tone).max() <= STEP
    assert not data[RATE:].any()


def test_dropped_audio_is_not_in_the_file(file: Path):
    with sink(file, buffer="2s") as harness:
        harness.push(packet(300, turn=7))
        harness.advance(125 * MS)
        (played,) = harness.flush().played
        harness.advance(75 * MS)
        harness.push(packet(40, 0.25, turn=8))
        harness.advance(100 * MS)
    assert played == Played(7, 2000, RATE)
    assert runs(written(file)) == [(0.5, 125), (0, 75), (0.25, 40), (0, 60)]


def test_a_drop_returns_the_words_that_were_heard(file: Path):
    spans = (Span(1, 0, "good", 0, 1600), Span(1, 1, "morning", 1600, 4800))
    with sink(file) as harness:
        harness.push(packet(300, spans=spans))
        harness.advance(199 * MS)
        assert harness.node.drop(1) == (Played(1, 199 * 16, RATE, "good", 1),)
        harness.push(packet(300, spans=spans))
        harness.epoch = 1
        harness.push(packet(300, spans=spans))
        harness.advance(201 * MS)
        assert harness.node.drop(2) == (Played(1, 201 * 16, RATE, "good morning", 2),)


def test_after_a_drop_older_packets_are_refused(file: Path):
    with sink(file) as harness:
        harness.node.drop(5)
        harness.push(packet(100))
        harness.advance(100 * MS)
        assert told(harness) == []
    assert not written(file).any()


def test_drop_first_plays_audio_that_is_due(file: Path):
    with sink(file, buffer="2s") as harness:
        harness.push(packet(100))
        harness.event(TurnEnd(turn=1))
        harness.time_ns = 100 * MS  # no timer ran
        assert harness.node.drop(1) == (Played(1, 1600, RATE, ended=True),)
        assert told(harness) == [("start", 1, 1600, 0), ("end", 1, 1600, 100)]


def test_a_write_waits_while_more_than_the_buffer_is_queued(file: Path):
    with sink(file, buffer="100ms") as harness:
        for k in range(5):
            harness.push(packet(80))
            assert harness.node.lead_ns() <= 180 * MS
            assert harness.now_ns() == max(0, (80 * k - 100) * MS)
    with sink(file, buffer="0ms") as harness:
        harness.push(packet(80))
        harness.push(packet(80))
        assert harness.now_ns() == 80 * MS


def test_lead_is_the_audio_still_to_be_played(file: Path):
    with sink(file) as harness:
        assert harness.node.lead_ns() == 0
        harness.push(packet(300))
        assert harness.node.lead_ns() == 300 * MS
        harness.time_ns = 120 * MS
        assert harness.node.lead_ns() == 180 * MS
        harness.time_ns = 900 * MS
        assert harness.node.lead_ns() == 0
        harness.push(packet(300))
        harness.flush()
        assert harness.node.lead_ns() == 0


def test_start_and_end_are_told_in_time_and_at_their_time(file: Path):
    with sink(file) as harness:
        harness.advance(10 * MS)
        harness.push(packet(300, turn=4))
        harness.event(TurnEnd(turn=4))
        harness.push(packet(100, turn=5))
        seen = []
        for _ in range(45):
            harness.advance(10 * MS)
            seen.append((harness.now_ns() // MS, len(told(harness))))
            if harness.now_ns() == 350 * MS:
                harness.event(TurnEnd(turn=5))
        assert [(phase, turn, at) for phase, turn, _, at in told(harness)] == [
            ("start", 4, 10),
            ("end", 4, 310),
            ("start", 5, 310),
            ("end", 5, 410),
        ]
        first = {count: now for now, count in reversed(seen)}
        assert (first[1], first[3], first[4]) == (20, 320, 410)


def test_a_turn_that_ends_on_an_idle_sink_is_told_at_once(file: Path):
    with sink(file) as harness:
        harness.push(packet(100))
        harness.advance(500 * MS)
        harness.event(TurnEnd(turn=1))
        assert [phase for phase, *_ in told(harness)] == ["start", "end"]


def test_eos_waits_until_all_is_played(file: Path):
    with sink(file, buffer="5s") as harness:
        harness.push(packet(700, turn=2))
        harness.push(packet(300, turn=2))
        harness.event(TurnEnd(turn=2))
        harness.eos()
        assert harness.now_ns() == SECOND
        assert told(harness)[-1] == ("end", 2, RATE, 1000)
    assert runs(written(file)) == [(0.5, 1000)]


def test_latency_bridges_the_jitter_of_live_audio(file: Path):
    def holes(**props: object) -> int:
        with sink(file, **props) as harness:
            for k, late_ms in enumerate([0, 18, 3, 9, 19, 0, 11] * 4):
                harness.advance((100 + 20 * k + late_ms) * MS - harness.now_ns())
                harness.push(packet(20))
            harness.eos()
        return sum(value == 0 for value, _ in runs(written(file))) - 1

    assert holes() == 2  # each time that a packet is later than all before it
    assert holes(latency="20ms") == 0


def test_silence_of_latency_does_not_count_as_played(file: Path):
    with sink(file, latency="50ms") as harness:
        harness.advance(100 * MS)
        harness.push(packet(100))
        assert harness.node.lead_ns() == 150 * MS
        harness.advance(60 * MS)
        assert harness.node.drop(1) == (Played(1, 160, RATE),)
        assert told(harness) == [("start", 1, 1, 150)]
    assert runs(written(file)) == [(0, 150), (0.5, 10)]


def test_without_sync_packets_are_written_as_they_come(file: Path):
    spans = (Span(1, 0, "hello", 0, 1600),)
    with sink(file, sync=False) as harness:
        harness.advance(3 * SECOND)
        harness.push(packet(700, spans=spans))
        harness.push(packet(700, 0.25))
        assert harness.now_ns() == 3 * SECOND
        assert harness.node.lead_ns() == 0
        assert harness.timer_ns is None
        assert harness.node.drop(1) == (Played(1, 22400, RATE, "hello", 1),)
        harness.epoch = 1
        harness.push(packet(100, 0.125, turn=2))
        harness.event(TurnEnd(turn=2))
        harness.eos()
        assert [(phase, turn) for phase, turn, *_ in told(harness)] == [
            ("start", 1),
            ("start", 2),
            ("end", 2),
        ]
        assert told(harness)[-1][2:] == (1600, 3000)
    assert runs(written(file)) == [(0.5, 700), (0.25, 700), (0.125, 100)]


def test_samples_are_clipped_not_wrapped(file: Path):
    with sink(file, sync=False) as harness:
        harness.push(packet(10, 3.0))
        harness.push(packet(10, -3.0))
    assert runs(written(file)) == [(1.0, 10), (-1.0, 10)]


def test_samples_that_are_no_numbers_are_silence_with_one_warning_a_run(file: Path):
    data = np.full(160, 0.5, np.float32)
    data[10], data[20], data[30] = np.nan, np.inf, -np.inf
    with sink(file, sync=False) as harness:
        for _ in range(3):
            harness.push(AudioPacket(data=data.copy(), rate=RATE))
        assert [m.kind for m in harness.messages].count("warning") == 1
    assert np.flatnonzero(written(file)[:160] == 0).tolist() == [10, 20, 30]


def test_a_long_silence_does_not_hold_up_a_drop(file: Path):
    with sink(file) as harness:
        harness.push(packet(100))
        harness.advance(600 * SECOND)
        assert harness.node.drop(1) == (Played(1, 1600, RATE),)
        assert file.stat().st_size < 100_000  # the disk sees it later, from the node's own thread
        harness.epoch = 1
        harness.push(packet(100, 0.25))
        harness.advance(100 * MS)
    info = soundfile.info(file)
    assert info.frames == 600 * RATE + 1600
    with soundfile.SoundFile(file) as sound:
        sound.seek(-1600, 2)
        assert np.array_equal(np.unique(sound.read(dtype="float32")), [0.25])


def test_close_finishes_the_file_from_another_thread_and_twice(file: Path):
    harness = sink(file)
    harness.node.open()
    harness.push(packet(1000))
    harness.time_ns = 400 * MS  # the node's own thread is lost from here on
    thread = threading.Thread(target=harness.node.close)
    thread.start()
    thread.join(10)
    assert runs(written(file)) == [(0.5, 400)]
    harness.time_ns = SECOND
    harness.node.close()
    assert harness.node.drop(1) == (Played(1, 6400, RATE),)
    assert runs(written(file)) == [(0.5, 400)]


def test_a_file_that_cannot_be_written_is_refused_and_nothing_else_breaks(tmp_path: Path):
    (tmp_path / "plain").write_text("")
    for bad, reason in (
        (tmp_path / "gone" / "a.wav", "there is no such folder"),
        (tmp_path, "Is a directory"),
        (tmp_path / "plain" / "a.wav", "there is no such folder"),
    ):
        harness = sink(bad)
        with pytest.raises(Unavailable, match=reason):
            harness.node.open()
        assert harness.node.drop(1) == ()
        assert harness.node.lead_ns() == 0
        harness.node.close()


def test_missing_rate_is_refused(file: Path):
    with pytest.raises(Unavailable, match="rate of its audio"):
        Harness(WavSink(file=str(file))).node.open()


def sounded(items: list[Item]) -> tuple[float, float]:
    """Return from when to when packets sound, in ms. Check that they have at most 10 ms, without gaps."""
    packets = [item for item in items if isinstance(item, AudioPacket)]
    ends = [p.pts_ns + p.duration_ns for p in packets]
    assert [p.pts_ns for p in packets[1:]] == ends[:-1]
    assert all(0 < p.duration_ns <= 10 * MS and (p.data == 0.5).all() for p in packets)
    return packets[0].pts_ns / MS, ends[-1] / MS


def test_played_sends_audio_while_it_sounds_with_its_time(file: Path):
    with sink(file) as harness:
        harness.advance(100 * MS)
        told = harness.push(packet(25))
        assert told == []
        for now in range(101, 126):
            told += harness.advance(1 * MS)
            assert sounded(told)[0] == 100
            assert now - 10 <= sounded(told)[1] <= now
        told += harness.advance(200 * MS)
        assert sounded(told) == (100, 125)
        assert harness.timer_ns is None


def test_played_sends_audio_while_a_write_waits(file: Path):
    with sink(file, buffer="0ms") as harness:
        harness.push(packet(100))
        harness.push(packet(100))
        assert harness.now_ns() == 100 * MS
        assert sounded(harness.pull()) == (0, 100)


def test_played_sends_audio_to_the_end_of_the_stream(file: Path):
    with sink(file) as harness:
        harness.push(packet(30))
        harness.eos()
        assert sounded(harness.pull()) == (0, 30)


def test_played_sends_a_cut_reply_up_to_the_cut_only(file: Path):
    with sink(file) as harness:
        harness.push(packet(100))
        told = harness.advance(20 * MS)
        harness.time_ns, harness.timer_ns = harness.time_ns + 7 * MS, None  # a flush ends all timers
        harness.flush()
        assert sounded(told + harness.advance(0)) == (0, 27)
        assert harness.advance(SECOND) == []


def test_no_event_of_the_reply_leaves_with_what_is_played(file: Path):
    with sink(file) as harness:
        harness.push(packet(30))
        assert harness.event(TurnEnd(turn=1)) == []


@pytest.mark.parametrize("unheard", ["not linked", "not at the clock's pace"])
def test_played_sends_nothing_if_unlinked_or_without_sync(file: Path, unheard: str):
    harness = sink(file, sync=unheard == "not linked")
    harness.linked_ports = set() if unheard == "not linked" else None
    with harness:
        harness.push(packet(100))
        assert harness.advance(50 * MS) == []
        harness.eos()
        assert not [item for item in harness.pull() if isinstance(item, AudioPacket)]


def test_a_duck_lowers_later_audio_until_a_drop(file: Path):
    with sink(file) as harness:
        harness.push(packet(100))
        harness.time_ns = 40 * MS  # no timer ran: what is past keeps its volume
        harness.node.duck(0.25)
        harness.advance(60 * MS)
        harness.flush()
        harness.push(packet(20))
        harness.advance(20 * MS)
    data = written(file)
    assert (np.diff(data[: 40 * 16]) == 0).all()
    ramp, low, after = data[40 * 16 : 50 * 16], data[50 * 16 : 100 * 16], data[100 * 16 :]
    assert (np.diff(ramp) <= STEP).all()
    assert low == pytest.approx(0.125, abs=STEP)
    assert after[:320] == pytest.approx(0.5, abs=STEP)


def test_a_sink_that_is_not_open_has_nothing_to_duck(file: Path):
    WavSink(file=str(file)).duck(0.5)


GRAPH = "nodes:\n  tone: {{use: test_tone}}\n  sink: {{use: wav_sink, file: {file}}}\nlinks: [tone -> sink]\n"


@pytest.mark.parametrize("name", ["morning.mp3", "morning.FLAC", "a/morning.ogg"])
def test_a_name_of_another_format_is_refused_with_the_one_to_write(name: str):
    with pytest.raises(GraphError) as raised:
        load(GRAPH.format(file=name))
    (found,) = raised.value.diagnostics
    wav = f"{name.rpartition('.')[0]}.wav"
    assert found.message == f"sink: {name} would be a wav file; name it {wav}"
    assert found.place is not None
    assert (found.place.line, found.place.column) == (3, 31)


@pytest.mark.parametrize("name", ["morning.wav", "morning.WAV", "morning", "v1.2", "/dev/null"])
def test_a_name_that_says_nothing_else_is_a_wav_file(name: str):
    load(GRAPH.format(file=name))


def test_a_sink_that_is_opened_anew_within_a_run_goes_on_with_its_recording(file: Path):
    soundfile.write(file, np.full(2000, 0.9), RATE)  # of a run before
    with sink(file) as harness:
        harness.push(packet(100, 0.25))
        harness.advance(150 * MS)
        harness.node.close()
        harness.time_ns = 300 * MS
        harness.node.open()
        harness.push(packet(100, 0.5))
        harness.advance(200 * MS)
    assert runs(written(file))[:3] == [(0.25, 100), (0, 200), (0.5, 100)]


def test_without_sync_a_sink_that_is_opened_anew_writes_on(file: Path):
    with sink(file, sync=False) as harness:
        harness.push(packet(100, 0.25))
        harness.node.close()
        harness.node.open()
        harness.push(packet(100, 0.5))
    assert len(written(file)) == RATE // 5
    assert written(file)[[0, -1]] == pytest.approx((0.25, 0.5), abs=1e-3)


def test_sink_that_plays_nothing_does_not_overwrite_its_file(file: Path):
    soundfile.write(file, np.full(2000, 0.9), RATE)
    with sink(file) as harness:
        harness.node.close()
        harness.node.open()
    assert len(written(file)) == 2000


def test_a_hold_is_silence_in_the_file_and_the_rest_follows_it(file: Path):
    with sink(file) as harness:
        harness.push(packet(100, spans=(Span(1, 0, "one", 0, 800), Span(1, 1, "two", 800, 1600))))
        harness.event(TurnEnd(turn=1))
        harness.time_ns = 40 * MS  # no timer ran: what is past is played
        harness.node.hold(True)
        assert harness.node.lead_ns() == 60 * MS
        harness.advance(300 * MS)
        assert harness.node.lead_ns() == pytest.approx(50 * MS, abs=MS)
        harness.node.hold(False)
        harness.advance(60 * MS)
        assert told(harness) == [
            ("start", 1, 640, 0.0),
            ("end", 1, 1600, pytest.approx(390, abs=1)),
        ]
    data = written(file)
    assert data[: 40 * 16] == pytest.approx(0.5, abs=STEP)
    assert not data[50 * 16 : 340 * 16].any()
    assert data[351 * 16 : 390 * 16] == pytest.approx(0.5, abs=STEP)
    assert np.abs(np.diff(data[: 385 * 16])).max() < 0.01, "it does not click"
    assert np.count_nonzero(data) == 1600


def test_a_hold_is_looked_after_in_time_by_a_sink_that_waits(file: Path):
    """The end is reported when it is due, however long the hold was."""
    with sink(file) as harness:
        harness.push(packet(100))
        harness.event(TurnEnd(turn=1))
        for _ in range(3):
            harness.advance(10 * MS)
            harness.node.hold(True)
            harness.advance(100 * MS)
            harness.node.hold(False)
        before = len(harness.messages)
        harness.advance(40 * MS)
        assert len(harness.messages) == before
        harness.advance(MS)
        assert [message.data["phase"] for message in harness.messages[before:]] == ["end"]


def test_end_of_the_stream_waits_for_held_audio(file: Path):
    with sink(file) as harness:
        harness.push(packet(50))
        harness.node.hold(True)
        waits: list[int] = []

        def wait_until(deadline_ns: int | None = None) -> None:
            assert deadline_ns is not None
            waits.append(deadline_ns - harness.time_ns)
            harness.time_ns = deadline_ns
            if len(waits) == 30:
                harness.node.hold(False)

        harness.wait_until = wait_until  # type: ignore[method-assign]
        harness.eos()
    assert 30 < len(waits) < 50
    assert max(waits) <= 11 * MS
    assert np.count_nonzero(written(file)) == 50 * 16


def test_a_drop_ends_a_hold(file: Path):
    with sink(file) as harness:
        harness.push(packet(100))
        harness.node.hold(True)
        harness.advance(50 * MS)
        assert harness.flush().played[0].samples == 0
        harness.push(packet(20, turn=2))
        harness.advance(20 * MS)
    assert np.flatnonzero(written(file)).tolist() == list(range(50 * 16, 70 * 16))


def test_nothing_is_held_without_the_clock_or_before_it_is_open(file: Path):
    WavSink(file=str(file)).hold(True)
    with sink(file, sync=False) as harness:
        harness.node.hold(True)
        harness.push(packet(20))
    assert written(file).all()
