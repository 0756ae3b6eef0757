"""The loudspeaker without a device: its callback is called by hand, as PortAudio would."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tests.device_stand_in import HEADSET, LATENCY_S, SERVER, StandIn, play, speaker
from vflow import MS, SECOND, AudioPacket, Harness, NodeError, Played, Span, TurnEnd
from vflow_nodes.lib.portaudio import stream

RATE = 16000
SIDE = 16
"""Frames by which interpolation lags: its filter looks so far ahead."""


@pytest.fixture
def backend() -> StandIn:
    return StandIn(SERVER)


def packet(ms: int, value: float = 0.5, turn: int = 1, spans: tuple[Span, ...] = ()) -> AudioPacket:
    return AudioPacket(data=np.full(ms * RATE // 1000, value, np.float32), rate=RATE, turn=turn, spans=spans)


def settle(harness: Harness, backend: StandIn) -> None:
    """Start the pipeline's time, and call the device until its clock is known."""
    harness.time_ns = SECOND
    play(harness, backend, 100)


def test_written_audio_is_played_and_then_silence(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        harness.push(packet(25))
        assert harness.node.lead_ns() == 25 * MS
        heard = play(harness, backend, 60)
    loud = np.flatnonzero(np.abs(heard) > 0.25)
    assert (loud[0], len(loud)) == (pytest.approx(SIDE, abs=1), pytest.approx(400, abs=1))
    assert np.abs(heard[100:350] - 0.5).max() < 0.01
    assert np.abs(heard[450:]).max() < 0.01


def test_start_and_end_are_told_with_the_time_they_sound_at(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        harness.push(packet(25, turn=6))
        harness.event(TurnEnd(turn=6))
        before_ns = harness.time_ns
        play(harness, backend, 60)
        told = [(m.data["phase"], m.data["played"], m.data["at_ns"]) for m in harness.messages]
    (start, _, start_ns), (end, over, end_ns) = told
    assert (start, end) == ("start", "end")
    assert over == Played(6, 400, RATE, ended=True)
    sounds_ns = before_ns + 10 * MS + LATENCY_S * SECOND  # the callback came 10 ms after the write
    assert start_ns == pytest.approx(sounds_ns + SIDE * SECOND / RATE, abs=MS)
    assert end_ns - start_ns == pytest.approx(25 * MS, abs=MS / 10)


def test_a_drop_forgets_the_rest_and_counts_what_sounded(backend: StandIn) -> None:
    spans = (Span(1, 0, "good", 0, 480), Span(1, 1, "morning", 480, 1600))
    with speaker(backend) as harness:
        settle(harness, backend)
        harness.push(packet(100, spans=spans))
        play(harness, backend, 60)
        # 60 ms were taken: the first 10 ms of them when the clock stood 50 ms earlier, and the device and
        # the interpolation hold 40 and 1 ms
        (played,) = harness.flush().played
        assert played.samples == pytest.approx((60 - 10 - 40 - 1) * 16, abs=4)
        assert (played.heard, played.words, played.ended) == ("", 0, False)
        assert np.abs(play(harness, backend, 20)[SIDE * 3 :]).max() < 0.01
        assert harness.node.lead_ns() == 0


def test_a_turn_that_sounded_to_its_end_is_reported_as_ended(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        harness.push(packet(30))
        harness.event(TurnEnd(turn=1))
        play(harness, backend, 60)
        assert not harness.node.drop(1)[0].ended
        harness.epoch = 1
        harness.push(packet(30, turn=2))
        harness.event(TurnEnd(turn=2))
        play(harness, backend, 120)
        assert harness.node.drop(2) == (Played(2, 480, RATE, ended=True),)


def test_ducking_plays_softly_until_a_flush(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        harness.push(packet(100))
        harness.node.duck(0.2)
        assert np.abs(play(harness, backend, 60)[300:] - 0.1).max() < 0.01
        harness.flush()
        harness.push(packet(100))
        assert np.abs(play(harness, backend, 60)[300:] - 0.5).max() < 0.01


def test_a_write_waits_for_room_and_eos_until_all_has_sounded(
    backend: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        began_ns = harness.time_ns
        monkeypatch.setattr(harness, "wait_until", lambda until_ns=None: play(harness, backend, 10))
        harness.push(packet(800))
        assert harness.time_ns == began_ns
        harness.push(packet(100))
        assert harness.time_ns - began_ns == pytest.approx(300 * MS, abs=11 * MS)
        harness.event(TurnEnd(turn=1))
        harness.eos()
        assert harness.time_ns - began_ns == pytest.approx(950 * MS, abs=21 * MS)
        assert [m.data["phase"] for m in harness.messages if m.kind == "played"] == ["start", "end"]


def test_played_sends_audio_with_the_time_at_which_it_sounds(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        harness.push(packet(40))
        before_ns = harness.time_ns
        sent = []
        for _ in range(8):
            play(harness, backend, 10)
            sent += harness.advance(0)
        sent = [p for p in sent if isinstance(p, AudioPacket)]
    assert all(p.frames in range(159, 162) for p in sent[1:])
    loud = np.concatenate([p.mono() for p in sent])
    assert np.flatnonzero(loud).tolist() == list(range(640))
    # the interpolator has taken SIDE frames that the device plays 1 ms later
    assert sent[0].pts_ns == pytest.approx(before_ns + (10 + 40 + 1) * MS, abs=MS)
    steps = np.diff([p.pts_ns for p in sent]) - [p.duration_ns for p in sent[:-1]]
    assert np.abs(steps).max() < MS / 10


def test_flush_counts_every_sample_that_sounded(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        harness.push(packet(100))
        play(harness, backend, 50)
        harness.pull()
        harness.timer_ns = None  # as the runtime forgets it in a flush
        harness.flush()
        sent = [p for p in harness.advance(0) if isinstance(p, AudioPacket)]
        assert sum(np.count_nonzero(p.data) for p in sent) == pytest.approx(50 * 16, abs=2 * SIDE)


def test_played_sends_nothing_if_it_is_not_linked(backend: StandIn) -> None:
    with speaker(backend) as harness:
        harness.node.close()
        harness.linked_ports = set()
        harness.node.open()
        harness.node.warm_up()
        settle(harness, backend)
        harness.push(packet(40))
        play(harness, backend, 60)
        assert harness.advance(SECOND) == []


def test_a_loudspeaker_that_ends_fails_even_when_idle(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        backend.stream.ended()
        with pytest.raises(NodeError, match="pulse has ended its stream: it was unplugged"):
            harness.advance(SECOND)


def test_a_loudspeaker_that_is_silent_for_a_second_fails(
    backend: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with speaker(backend) as harness:
        monkeypatch.setattr(stream, "time", SimpleNamespace(monotonic=lambda: harness.time_ns / SECOND))
        settle(harness, backend)
        harness.push(packet(900))
        with pytest.raises(NodeError, match="pulse has been silent for 1"):
            harness.push(packet(100))


def test_a_device_that_runs_dry_while_it_plays_is_warned_of(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        play(harness, backend, 10, underflow=True)
        harness.push(packet(40))
        play(harness, backend, 10, underflow=True)
        harness.push(packet(10))
        harness.push(packet(10))
        assert [m.text for m in harness.messages if m.kind == "warning"] == [
            "the device ran dry 1 times; a longer 'latency' mends it"
        ]
    assert harness.messages[-1].data["underflows"] == 1


def test_a_sink_that_was_never_opened_can_be_dropped_and_closed(backend: StandIn) -> None:
    node = speaker(backend).node
    assert node.drop(1) == ()
    assert node.lead_ns() == 0
    node.duck(0.5)
    node.close()


def test_a_rate_that_the_device_refuses_is_converted(backend: StandIn) -> None:
    backend.found = [HEADSET]
    backend.refusal = lambda format: "" if format.rate == 48000 else "Invalid sample rate"
    with speaker(backend) as harness:
        settle(harness, backend)
        tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / RATE).astype(np.float32)
        harness.push(AudioPacket(data=tone, rate=RATE))
        heard = play(harness, backend, 400)
    spectrum = np.abs(np.fft.rfft(heard[:19200]))
    assert spectrum.argmax() * 48000 / 19200 == pytest.approx(1000, abs=2.6)


def test_hold_keeps_audio_that_the_device_has_not_taken(backend: StandIn) -> None:
    with speaker(backend) as harness:
        settle(harness, backend)
        harness.push(packet(100))
        harness.node.duck(1.0)
        before = play(harness, backend, 40)
        harness.node.hold(True)
        held = play(harness, backend, 200)
        assert np.abs(held[-160 * 17 :]).max() < 0.01
        assert harness.node.lead_ns() == pytest.approx(50 * MS, abs=MS)
        harness.node.hold(False)
        after = play(harness, backend, 120)
        (played,) = harness.flush().played
        assert (played.samples, played.ended) == (1600, False)
    heard = np.concatenate([before, held, after])
    loud = np.flatnonzero(np.abs(heard) > 0.45)
    assert np.abs(np.diff(heard[loud[0] + 20 : loud[-1] - 20])).max() < 0.02, "it does not click"
    assert len(loud) == pytest.approx(1600 - 2 * 144, abs=40)


def test_hold_on_a_closed_loudspeaker_does_nothing(backend: StandIn) -> None:
    node = speaker(backend).node
    node.hold(True)
    node.hold(False)
