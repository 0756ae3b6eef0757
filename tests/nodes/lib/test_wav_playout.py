"""The file behind a `Playout`: what was played stands at its frame, and no slow disk holds up a drop."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vflow import AudioPacket, Unavailable
from vflow_nodes.lib.wav_playout import WavPlayout

RATE = 16_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "out.wav"


def packet(frames: int, value: float = 0.5, turn: int = 1) -> AudioPacket:
    return AudioPacket(data=np.full(frames, value, np.float32), rate=RATE, turn=turn)


def test_played_audio_is_in_the_file_and_dropped_audio_is_not(file: Path) -> None:
    tape = WavPlayout(str(file), RATE)
    assert tape.wind(100) == []
    tape.write(packet(50), 0)
    assert [report[:2] for report in tape.wind(120)] == [("start", 100)]
    (played,), _ = tape.drop(1, 130)
    assert played.samples == 30
    tape.wind(160)
    tape.save(end=True)
    data, _ = soundfile.read(file)
    assert np.flatnonzero(data).tolist() == list(range(100, 130))
    assert len(data) == 160


def test_winding_writes_nothing_until_it_is_saved(file: Path) -> None:
    tape = WavPlayout(str(file), RATE)
    empty = file.stat().st_size
    tape.write(packet(RATE), 0)
    tape.wind(600 * RATE)
    assert file.stat().st_size == empty
    tape.save(end=True)
    assert soundfile.info(file).frames == 600 * RATE


def test_behind_its_end_nothing_is_played(file: Path) -> None:
    tape = WavPlayout(str(file), RATE)
    tape.write(packet(100), 0)
    tape.wind(40)
    tape.save(end=True)
    assert tape.wind(100) == []
    tape.save(end=True)
    assert soundfile.info(file).frames == 40


def test_sounded_returns_the_audio_played_if_echoes_are_on(file: Path, tmp_path: Path) -> None:
    tape, deaf = WavPlayout(str(file), RATE, echoes=True), WavPlayout(str(tmp_path / "b.wav"), RATE)
    for each in (tape, deaf):
        each.write(packet(100), 0, lead_in=10)
        each.wind(60)
    assert [(at, len(samples)) for at, samples in tape.sounded()] == [(10, 50)]
    assert tape.sounded() == deaf.sounded() == []


def test_drops_from_another_thread_leave_no_sample_twice(file: Path) -> None:
    tape = WavPlayout(str(file), RATE)
    stop = threading.Event()

    def drop() -> None:
        while not stop.is_set():
            tape.drop(0, tape.end - tape.queued)

    thread = threading.Thread(target=drop)
    thread.start()
    for n in range(1, 301):
        tape.write(packet(160), 0)
        tape.wind(n * 160)
    stop.set()
    thread.join(10)
    tape.save(end=True)
    assert soundfile.info(file).frames == 3 * RATE


def test_without_any_audio_an_earlier_recording_stays(file: Path) -> None:
    soundfile.write(file, np.full(700, 0.25), RATE, subtype="PCM_16")
    before = file.read_bytes()
    tape = WavPlayout(str(file), RATE)
    tape.wind(200)
    tape.save(end=True)
    assert file.read_bytes() == before


def test_without_any_audio_no_empty_file_is_left(file: Path) -> None:
    WavPlayout(str(file), RATE).save(end=True)
    assert not file.exists()


def test_a_stream_without_a_sample_that_ends_is_an_empty_recording(file: Path) -> None:
    tape = WavPlayout(str(file), RATE)
    tape.save()
    tape.save(end=True)
    assert soundfile.info(file).frames == 0


def test_silence_that_was_played_replaces_the_recording_of_before(file: Path) -> None:
    soundfile.write(file, np.full(700, 0.25), RATE, subtype="PCM_16")
    tape = WavPlayout(str(file), RATE)
    tape.save()
    tape.wind(200)
    tape.save(end=True)
    assert soundfile.info(file).frames == 200


def test_a_device_that_is_no_disk_is_refused() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(Unavailable, match="/dev/full cannot be written"):
        WavPlayout("/dev/full", RATE)
