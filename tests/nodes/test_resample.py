"""resample: streamed in packets of any size it equals soxr's conversion of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Event,
    Harness,
    Pause,
    Span,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    Unavailable,
)
from vflow_nodes.resample import Resample

RATES = [(48000, 16000), (44100, 16000), (24000, 48000), (16000, 24000), (8000, 16000), (192000, 16000)]


def noise(frames: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.5, 0.5, (frames, channels)).astype(np.float32)


def converter(before: Audio, after: Audio, **props: object) -> Harness:
    return Harness(Resample(**props), caps={"audio": before, "out": after})


def push_all(harness: Harness, data: np.ndarray, rate: int, frame: int, start_ns: int = 0) -> None:
    for at in range(0, len(data), frame):
        pts_ns = start_ns + at * SECOND // rate
        harness.push(AudioPacket(data=data[at : at + frame].copy(), rate=rate, pts_ns=pts_ns))


def joined(harness: Harness) -> np.ndarray:
    return np.concatenate([p.data for p in harness.pull() if isinstance(p, AudioPacket)])


@pytest.mark.parametrize(("before", "after"), RATES)
@pytest.mark.parametrize("frame_ms", [10, 32])
@pytest.mark.parametrize("quality", ["LQ", "HQ", "VHQ"])
def test_streaming_equals_the_conversion_of_the_whole(before: int, after: int, frame_ms: int, quality: str):
    data = noise(before)
    with converter(Audio(before, 1), Audio(after, 1), quality=quality) as harness:
        push_all(harness, data, before, before * frame_ms // 1000)
        harness.eos()
        made = joined(harness)
    whole = soxr.resample(data, before, after, quality=quality)
    assert len(made) == len(whole) == after
    assert np.abs(made - whole).max() < 1e-6


@pytest.mark.parametrize(("before", "after"), RATES)
def test_a_tone_keeps_its_samples_to_90_db_and_its_time(before: int, after: int):
    tone = np.sin(2 * np.pi * 1000 * np.arange(before) / before).astype(np.float32)
    with converter(Audio(before, 1), Audio(after, 1)) as harness:
        push_all(harness, tone.reshape(-1, 1), before, before // 50)
        harness.eos()
        made = joined(harness)[:, 0]
    wanted = np.sin(2 * np.pi * 1000 * np.arange(after) / after)
    inner = slice(after // 10, -after // 10)  # a tone that begins at once has no clean edges
    assert np.mean(wanted[inner] ** 2) / np.mean((made - wanted)[inner] ** 2) > 10**9


@pytest.mark.parametrize(("before", "after"), RATES)
def test_output_is_not_delayed(before: int, after: int):
    low = min(before, after)
    speechlike = soxr.resample(noise(low // 4)[:, 0], low // 4, before, quality="VHQ")
    with converter(Audio(before, 1), Audio(after, 1)) as harness:
        push_all(harness, speechlike.reshape(-1, 1), before, before // 50)
        harness.eos()
        made = joined(harness)[:, 0]
    wanted = soxr.resample(speechlike, before, after, quality="VHQ")
    product = np.fft.irfft(np.fft.rfft(made) * np.conj(np.fft.rfft(wanted)))
    assert int(np.argmax(product)) == 0


def test_pts_are_those_of_the_input_however_long_the_filter_holds_back():
    with converter(Audio(48000, 1), Audio(16000, 1)) as harness:
        push_all(harness, noise(48000), 48000, 480, start_ns=3 * SECOND)
        harness.eos()
        at = 0
        for packet in harness.pull()[:-1]:
            assert packet.pts_ns == 3 * SECOND + at * SECOND // 16000
            at += packet.frames
    assert at == 16000


def test_pts_follow_an_input_that_jumps():
    with converter(Audio(48000, 1), Audio(16000, 1)) as harness:
        push_all(harness, noise(48000), 48000, 4800)
        push_all(harness, noise(48000), 48000, 4800, start_ns=60 * SECOND)
        harness.eos()
        packets = harness.pull()[:-1]
    at = 0
    for packet in packets:
        true_ns = at * SECOND // 16000 + (59 * SECOND if at >= 16000 else 0)
        assert packet.pts_ns == true_ns
        at += packet.frames


@pytest.mark.parametrize("frame_ms", [10, 32])
def test_the_default_holds_back_no_more_than_20_ms(frame_ms: int):
    frame, given, most = 48 * frame_ms, 0, 0.0
    with converter(Audio(48000, 1), Audio(16000, 1)) as harness:
        for k, at in enumerate(range(0, 48000 - frame, frame)):
            harness.push(AudioPacket(data=noise(frame), rate=48000))
            given += sum(p.frames for p in harness.pull())
            if k > 10:
                most = max(most, (at + frame) / 48000 - given / 16000)
    assert 0 < most <= 0.0201


def test_mono_is_the_mean_and_stereo_two_copies():
    data = noise(1600, 2)
    with converter(Audio(16000, 2), Audio(16000, 1)) as harness:
        (mixed,) = harness.push(AudioPacket(data=data, rate=16000))
        assert np.allclose(mixed.data, data.mean(axis=1, keepdims=True), atol=1e-7)
    with converter(Audio(16000, 1), Audio(16000, 2)) as harness:
        (spread,) = harness.push(AudioPacket(data=noise(1600), rate=16000))
        assert np.array_equal(spread.data, np.repeat(noise(1600), 2, axis=1))


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 2), (6, 2), (2, 6)])
def test_channels_and_rate_are_converted_together(before: int, after: int):
    data = noise(4800, before)
    with converter(Audio(48000, before), Audio(16000, after)) as harness:
        push_all(harness, data, 48000, 480)
        harness.eos()
        made = joined(harness)
    wanted = soxr.resample(data if before == after else data.mean(axis=1, keepdims=True), 48000, 16000, "LQ")
    assert made.shape == (1600, after)
    assert np.abs(made - wanted).max() < 1e-6


@pytest.mark.parametrize("event", [SpeechEnd(turn=1), TurnEnd(turn=1), SpeechStart(turn=2)])
def test_held_audio_leaves_before_the_event_and_the_stream_starts_anew(event: Event):
    data = noise(4800)
    with converter(Audio(48000, 1), Audio(16000, 1)) as harness:
        push_all(harness, data, 48000, 480)
        items = harness.event(event)
        assert items[-1] is event
        first = joined(harness)
        push_all(harness, data, 48000, 480)
        harness.eos()
        second = joined(harness)
    assert np.array_equal(first, second)
    assert len(first) == 1600


def test_other_events_do_not_cut_the_stream():
    data = noise(4800)
    with converter(Audio(48000, 1), Audio(16000, 1)) as harness:
        push_all(harness, data[:2400], 48000, 480)
        harness.event(Pause())
        push_all(harness, data[2400:], 48000, 480)
        harness.eos()
        assert np.abs(joined(harness) - soxr.resample(data, 48000, 16000, "LQ")).max() < 1e-6


def test_a_change_of_turn_cuts_the_stream():
    with converter(Audio(48000, 1), Audio(16000, 1)) as harness:
        harness.push(AudioPacket(data=noise(4800), rate=48000, turn=1))
        harness.push(AudioPacket(data=noise(4800), rate=48000, turn=2))
        harness.eos()
        packets = harness.pull()[:-1]
    assert [sum(p.frames for p in packets if p.turn == turn) for turn in (1, 2)] == [1600, 1600]


def test_flush_drops_samples_held_in_the_filter():
    data = noise(4800)
    with converter(Audio(48000, 1), Audio(16000, 1)) as harness:
        push_all(harness, noise(4000), 48000, 480)
        harness.flush()
        harness.pull()
        push_all(harness, data, 48000, 480, start_ns=9 * SECOND)
        harness.eos()
        packets = harness.pull()[:-1]
    assert packets[0].pts_ns == 9 * SECOND
    made = np.concatenate([p.data for p in packets])
    assert np.abs(made - soxr.resample(data, 48000, 16000, "LQ")).max() < 1e-6


@pytest.mark.parametrize(("before", "after"), [(24000, 48000), (24000, 16000), (24000, 24000)])
def test_words_and_meta_keep_their_place_in_time(before: int, after: int):
    words = [Span(3, k, f"w{k}", 100 + k * 700, 700 + k * 700) for k in range(10)]
    whole = AudioPacket(data=noise(8000), rate=before, turn=3, spans=tuple(words), meta={"voice": "x"})
    with converter(Audio(before, 1), Audio(after, 1)) as harness:
        for block in whole.blocks(960):
            harness.push(block)
        harness.event(TurnEnd(turn=3))
        packets = harness.pull()[:-1]
    found, at = [], 0
    for packet in packets:
        assert packet.turn == 3
        assert packet.meta == {"voice": "x"}
        for span in packet.spans:
            assert span.middle < packet.frames
            found.append((span.index, span.word, (at + span.start) / after, (at + span.stop) / after))
        at += packet.frames
    assert [(i, w) for i, w, _, _ in found] == [(s.index, s.word) for s in words]
    for (_, _, start, stop), span in zip(found, words, strict=True):
        assert abs(start - span.start / before) <= 1.5 / after
        assert abs(stop - span.stop / before) <= 1.5 / after


def test_an_empty_packet_is_taken():
    with converter(Audio(48000, 1), Audio(16000, 1)) as harness:
        assert harness.push(AudioPacket(data=noise(0), rate=48000)) == []
        assert len(harness.eos()) <= 2


def test_properties_fix_the_output_caps():
    assert Resample().port_caps("out") == Audio()
    assert Resample(rate=16000, channels=1).port_caps("out") == Audio(16000, 1)
    assert Resample(rate=16000).port_caps("audio") == Audio()


def test_other_numbers_of_channels_go_through_mono():
    data = noise(1600, 6)
    with converter(Audio(16000, 6), Audio(16000, 2)) as harness:
        (made,) = harness.push(AudioPacket(data=data, rate=16000))
    assert made.data.shape == (1600, 2)
    assert np.allclose(made.data, data.mean(axis=1, keepdims=True), atol=1e-7)


def test_unknown_rates_are_refused_with_what_mends_it():
    with pytest.raises(Unavailable, match="set its property 'rate'"):
        converter(Audio(), Audio(16000, 1)).__enter__()


def test_ten_minutes_lose_no_sample():
    with converter(Audio(44100, 1), Audio(16000, 1)) as harness:
        block = AudioPacket(data=noise(44100), rate=44100)
        total = 0
        for _ in range(600):
            harness.push(block)
            total += sum(p.frames for p in harness.pull())
        total += sum(p.frames for p in harness.eos()[:-1])
    assert total == 600 * 16000


@pytest.mark.parametrize("rate", [16000, 48000])
def test_inverted_stereo_is_heard_and_told_once(rate: int) -> None:
    voice = 0.2 * np.sin(np.arange(rate) * 2 * np.pi * 300 / rate).astype(np.float32)
    data = np.stack([voice, -voice], axis=1)
    with converter(Audio(rate, 2), Audio(16000, 1)) as harness:
        push_all(harness, data, rate, rate // 50)
        harness.eos()
        made = joined(harness)
    assert np.sqrt(np.mean(np.square(made[3200:]))) == pytest.approx(0.2 / np.sqrt(2), rel=0.02)
    (warning,) = harness.messages
    assert warning.kind == "warning"
    assert "cancel" in warning.text
    assert "channel 1 alone" in warning.text


def test_inverted_channels_that_are_not_mixed_are_left_alone() -> None:
    voice = 0.2 * np.sin(np.arange(16000) * 0.1).astype(np.float32)
    data = np.stack([voice, -voice], axis=1)
    with converter(Audio(16000, 2), Audio(24000, 2)) as harness:
        push_all(harness, data, 16000, 320)
        harness.eos()
        made = joined(harness)
    assert made[:, 0] == pytest.approx(-made[:, 1])
    assert not harness.messages
