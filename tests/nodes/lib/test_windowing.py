"""Windows cut out of packets of any length: every sample once, at its time."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import MS, SECOND, AudioPacket, Samples
from vflow_nodes.lib.windowing import RATE, WINDOW, Loudness, Windows, rated


def packets(samples: Samples, block: int, start_ns: int = 0) -> list[AudioPacket]:
    return [
        AudioPacket(data=samples[at : at + block], rate=RATE, pts_ns=start_ns + at * SECOND // RATE)
        for at in range(0, len(samples), block)
    ]


@pytest.mark.parametrize("block", [100, 320, 441, 512, 1600])
def test_windows_keep_samples_and_pts_whatever_the_blocks(block: int) -> None:
    audio = np.random.default_rng(1).standard_normal(RATE // 2).astype(np.float32)
    windows = Windows(lambda: None)
    cut = [found for packet in packets(audio, block, start_ns=7 * MS) for found in windows.cut(packet)]
    assert [len(samples) for samples, _ in cut] == [WINDOW] * (len(audio) // WINDOW)
    joined = np.concatenate([samples for samples, _ in cut])
    np.testing.assert_array_equal(joined, audio[: len(joined)])
    for i, (_, pts_ns) in enumerate(cut):
        assert abs(pts_ns - (7 * MS + i * 32 * MS)) < 100_000


def test_a_jump_of_the_pts_begins_a_new_window_and_restarts_once() -> None:
    restarts = list[int]()
    windows = Windows(lambda: restarts.append(1))
    assert list(windows.cut(AudioPacket(data=np.ones(300, np.float32), rate=RATE))) == []
    ((samples, pts_ns),) = windows.cut(
        AudioPacket(data=np.zeros(512, np.float32), rate=RATE, pts_ns=2 * SECOND)
    )
    assert pts_ns == 2 * SECOND
    assert not samples.any()
    assert len(restarts) == 1


def test_samples_before_a_reset_are_in_no_window() -> None:
    windows = Windows(lambda: None)
    list(windows.cut(AudioPacket(data=np.ones(300, np.float32), rate=RATE)))
    windows.reset()
    later = AudioPacket(data=np.zeros(512, np.float32), rate=RATE, pts_ns=300 * SECOND // RATE)
    ((samples, _),) = windows.cut(later)
    assert not samples.any()


def test_a_rated_window_carries_its_probability() -> None:
    packet = rated(np.zeros(WINDOW, np.float32), 5 * MS, 0.25)
    assert (packet.rate, packet.pts_ns, packet.duration_ns, packet.meta["speech"]) == (
        RATE,
        5 * MS,
        32 * MS,
        0.25,
    )


def test_loudness_hears_neither_offset_nor_hum() -> None:
    t = np.arange(20 * WINDOW) / RATE
    tone = 0.1 * np.sin(2 * np.pi * 1000 * t)
    under = 0.3 + 0.2 * np.sin(2 * np.pi * 50 * t)
    loudness = Loudness()
    powers = [
        loudness.of((tone + under)[at : at + WINDOW].astype(np.float32)) for at in range(0, len(t), WINDOW)
    ]
    assert powers[3:] == pytest.approx([0.005] * 17, rel=0.01)
