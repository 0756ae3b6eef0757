"""Stretches of sound in a recording, the wav of both channels, holds on the bus."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.bench.battery.made import ASKED, into_reply, played, scene
from vflow.bench.battery.played import HoldLog, both_channels, read, sounding
from vflow.bus import Message
from vflow.packet import MS

RATE = 16_000


def hum(ms: int, level: float = 0.2) -> np.ndarray:
    return (level * np.sin(np.arange(ms * RATE // 1000) * 0.3)).astype(np.float32)


def gap(ms: int) -> np.ndarray:
    return np.zeros(ms * RATE // 1000, np.float32)


def test_sounds_are_found_to_a_frame_and_short_gaps_are_closed() -> None:
    sound = np.concatenate([gap(500), hum(300), gap(40), hum(100), gap(200), hum(300), gap(300)])
    found = sounding(sound, RATE)
    assert len(found) == 2
    for (on, off), (begun, ended) in zip(found, ((500, 940), (1140, 1440)), strict=True):
        assert on / MS == pytest.approx(begun, abs=10)
        assert off / MS == pytest.approx(ended, abs=20)


def test_a_reply_that_is_ducked_still_sounds() -> None:
    assert len(sounding(np.concatenate([hum(500), hum(500, 0.2 * 10 ** (-12 / 20))]), RATE)) == 1


@pytest.mark.parametrize("samples", [gap(0), gap(1000)])
def test_silence_has_no_sounds(samples: np.ndarray) -> None:
    assert sounding(samples, RATE) == []


def test_both_channels_begin_at_the_same_time_and_have_the_agents_rate(tmp_path: Path) -> None:
    heard, said, both = (tmp_path / name for name in ("heard.wav", "said.wav", "both.wav"))
    soundfile.write(heard, np.concatenate([gap(100), hum(200)]), RATE)
    soundfile.write(said, np.concatenate([np.zeros(12_000), np.full(12_000, 0.1)]), 24_000)
    both_channels(heard, said, both)
    samples, rate = soundfile.read(both)
    assert (samples.shape, rate) == ((24_000, 2), 24_000)
    assert np.flatnonzero(np.abs(samples[:, 0]) > 0.05)[0] == pytest.approx(2400, abs=30)
    assert np.flatnonzero(np.abs(samples[:, 1]) > 0.05)[0] == 12_000


def test_an_agent_that_never_spoke_is_a_silent_channel(tmp_path: Path) -> None:
    heard, both = tmp_path / "heard.wav", tmp_path / "both.wav"
    soundfile.write(heard, hum(200), RATE)
    both_channels(heard, tmp_path / "said.wav", both)
    samples, rate = soundfile.read(both)
    assert (samples.shape, rate) == ((3200, 2), RATE)
    assert not samples[:, 1].any()
    assert sounding(*read(tmp_path / "said.wav")) == []


def test_holds_count_that_the_reply_survived() -> None:
    log = HoldLog()
    for at_ms, phase, held_ms in ((100, "begun", 0), (300, "released", 200), (900, "flushed", 50)):
        data = {"node": "vad", "phase": phase, "held_ns": held_ms * MS}
        log.listen(Message("hold", "pipeline", at_ms * MS, "", data))
    assert log.ended == [(100 * MS, 300 * MS)]


def test_a_scene_whose_sounds_did_not_all_come_is_not_whole() -> None:
    over = scene("noise", ASKED, into_reply())
    assert not played(over, (1000,)).whole
    found = played(over, (1000, 3000))
    assert found.whole
    assert (len(found.asked), len(found.disturbing)) == (1, 1)
