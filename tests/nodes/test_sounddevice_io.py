"""sounddevice_io without a device: its callbacks and its ring, called by hand as PortAudio would."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from itertools import islice
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vflow import MS, SECOND, Audio, AudioPacket, Harness, NodeError, Played, Span, TurnEnd, Unavailable
from vflow_nodes import sounddevice_io
from vflow_nodes.sounddevice_io import Ring, SounddeviceMic, SounddeviceSpeaker

RATE = 16000
BLOCK = 160


class PortAudioError(Exception):
    pass


class Stream:
    """A device that does nothing by itself: the test calls `callback`."""

    latency = 0.04

    def __init__(self, **settings: Any) -> None:
        self.settings, self.callback = settings, settings["callback"]
        self.state = "open"

    def start(self) -> None:
        self.state = "started"
        if "latency" in self.settings:  # an output, which a real device begins to fill at once
            for _ in range(10):
                self.callback(np.zeros((BLOCK, 2), np.float32), BLOCK, moment(), status())

    def abort(self, ignore_errors: bool = True) -> None:
        self.state = "aborted"

    def close(self, ignore_errors: bool = True) -> None:
        self.state = "closed"
        self.settings["finished_callback"]()


class Devices(ModuleType):
    """Stands in for the module sounddevice: one device each way, which takes 16 and 48 kHz stereo."""

    PortAudioError, InputStream, OutputStream = PortAudioError, Stream, Stream

    def query_devices(self, device: Any = None, kind: str = "") -> Any:
        found = {
            "name": "card",
            "index": 3,
            "default_samplerate": 48000.0,
            "max_input_channels": 2,
            "max_output_channels": 2,
        }
        if device not in (None, 3, "card"):
            raise ValueError(f"No {kind} device matching {device!r}")
        return found if kind else [found]

    def check_input_settings(self, device: int, samplerate: int, channels: int, dtype: str) -> None:
        if samplerate not in (16000, 48000) or channels != 2:
            raise PortAudioError("Invalid sample rate")

    check_output_settings = check_input_settings


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Devices("sounddevice"))


def moment(adc: float = 0.0, dac: float = 0.0, now: float = 0.0) -> SimpleNamespace:
    return SimpleNamespace(inputBufferAdcTime=adc, outputBufferDacTime=dac, currentTime=now)


def status(overflow: bool = False, underflow: bool = False) -> SimpleNamespace:
    return SimpleNamespace(input_overflow=overflow, output_underflow=underflow)


def mic(**props: Any) -> Harness:
    return Harness(SounddeviceMic(**props), caps={"audio": Audio(RATE, 1)})


def record(harness: Harness, samples: np.ndarray, **said: Any) -> None:
    stereo = np.stack([samples, -samples], axis=1).astype(np.float32)
    time = said.pop("time", moment(adc=99.99, now=100.0))
    harness.node._stream.callback(stereo, len(samples), time, status(**said))


def speaker(**props: Any) -> Harness:
    return Harness(SounddeviceSpeaker(**props), caps={"audio": Audio(RATE, 1)})


def play(harness: Harness, frames: int = BLOCK, dac_s: float = 0.04, **said: Any) -> np.ndarray:
    out = np.full((frames, 2), 9, np.float32)
    harness.node._stream.callback(out, frames, moment(dac=5 + dac_s, now=5), status(**said))
    assert np.array_equal(out[:, 0], out[:, 1])
    return out[:, 0]


def packet(ms: int, value: float = 0.5, turn: int = 1, spans: tuple[Span, ...] = ()) -> AudioPacket:
    return AudioPacket(data=np.full(ms * RATE // 1000, value, np.float32), rate=RATE, turn=turn, spans=spans)


def test_a_ring_gives_blocks_in_order_with_their_place():
    ring = Ring(4)
    assert ring.get() is None
    for k in range(3):
        ring.put(np.full(10, k, np.float32), False)
    assert [(at, block[0]) for at, block in iter(ring.get, None)] == [(0, 0), (10, 1), (20, 2)]
    assert (ring.lost, ring.overflows) == (0, 0)


def test_a_full_ring_loses_its_oldest_blocks_and_counts_them():
    ring = Ring(4)
    for k in range(10):
        ring.put(np.full(10, k, np.float32), k == 9)
    assert [at for at, _ in iter(ring.get, None)] == [60, 70, 80, 90]
    assert (ring.lost, ring.overflows) == (60, 1)


def test_what_the_microphone_records_comes_out_with_the_devices_time(devices: None):
    ramp = np.arange(5 * BLOCK) / RATE
    with mic(frame="10ms") as harness:
        harness.time_ns = 200 * MS
        for at in range(0, len(ramp), BLOCK):
            record(harness, ramp[at : at + BLOCK])
        packets = list(islice(harness.produce(), 5))
        assert harness.node._stream.settings["blocksize"] == BLOCK
    assert np.allclose(np.concatenate([p.mono() for p in packets]), ramp)
    assert [p.pts_ns for p in packets] == [190 * MS + k * 10 * MS for k in range(5)]


def test_a_device_time_that_cannot_be_is_replaced_by_the_blocks_length(devices: None):
    with mic(frame="10ms") as harness:
        harness.time_ns = 200 * MS
        record(harness, np.zeros(BLOCK), time=moment(adc=0.0, now=4e6))
        assert next(harness.produce()).pts_ns == 190 * MS


def test_a_microphone_nobody_listens_to_keeps_the_newest_2_s_and_warns_seldom(devices: None):
    with mic(frame="10ms") as harness:
        source = harness.produce()
        record(harness, np.zeros(BLOCK))
        next(source)
        for round_ in range(6):
            for _ in range(300):
                record(harness, np.zeros(BLOCK))
            for k in range(200):
                packet = next(source)
                if k == 0:
                    assert packet.pts_ns == (1 + 300 * round_ + 100) * 10 * MS
        warnings = [m.text for m in harness.messages if m.kind == "warning"]
    assert 1 < len(warnings) < 5
    assert warnings[0].startswith(f"{100 * BLOCK} recorded frames")


def test_an_overflow_of_the_device_is_warned_of(devices: None):
    with mic(frame="10ms") as harness:
        record(harness, np.zeros(BLOCK), overflow=True)
        next(harness.produce())
        assert "lost some 1 times" in harness.messages[0].text


def test_a_microphone_that_is_unplugged_ends_with_an_error(devices: None):
    with mic(frame="10ms") as harness:
        record(harness, np.zeros(BLOCK))
        source = harness.produce()
        next(source)
        harness.node._stream.settings["finished_callback"]()
        with pytest.raises(Unavailable, match="is the device still there"):
            next(source)


def test_the_speaker_plays_what_was_written_and_then_silence(devices: None):
    with speaker() as harness:
        harness.push(packet(25))
        assert harness.node.lead_ns() == 25 * MS
        heard = np.concatenate([play(harness) for _ in range(4)])
    assert np.array_equal(heard, np.repeat([0.5, 0], [400, 240]).astype(np.float32))


def test_start_and_end_are_told_with_the_time_they_are_heard_at(devices: None):
    with speaker() as harness:
        harness.push(packet(25, turn=6))
        harness.event(TurnEnd(turn=6))
        for _ in range(4):
            harness.advance(10 * MS)
            play(harness)
        told = [(m.kind, m.data["phase"], m.data["played"], m.data["at_ns"]) for m in harness.messages]
    assert told == [
        ("played", "start", Played(6, 160, RATE), 50 * MS),
        ("played", "end", Played(6, 400, RATE), (30 + 40 + 5) * MS),
    ]


def test_the_speakers_drop_forgets_the_rest_and_knows_the_words(devices: None):
    spans = (Span(1, 0, "good", 0, 160), Span(1, 1, "morning", 160, 480))
    with speaker() as harness:
        harness.push(packet(30, spans=spans))
        play(harness)
        assert harness.flush().played == (Played(1, 160, RATE, "good", 1),)
        assert not play(harness).any()
        assert harness.node.lead_ns() == 0


def test_a_write_to_the_speaker_waits_for_room(devices: None, monkeypatch: pytest.MonkeyPatch):
    with speaker() as harness:
        move = harness.wait_until

        def wait(deadline_ns: int | None = None) -> None:
            before = harness.now_ns()
            move(deadline_ns)
            play(harness, (harness.now_ns() - before) * RATE // SECOND)

        monkeypatch.setattr(harness, "wait_until", wait)
        harness.push(packet(800))
        assert harness.now_ns() == 0
        harness.push(packet(100))
        assert harness.now_ns() == 300 * MS
        harness.event(TurnEnd(turn=1))
        harness.eos()
        assert harness.now_ns() == 900 * MS + 40 * MS
        assert [m.data["phase"] for m in harness.messages] == ["start", "end"]


def test_a_speaker_that_is_unplugged_does_not_wait_for_ever(devices: None):
    with speaker() as harness:
        harness.push(packet(800))
        harness.node._stream.settings["finished_callback"]()
        with pytest.raises(NodeError, match="is the device still there"):
            harness.push(packet(100))


def test_a_speaker_that_takes_nothing_is_warned_of(devices: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sounddevice_io, "_WAKE_S", 0.0)
    monkeypatch.setattr(Stream, "start", lambda stream: None)
    with speaker() as harness:
        assert "took no samples" in harness.messages[0].text


def test_a_device_that_runs_dry_is_warned_of(devices: None):
    with speaker() as harness:
        play(harness, underflow=True)
        harness.push(packet(10))
        harness.push(packet(10))
        assert [m.kind for m in harness.messages] == ["warning"]


@pytest.mark.parametrize("cls", [SounddeviceMic, SounddeviceSpeaker])
def test_close_ends_the_stream_and_may_come_twice_or_without_open(devices: None, cls: type):
    never = cls()
    never.close()
    with Harness(cls(), caps={"audio": Audio(RATE, 1)}) as harness:
        stream = harness.node._stream
    assert stream.state == "closed"
    harness.node.close()


def test_a_sink_that_was_never_opened_can_be_dropped():
    node = SounddeviceSpeaker()
    assert node.drop(1) == ()
    assert node.lead_ns() == 0


@pytest.mark.parametrize("cls", [SounddeviceMic, SounddeviceSpeaker])
def test_a_device_that_is_not_there_or_not_able_is_refused(devices: None, cls: type):
    with pytest.raises(Unavailable, match=r"no audio .*put device nosuch.*there is: card"):
        Harness(cls(device="nosuch"), caps={"audio": Audio(RATE, 1)}).node.open()
    with pytest.raises(Unavailable, match=r"does not take 44100 Hz.*prefers 48000 Hz"):
        Harness(cls(), caps={"audio": Audio(44100, 1)}).node.open()
    with Harness(cls(device="3"), caps={"audio": Audio(RATE, 1)}) as harness:
        assert harness.node._stream.settings["device"] == 3


@pytest.mark.parametrize("cls", [SounddeviceMic, SounddeviceSpeaker])
def test_unavailable_answers_a_sentence_or_nothing_here(cls: type):
    reason = cls.unavailable()
    assert isinstance(reason, str)


@pytest.mark.parametrize("cls", [SounddeviceMic, SounddeviceSpeaker])
def test_unavailable_says_what_mends_it(cls: type, monkeypatch: pytest.MonkeyPatch):
    def no_device(device: Any = None, kind: str = "") -> Any:
        raise PortAudioError("Error querying device -1")

    module = Devices("sounddevice")
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: object())
        patch.setitem(sys.modules, "sounddevice", module)
        assert cls.unavailable() == ""
        module.query_devices = no_device  # type: ignore[method-assign]  # what a machine without devices does
        assert "there is no audio" in cls.unavailable()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'vflow[audio]'" in cls.unavailable()


def test_unavailable_names_the_missing_library(monkeypatch: pytest.MonkeyPatch):
    class Broken:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    def loaders() -> Iterator[Any]:
        yield Broken()
        yield from sys.meta_path

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(sys, "meta_path", list(loaders()))
    assert "libportaudio2" in SounddeviceMic.unavailable()
