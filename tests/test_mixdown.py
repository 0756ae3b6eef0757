"""Channels mixed to one: by the mean, unless they cancel."""

from __future__ import annotations

import numpy as np
import pytest

from vflow.mixdown import Mixdown, mixed
from vflow.packet import Samples

RATE = 16_000


def voice(seed: int = 3, seconds: float = 1.0) -> Samples:
    """Noise in the band of speech, with silence before and in it."""
    noise = np.random.default_rng(seed).normal(0, 0.1, int(RATE * seconds))
    smooth = np.convolve(noise, np.hanning(16) / 4, "same")
    smooth[: RATE // 4] = 0
    smooth[RATE // 2 : RATE // 2 + 1000] = 0
    return smooth.astype(np.float32)


def stream(data: Samples, size: int = 512) -> tuple[Samples, int | None]:
    mixdown = Mixdown(RATE)
    made = [mixdown.mix(data[at : at + size]) for at in range(0, len(data), size)]
    return np.concatenate(made), mixdown.channel


SPEECH = voice()
HUM = (0.1 * np.sin(2 * np.pi * 50 * np.arange(RATE) / RATE)).astype(np.float32)
CANCELLING = {
    "inverted": [SPEECH, -SPEECH],
    "four, two of them inverted": [SPEECH, -SPEECH, SPEECH, -SPEECH],
    "inverted and softer": [SPEECH, -0.6 * SPEECH],
    "inverted, with noise": [SPEECH + 0.1 * voice(4), -SPEECH + 0.1 * voice(5)],
    "inverted under a common offset": [SPEECH + 0.2, -SPEECH + 0.2],
    "inverted under a common hum": [SPEECH + HUM, -SPEECH + HUM],
    "soft": [0.01 * SPEECH, -0.01 * SPEECH],
}
OTHER = {
    "equal": [SPEECH, SPEECH],
    "one silent": [SPEECH, 0 * SPEECH],
    "one of sixteen": [SPEECH, *[0 * SPEECH] * 15],
    "independent": [SPEECH, voice(6)],
    "eight independent": [voice(seed) for seed in range(8)],
    "stereo with a middle": [SPEECH + 0.7 * voice(7), SPEECH - 0.7 * voice(7)],
    "silence": [0 * SPEECH, 0 * SPEECH],
    "noise of 16 bits, inverted": [SPEECH / 1e5, -SPEECH / 1e5],
}


@pytest.mark.parametrize("case", CANCELLING)
@pytest.mark.parametrize("size", [160, 512, 4000])
def test_channels_that_cancel_are_heard(case: str, size: int) -> None:
    data = np.stack(CANCELLING[case], axis=1).astype(np.float32)
    made, channel = stream(data, size)
    assert channel is not None
    from_here = RATE // 4 + size + RATE // 10  # the onset of the voice, and the evidence
    assert made[from_here:] == pytest.approx(data[from_here:, channel])
    assert any(mixed(data, RATE) == pytest.approx(data[:, each]) for each in range(data.shape[1]))


@pytest.mark.parametrize("case", OTHER)
def test_channels_that_do_not_cancel_are_mixed_by_the_mean(case: str) -> None:
    data = np.stack(OTHER[case], axis=1).astype(np.float32)
    made, channel = stream(data)
    assert channel is None
    assert made == pytest.approx(data.mean(axis=1))
    assert mixed(data, RATE) == pytest.approx(data.mean(axis=1))


def test_the_strongest_channel_is_taken() -> None:
    made, channel = stream(np.stack([-0.8 * SPEECH, SPEECH], axis=1))
    assert channel == 1
    assert made[RATE // 2 :] == pytest.approx(SPEECH[RATE // 2 :])


def test_a_stream_that_begins_to_cancel_changes_over_without_a_click() -> None:
    tone = (0.2 * np.sin(np.arange(RATE) * 0.1)).astype(np.float32)
    sign = np.where(np.arange(RATE) < RATE // 2, 1.0, -1.0).astype(np.float32)
    fade = np.clip((np.arange(RATE) - RATE // 2) / 800, 0, 1)  # the inverted one sets in slowly
    data = np.stack([tone, np.where(sign > 0, 0, -tone * fade)], axis=1).astype(np.float32)
    made, channel = stream(data)
    assert channel == 0
    assert np.abs(np.diff(made)).max() < 0.03  # the tone's own steepest step is 0.02


def test_it_stays_with_its_channel_when_the_channels_no_longer_cancel() -> None:
    mixdown = Mixdown(RATE)
    mixdown.mix(np.stack([SPEECH, -SPEECH], axis=1))
    later = np.stack([SPEECH, SPEECH], axis=1) * np.float32([0.5, 1.0])
    assert mixdown.mix(later) == pytest.approx(later[:, 0])


def test_one_channel_is_passed_on_as_it_is() -> None:
    data = SPEECH.reshape(-1, 1)
    assert np.shares_memory(Mixdown(RATE).mix(data), data)
