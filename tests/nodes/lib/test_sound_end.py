"""Where a sound ended, of windows of 32 ms."""

from __future__ import annotations

import numpy as np

from vflow import MS, AudioPacket
from vflow_nodes.lib.sound_end import SoundEnd

WINDOW = 32 * MS


def heard(*levels: float, fade: int = 192 * MS, power: bool = False) -> SoundEnd:
    sound = SoundEnd(fade)
    sound.begin()
    for at, level in enumerate(levels):
        data = np.full(512, 0.5 if power else level, np.float32)
        meta = {"power": level * level} if power else {}
        sound.hear(AudioPacket(data=data, rate=16_000, pts_ns=at * WINDOW, meta=meta))
    return sound


def test_while_the_voice_goes_on_the_sound_ends_with_it() -> None:
    assert heard(1.0, 0.01).off_ns == heard(1.0, 0.01).voice_ns == 2 * WINDOW


def test_a_fall_is_dated_back_to_the_last_loud_window() -> None:
    for power in (False, True):
        sound = heard(0.1, 1.0, 0.06, 0.05, 0.01, power=power)
        sound.falls()
        assert (sound.off_ns, sound.voice_ns) == (3 * WINDOW, 5 * WINDOW)


def test_a_fall_is_dated_back_by_the_fade_at_most() -> None:
    sound = heard(1.0, *[0.01] * 9, fade=64 * MS)
    sound.falls()
    assert sound.off_ns == 10 * WINDOW - 64 * MS


def test_each_onset_is_measured_by_its_own_loudness() -> None:
    sound = heard(1.0)
    sound.begin()
    sound.hear(AudioPacket(data=np.full(512, 0.01, np.float32), rate=16_000, pts_ns=9 * WINDOW))
    sound.falls()
    assert sound.off_ns == 10 * WINDOW
