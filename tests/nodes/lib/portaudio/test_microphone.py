"""The microphone without a device: its callback is called by hand, as PortAudio would."""

from __future__ import annotations

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from tests.device_stand_in import HEADSET, SERVER, StandIn, mic
from vflow import MS, SECOND, Harness, NodeError, Unavailable
from vflow_nodes.lib.portaudio import stream

BLOCK = 160


@pytest.fixture
def backend() -> StandIn:
    return StandIn(SERVER)


def record(harness: Harness, backend: StandIn, samples: np.ndarray, **said: object) -> None:
    """Let the device record samples in blocks of 10 ms at 16 kHz, while time passes."""
    for at in range(0, len(samples), BLOCK):
        harness.time_ns += 10 * MS
        backend.stream.call(samples[at : at + BLOCK].astype(np.float32), **said)


def begin(harness: Harness, backend: StandIn, **said: object) -> object:
    """Start a source; return it after its first packet."""
    source = harness.produce()
    harness.node._listening = True  # as the first step of the source has it, which waits for a block
    record(harness, backend, np.zeros(4 * BLOCK), **said)
    next(source)
    return source


def test_recorded_audio_leaves_in_packets_of_a_frame_with_the_devices_time(backend: StandIn) -> None:
    ramp = np.sin(np.arange(50 * BLOCK) / 200)
    with mic(backend, frame="32ms") as harness:
        harness.node._listening = True
        record(harness, backend, ramp, age_s=0.015)  # the last sample is 5 ms old when the callback comes
        packets = list(islice(harness.produce(), 15))
    skipped = 160 - 16  # of the first block, which the filter holds back in part
    assert {p.frames for p in packets} == {512}
    assert packets[0].pts_ns == pytest.approx(5 * MS, abs=MS)  # what was recorded before time 0 is left out
    steps = np.diff([p.pts_ns for p in packets])
    assert np.abs(steps - 32 * MS).max() < 2
    assert (
        np.abs(np.concatenate([p.mono() for p in packets]) - ramp[skipped : skipped + 15 * 512]).max() < 0.01
    )


def test_pts_are_times_at_which_it_was_recorded(backend: StandIn) -> None:
    with mic(backend, frame="10ms") as harness:
        harness.time_ns = 5 * SECOND
        harness.node._listening = True
        record(harness, backend, np.zeros(20 * BLOCK), age_s=0.03)
        pts = [p.pts_ns for p in islice(harness.produce(), 10)]
    assert pts[0] == pytest.approx(5 * SECOND - 20 * MS, abs=MS)


def test_impossible_device_time_is_ignored(backend: StandIn) -> None:
    with mic(backend, frame="10ms") as harness:
        harness.time_ns = 5 * SECOND
        harness.node._listening = True
        record(harness, backend, np.zeros(10 * BLOCK), age_s=4e6)
        assert next(harness.produce()).pts_ns == pytest.approx(5 * SECOND, abs=MS)


def test_audio_from_before_the_start_is_dropped(backend: StandIn) -> None:
    with mic(backend, frame="10ms") as harness:
        record(harness, backend, np.ones(10 * BLOCK))
        source = begin(harness, backend)
        record(harness, backend, np.zeros(10 * BLOCK))
        assert not next(source).data.any()


def test_a_microphone_nobody_listens_to_keeps_the_newest_2_s_and_warns_seldom(backend: StandIn) -> None:
    with mic(backend, frame="10ms") as harness:
        source = begin(harness, backend)
        for _ in range(6):
            record(harness, backend, np.full(300 * BLOCK, 0.1))
            first = next(source)
            assert harness.time_ns - first.pts_ns == pytest.approx(2 * SECOND, abs=60 * MS)
            list(islice(source, 190))
        warnings = [m.text for m in harness.messages if m.kind == "warning"]
        assert 1 < len(warnings) < 5
        assert "recorded frames were overwritten before the graph took them" in warnings[0]
    stats = harness.messages[-1]
    assert (stats.kind, stats.data["lost"] > 90 * BLOCK) == ("stats", True)


