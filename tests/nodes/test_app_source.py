"""Audio that an application pushes: all of it comes out, in order, at the pace that was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from tests.stand_ins import PATIENCE_S
from vflow import MS, SECOND, AudioPacket, Harness, TalkEnd, TalkStart, VflowError
from vflow_nodes.app_source import MOST_MARKS, AppSource

RATE = 16_000


def ramp(frames: int, start: int = 0) -> np.ndarray:
    return (np.arange(start, start + frames) % 30_000).astype(np.int16)


def packets(harness: Harness, count: int | None = None) -> list[AudioPacket]:
    made = islice(harness.produce(), count)
    return [packet for packet in made if isinstance(packet, AudioPacket)]


def joined(found: list[AudioPacket]) -> np.ndarray:
    return np.round(np.concatenate([p.mono() for p in found]) * 32768).astype(np.int64)


@pytest.fixture
def harness() -> Iterator[Harness]:
    with Harness(AppSource()) as made:
        yield made


def source(harness: Harness) -> AppSource:
    assert isinstance(harness.node, AppSource)
    return harness.node


def test_pushed_audio_leaves_at_once_and_whole(harness: Harness) -> None:
    node = source(harness)
    assert node.push(ramp(1000))
    assert node.push(ramp(2345, 1000))
    assert node.waiting_ns == 3345 * SECOND // RATE
    node.end()
    found = packets(harness)
    assert harness.time_ns == 0
    assert joined(found).tolist() == ramp(3345).tolist()
    assert max(p.frames for p in found) == 320
    assert node.waiting_ns == 0


def test_pts_go_on_without_a_gap(harness: Harness) -> None:
    node = source(harness)
    node.push(ramp(3345))
    node.end()
    found = packets(harness)
    ends = [p.pts_ns + p.duration_ns for p in found]
    assert [p.pts_ns for p in found] == [0, *ends[:-1]]


def test_at_the_clocks_pace_a_packet_leaves_when_a_microphone_would_deliver_it() -> None:
    with Harness(AppSource(pace="clock")) as harness:
        node = source(harness)
        node.push(ramp(RATE))
        node.end()
        seen = [(harness.now_ns(), p.pts_ns + p.duration_ns) for p in harness.produce()]
    assert len(seen) == 50
    assert all(now >= end for now, end in seen)
    assert seen[-1][0] <= SECOND + MS


def test_silence_follows_at_the_clocks_pace_once_nothing_came_for_a_while(harness: Harness) -> None:
    node = source(harness)
    node.push(ramp(320))
    items = harness.produce()
    next(items)
    seen = []
    for packet in islice(items, 4):
        assert isinstance(packet, AudioPacket)
        assert not packet.data.any()
        seen.append(harness.now_ns() // MS)
    assert seen == [200, 220, 240, 260]


def test_audio_that_came_faster_than_it_lasts_is_followed_by_its_silence_at_once(harness: Harness) -> None:
    node = source(harness)
    node.push(ramp(10 * RATE))
    items = harness.produce()
    assert sum(len(p.data) for p in islice(items, 500)) == 10 * RATE  # type: ignore[union-attr]
    assert harness.now_ns() == 0
    silent = [harness.now_ns() for _ in islice(items, 101)]
    assert silent[0] == 200 * MS
    assert silent[99] == 200 * MS + 99 * 20 * MS
    assert silent[100] > 10 * SECOND  # the stream waits until the clock has come to its time


def test_audio_after_a_pause_has_the_time_at_which_it_came(harness: Harness) -> None:
    node = source(harness)
    harness.time_ns = 5 * SECOND
    node.push(ramp(320))
    (packet,) = packets(harness, 1)
    assert packet.pts_ns + packet.duration_ns == 5 * SECOND


def test_audio_that_waited_for_a_busy_machine_is_as_whole_as_it_was_pushed(harness: Harness) -> None:
    node = source(harness)
    harness.time_ns = SECOND
    node.push(ramp(320 * 4))
    found = []
    for packet in islice(harness.produce(), 4):
        assert isinstance(packet, AudioPacket)
        found.append(packet.pts_ns // MS)
        harness.time_ns += 500 * MS
    assert found == [980, 1000, 1020, 1040]


def test_audio_that_a_network_delivers_late_goes_on_where_the_last_ended(harness: Harness) -> None:
    node = source(harness)
    harness.time_ns = SECOND
    items = harness.produce()
    found = []
    for late_ms in (0, 20, 150, 20, 0, 20):
        harness.time_ns += late_ms * MS
        node.push(ramp(320))
        packet = next(items)
        assert isinstance(packet, AudioPacket)
        found.append(packet.pts_ns // MS)
    assert found == [980, 1000, 1020, 1040, 1060, 1080]
    harness.time_ns += 400 * MS  # and what comes after a pause is of its own time
    node.push(ramp(320))
    packet = next(items)
    assert isinstance(packet, AudioPacket)
    assert packet.pts_ns == harness.time_ns - 20 * MS


def test_a_push_without_room_is_refused_whole_and_later_room_is_announced() -> None:
    with Harness(AppSource(buffer="100ms")) as harness:
        node = source(harness)
        assert node.push(ramp(1000))
        assert not node.push(ramp(1000))
        assert node.waiting_ns == 1000 * SECOND // RATE
        assert node.room.get(0) is None
        packets(harness, 2)
        assert node.room.get(0) is True
        assert node.push(ramp(1000))


def test_a_push_that_can_never_fit_is_an_error() -> None:
    with Harness(AppSource(buffer="100ms")) as harness, pytest.raises(VflowError, match="push it in pieces"):
        source(harness).push(ramp(RATE))


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 48_000])
def test_other_rates_are_converted_without_a_seam_between_pushes(rate: int) -> None:
    at = np.arange(rate) / rate
    tone = (0.5 * np.sin(2 * np.pi * 440 * at)).astype(np.float32)
    with Harness(AppSource()) as harness:
        node = source(harness)
        for start in range(0, rate, rate // 50):
            node.push(tone[start : start + rate // 50], rate)
        node.end()
        heard = np.concatenate([p.mono() for p in packets(harness)])
    assert abs(len(heard) - RATE) <= 2
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(heard)) / RATE)
    assert np.abs(heard - expected)[500:-500].max() < 0.01


def test_change_of_rate_loses_no_earlier_audio() -> None:
    with Harness(AppSource()) as harness:
        node = source(harness)
        node.push(np.full(8_000, 0.5, np.float32), 8_000)
        node.push(np.full(48_000, -0.5, np.float32), 48_000)
        node.push(np.full(16_000, 0.25, np.float32))
        node.end()
        heard = np.concatenate([p.mono() for p in packets(harness)])
    assert abs(len(heard) - 3 * RATE) <= 4
    assert [round(float(heard[int(t * RATE)]), 2) for t in (0.5, 1.5, 2.5)] == [0.5, -0.5, 0.25]


def test_channels_are_mixed_and_those_that_cancel_are_heard(harness: Harness) -> None:
    at = np.arange(RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 440 * at)).astype(np.float32)
    node = source(harness)
    node.push(np.stack([tone, -tone], axis=1))
    node.end()
    heard = np.concatenate([p.mono() for p in packets(harness)])
    assert np.abs(heard[RATE // 2 :]).max() > 0.4


def test_samples_that_are_no_numbers_are_silence_and_told_once(harness: Harness) -> None:
    node = source(harness)
    for _ in range(2):
        node.push(np.array([np.nan, 0.5]))
    node.end()
    assert [float(v) for p in packets(harness) for v in p.mono()] == [0, 0.5, 0, 0.5]
    assert len([m for m in harness.messages if m.kind == "warning"]) == 1


@pytest.mark.parametrize("rate", [0, -8000, 44_100.5, "8000", None, True, 10**9])
def test_an_invalid_rate_is_refused(harness: Harness, rate: object) -> None:
    if rate is None:
        assert source(harness).push(ramp(10), None)  # the node's own
        return
    with pytest.raises(VflowError, match="a rate is a whole number of Hz"):
        source(harness).push(ramp(10), rate)  # type: ignore[arg-type]


def test_a_push_after_the_end_is_refused(harness: Harness) -> None:
    node = source(harness)
    node.end()
    node.end()
    with pytest.raises(VflowError, match=r"push after end\(\)"):
        node.push(ramp(10))
    node.close()
    with pytest.raises(VflowError, match="the pipeline is not open"):
        node.push(ramp(10))
    for samples in (ramp(10), np.array([np.nan])):
        with pytest.raises(VflowError, match="the pipeline is not open"):
            AppSource().push(samples)


def test_two_threads_push_and_each_push_stays_whole(harness: Harness) -> None:
    node = source(harness)

    def push(value: int) -> None:
        for _ in range(50):
            node.push(np.full(100, value, np.int16))

    threads = [threading.Thread(target=push, args=(value,)) for value in (1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    node.end()
    heard = joined(packets(harness)).reshape(-1, 100)
    assert sorted({*map(int, heard.min(axis=1))} | {*map(int, heard.max(axis=1))}) == [1000, 2000]
    assert (heard.min(axis=1) == heard.max(axis=1)).all()
    assert len(heard) == 100


def test_a_mark_leaves_between_the_audio_pushed_before_and_after_it(harness: Harness) -> None:
    node = source(harness)
    node.push(ramp(1000))
    node.press()
    node.push(ramp(3000), 48_000)
    node.release()
    node.end()
    made = harness.produce()
    frames = [item.frames if isinstance(item, AudioPacket) else type(item) for item in made]
    press, release = frames.index(TalkStart), frames.index(TalkEnd)
    assert sum(n for n in frames[:press] if isinstance(n, int)) == 1000
    assert sum(n for n in frames[press:release] if isinstance(n, int)) == 1000
    assert frames[release:] == [TalkEnd]


def test_a_mark_before_the_start_or_after_the_end_is_refused(harness: Harness) -> None:
    with pytest.raises(VflowError, match="the pipeline is not open"):
        AppSource().press()
    source(harness).end()
    with pytest.raises(VflowError, match="the stream is over"):
        source(harness).release()


def test_marks_without_end_are_refused_until_some_have_left(harness: Harness) -> None:
    node = source(harness)
    for _ in range(MOST_MARKS):
        node.press()
    with pytest.raises(VflowError, match="1,000 presses and releases wait to leave"):
        node.release()
    assert next(iter(harness.produce()))
    node.release()


def test_no_silence_is_inserted_while_the_line_is_down(harness: Harness) -> None:
    node = source(harness)
    harness.time_ns = SECOND
    node.push(ramp(320))
    items = harness.produce()
    before = next(items)
    node.pause(True)
    wait_until = harness.wait_until

    def waits(deadline_ns: int | None = None) -> None:
        wait_until(deadline_ns)
        assert deadline_ns is None, "it would be silence that is waited for"
        harness.time_ns = 20 * SECOND
        node.pause(False)
        node.push(ramp(320, 320))

    harness.wait_until = waits  # type: ignore[method-assign]
    after = next(items)
    assert isinstance(before, AudioPacket)
    assert isinstance(after, AudioPacket)
    assert joined([before, after]).tolist() == ramp(640).tolist()
    assert after.pts_ns == before.pts_ns + before.duration_ns


def test_time_of_the_stream_is_found_in_the_pushed_audio(harness: Harness) -> None:
    node = source(harness)
    node.push(ramp(RATE))
    made = harness.produce()
    first = [next(made) for _ in range(50)]
    for _ in range(100):  # 2 s of silence
        next(made)
    node.push(ramp(RATE))
    second = next(made)
    assert isinstance(second, AudioPacket)
    assert isinstance(first[-1], AudioPacket)
    assert node.pushed_by(first[-1].pts_ns) == pytest.approx(0.98)
    assert node.pushed_by(second.pts_ns - MS) == pytest.approx(1.0)
    assert node.pushed_by(second.pts_ns + 10 * MS) == pytest.approx(1.01)
    assert node.pushed_by(second.pts_ns + 5 * SECOND) == pytest.approx(1.02)
    assert node.pushed_by(-1) == 0
