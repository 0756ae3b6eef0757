"""A device's clock against the pipeline's, over half an hour that is computed, not waited for."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import MS, SECOND
from vflow_nodes.lib.portaudio.clock_drift import DeviceClock, Interpolator, Playing, Recording

HALF_HOUR_S = 1800


def tone(frequency: float, seconds: float, rate: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(
    ("source", "target", "frequency"),
    [(16000, 16001, 6500), (24000, 23999, 9000), (48000, 16000, 5500), (16000, 48000, 6500)],
)
def test_interpolation_keeps_a_tone_and_adds_nothing_above_65_db(
    source: int, target: int, frequency: int
) -> None:
    given, made = tone(frequency, 1.5, source), []
    interpolator = Interpolator(source / target)
    for at in range(0, len(given), source // 100):
        interpolator.feed(given[at : at + source // 100])
        made.append(interpolator.take(interpolator.available(source / target), source / target))
    out = np.concatenate(made)
    assert len(out) / target == pytest.approx(1.5, abs=0.003)
    wanted = 0.5 * np.sin(2 * np.pi * frequency * np.arange(len(out)) / target)
    middle = slice(target // 4, target)
    gain = np.dot(out[middle], wanted[middle]) / np.dot(wanted[middle], wanted[middle])
    assert gain == pytest.approx(1, abs=0.03)
    rest = out[middle] - gain * wanted[middle]
    assert 20 * np.log10(np.std(rest) / np.std(wanted)) < -65


def test_sound_above_the_lower_rates_band_is_filtered_out() -> None:
    interpolator = Interpolator(3)
    interpolator.feed(tone(9500, 1.0, 48000))
    assert np.abs(interpolator.take(interpolator.available(3), 3)[500:]).max() < 0.005


def test_interpolator_takes_exactly_the_samples_it_asks_for() -> None:
    interpolator, step = Interpolator(1.5), 1.4999
    for _ in range(200):
        interpolator.feed(np.zeros(interpolator.missing(160, step), np.float32))
        assert interpolator.missing(160, step) == 0
        assert interpolator.available(step) in (160, 161)
        assert len(interpolator.take(160, step)) == 160


@pytest.mark.parametrize("ppm", [-100, 100])
def test_recorded_samples_stay_with_pipeline_time_for_half_an_hour(ppm: int) -> None:
    rate, block, mean_ns = 8000, 320, 3 * MS
    generator = np.random.default_rng(ppm + 100)
    true_ns = SECOND / (rate * (1 + ppm * 1e-6))
    clock, recording = DeviceClock(rate), Recording(rate, rate)
    made, errors = 0, []
    for count in range(block, HALF_HOUR_S * rate, block):
        late_ns = generator.exponential(mean_ns) + (50 * MS if generator.random() < 1e-3 else 0)
        end_ns = clock.update(count, SECOND + count * true_ns + late_ns)
        pts_ns, samples = recording.feed(np.zeros(block, np.float32), end_ns, clock.period_ns)
        made += len(samples)
        held = recording._interpolator.held
        stamped_ns = pts_ns + len(samples) * SECOND / rate
        errors.append(stamped_ns - (SECOND + (count - held) * true_ns))
    settled = np.array(errors[60 * rate // block :])
    assert np.abs(settled - mean_ns).max() < MS
    assert made / rate == pytest.approx(HALF_HOUR_S / (1 + ppm * 1e-6), abs=0.1)  # of pipeline time
    assert clock.ppm == pytest.approx(ppm, abs=20)


@pytest.mark.parametrize("ppm", [-100, 100])
def test_a_timeline_is_played_at_the_pace_of_pipeline_time_for_half_an_hour(ppm: int) -> None:
    rate, block = 8000, 320
    generator = np.random.default_rng(ppm + 100)
    true_ns = SECOND / (rate * (1 + ppm * 1e-6))
    clock, playing = DeviceClock(rate), Playing(rate, rate)
    taken, errors = 0, []
    for count in range(0, HALF_HOUR_S * rate, block):
        at_ns = clock.update(count, SECOND + count * true_ns + generator.normal(0, 2 * MS))
        frame, missing = playing.begin(block, taken, at_ns, clock.period_ns)
        taken += missing
        assert len(playing.finish(block, np.zeros(missing, np.float32))) == block
        errors.append(SECOND + count * true_ns - frame * SECOND / rate)
    settled = np.array(errors[60 * rate // block :])
    assert settled.max() - settled.min() < 2 * MS
    assert abs(settled.mean() - errors[0]) < 10 * MS


def test_the_samples_of_a_fast_device_are_those_of_pipeline_time() -> None:
    rate, ppm = 16000, 200
    device = tone(50 / (1 + ppm * 1e-6), 60, rate)  # 50 Hz, sampled by a clock that is too fast
    true_ns = SECOND / (rate * (1 + ppm * 1e-6))
    clock, recording, out = DeviceClock(rate), Recording(rate, rate), []
    for at in range(0, len(device), 160):
        end_ns = clock.update(at + 160, (at + 160) * true_ns)
        out.append(recording.feed(device[at : at + 160], end_ns, clock.period_ns))
    pts_ns, samples = out[-300][0], np.concatenate([made for _, made in out[-300:]])
    wanted = 0.5 * np.sin(2 * np.pi * 50 * (pts_ns / SECOND + np.arange(len(samples)) / rate))
    assert np.abs(samples - wanted).max() < 0.06  # 0.4 ms


def test_a_pause_of_the_device_moves_the_time_at_once() -> None:
    clock = DeviceClock(1000)
    for count in range(0, 5000, 10):
        clock.update(count, count * MS)
    period_ns = clock.period_ns
    assert clock.update(5000, 5500 * MS) == 5500 * MS
    assert clock.period_ns == period_ns
    assert clock.at(5010) == pytest.approx(5510 * MS, abs=1000)


def test_samples_recorded_after_a_gap_get_the_time_after_it() -> None:
    recording = Recording(16000, 16000)
    period_ns = SECOND / 16000
    first, _ = recording.feed(np.zeros(160, np.float32), 10 * MS, period_ns)
    second, _ = recording.feed(np.zeros(160, np.float32), 210 * MS, period_ns)
    assert first == pytest.approx(0, abs=10)
    assert second - first > 190 * MS