def test_an_overflow_of_the_device_is_warned_of(backend: StandIn) -> None:
    with mic(backend, frame="10ms") as harness:
        source = begin(harness, backend)
        record(harness, backend, np.zeros(BLOCK), overflow=True)
        record(harness, backend, np.zeros(4 * BLOCK))
        list(islice(source, 4))
        assert "the device lost samples 1 times" in harness.messages[0].text


def test_a_microphone_that_gives_only_zeros_is_warned_of_once(backend: StandIn) -> None:
    with mic(backend, frame="10ms") as harness:
        source = begin(harness, backend)
        for _ in range(12):
            record(harness, backend, np.zeros(100 * BLOCK))
            list(islice(source, 98))
        assert [m.text[:47] for m in harness.messages] == ["the microphone has given nothing but zeros for "]


def test_a_microphone_that_ends_fails_with_what_mends_it(backend: StandIn) -> None:
    with mic(backend, frame="10ms") as harness:
        source = begin(harness, backend)
        backend.stream.ended()
        with pytest.raises(Unavailable, match=r"pulse has ended its stream: it was unplugged, or"):
            list(islice(source, 10))


def test_a_microphone_that_is_silent_for_a_second_fails(
    backend: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mic(backend, frame="10ms") as harness:
        monkeypatch.setattr(stream, "time", SimpleNamespace(monotonic=lambda: harness.time_ns / SECOND))
        source = begin(harness, backend)
        began_ns = harness.time_ns
        with pytest.raises(Unavailable, match=r"pulse has been silent for 2\.0 s"):
            list(islice(source, 10))
        assert harness.time_ns - began_ns <= 2 * SECOND


def test_late_callback_is_not_taken_for_a_dead_device(
    backend: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mic(backend, frame="10ms") as harness:
        monkeypatch.setattr(stream, "time", SimpleNamespace(monotonic=lambda: harness.time_ns / SECOND))
        source = begin(harness, backend)
        list(islice(source, 2))
        harness.time_ns += 3 * SECOND
        move = harness.wait_until

        def wait(until_ns: int | None = None) -> None:
            move(until_ns)
            record(harness, backend, np.zeros(2 * BLOCK))

        monkeypatch.setattr(harness, "wait_until", wait)
        next(source)


def test_a_rate_that_the_device_refuses_is_converted_and_told_once(backend: StandIn) -> None:
    backend.found = [HEADSET]
    backend.refusal = lambda format: "" if format.rate == 48000 else "Invalid sample rate"
    with mic(backend, frame="10ms") as harness:
        assert [m.text for m in harness.messages if m.kind == "warning"] == [
            "Headset: USB Audio (hw:1,0) does not take 16000 Hz (Invalid sample rate): it runs at 48000 Hz,"
            " and what it records or plays is converted"
        ]
        harness.node._listening = True
        heard = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000).astype(np.float32)
        for at in range(0, 48000, 480):
            harness.time_ns += 10 * MS
            backend.stream.call(heard[at : at + 480])
        packets = list(islice(harness.produce(), 95))
    assert {p.rate for p in packets} == {16000}
    spectrum = np.abs(np.fft.rfft(np.concatenate([p.mono() for p in packets])[:15200]))
    assert spectrum.argmax() * 16000 / 15200 == pytest.approx(1000, abs=1.1)


def test_close_may_come_twice_or_without_open(backend: StandIn) -> None:
    mic(backend).node.close()
    with mic(backend) as harness:
        pass
    assert backend.stream.state == "closed"
    harness.node.close()


def test_a_device_name_that_is_wrong_is_refused_when_it_opens(backend: StandIn) -> None:
    with pytest.raises(Unavailable, match="there is: 7 'pulse'"), mic(backend, device="nosuch"):
        pass


def test_a_microphone_that_was_not_opened_says_so(backend: StandIn) -> None:
    with pytest.raises((Unavailable, NodeError), match="not open"):
        next(mic(backend).produce())
